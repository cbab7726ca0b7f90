"""A stream as a folder that an editor opens: `decode --full` writes it, `encode` reads it."""
