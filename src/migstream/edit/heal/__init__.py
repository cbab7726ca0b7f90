"""The way out: what to change, at the destination or in a stream, so that the stream loads."""
