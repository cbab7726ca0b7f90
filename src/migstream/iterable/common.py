"""What several codecs need: bounded sizes, names, lists that stop growing."""

from __future__ import annotations

from migstream.errors import BadSection
from migstream.names import decoded
from migstream.wire.cursor import Cursor

__all__ = ["KEPT", "bounded", "name"]

KEPT = 4096
"""So many records of a section are kept one by one; the rest are only counted."""


def bounded(size: int, most: int, what: str, at: int) -> int:
    """`size` itself, if no more than `most`; `at` is the offset of the word that says it."""
    if size > most:
        raise BadSection(f"{what} of {size:#x}", at=at, expected=f"at most {most:#x}", found=size)
    return size


def name(cur: Cursor, what: str) -> str:
    """A counted string that may not be empty."""
    at = cur.offset
    raw = cur.counted()
    if not raw:
        raise BadSection(f"an empty {what}", at=at, expected="1 to 255 bytes", found=0)
    return decoded(raw)
