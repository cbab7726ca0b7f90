"""Acme's save files: a magic, how long the note is, the note, and then the stream."""

from __future__ import annotations

from migstream.errors import SourceError
from migstream.source.layers import Layer, Opened
from migstream.source.store import Slice

MAGIC = b"ACMESAVE"


def unwrap(outer: Opened, /) -> Opened | None:
    """The stream in a save file (protocol: migstream.source.containers.Container)."""
    head = outer.head(12)
    if not head.startswith(MAGIC):
        return None
    store = outer.spool().store
    assert store is not None
    start = 12 + int.from_bytes(head[8:], "big")
    if start > min(store.size, 4096):
        raise SourceError(f"the note of an Acme save file ends at {start:#x}, and the file before")
    note = bytes(store.view(12, start)).decode("utf-8", "replace")
    return outer.inside(Layer("acme", note), store=Slice(store, start), where=lambda at: start + at)
