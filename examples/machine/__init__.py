"""A small machine whose state is declared with migstream: saved, loaded and migrated while it runs."""
