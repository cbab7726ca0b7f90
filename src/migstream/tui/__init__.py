"""A stream on the whole of a terminal: tree, bytes, memory, search.

What there is to show knows nothing of Textual (`entries.py`, `sources.py`, `seek.py`, `panels.py`); the
widgets know nothing of streams but that.
"""
