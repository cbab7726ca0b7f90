"""Side by side with the peers: whole processes, timed on the same files in one run (see README.md)."""
