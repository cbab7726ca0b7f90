"""What a codec is: it reads one kind of section, found by the section's name.

A codec reads the payload of START, PART and END sections (and of old-style FULL ones) that no
description covers. The table is `migstream.iterable.SECTIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from migstream.wire.cursor import Cursor
from migstream.wire.model import Configuration, SectionType

__all__ = ["Codec", "Context", "Factory"]


class Context(msgspec.Struct, kw_only=True):
    """What earlier parts of a stream say that later parts depend on. Filled by the walker.

    `page_size` is the target page size in bytes where it is known (description, else
    target-page-bits), None where a codec has to find out by itself; the RAM codec then sets it.
    `guessed` says that its records allow another one, too.
    `blocks` are names and used lengths of the RAM blocks that were listed.
    `advise` is POSTCOPY_ADVISE's pair (bitwise OR of all blocks' page sizes, target page size),
    (0, 0) for an advise without payload, None when there was none.
    `limit` is the size of the source in bytes, where it is known.
    `base` is the offset of the stream's first byte in the file that QEMU wrote to, from which
    mapped-ram's offsets count.
    `pages` is told of every page record (`ram.records.Sink`), where somebody wants to know, and
    `seen` is shown the same with its bytes (`ram.records.Seen`).
    """

    configuration: Configuration | None = None
    page_size: int | None = None
    advise: tuple[int, int] | None = None
    limit: int | None = None
    base: int = 0
    footers: bool | None = None
    guessed: bool = False
    blocks: tuple[tuple[str, int], ...] | None = None
    pages: Any = None
    seen: Any = None

    @property
    def capabilities(self) -> tuple[str, ...]:
        return () if self.configuration is None else self.configuration.capabilities


class Codec(Protocol):
    """Reads one section id's payloads: one object lives from START to END.

    `begin` opens a section. `step` then reads one or more records, calling `cur.commit()` after
    each whole one (its own state must be right at every commit: NeedData takes the cursor back
    to the last one and calls `step` again), and returns True when the payload has ended.
    `content` then gives what the section held: a value of its own, immutable and small (counts
    and runs, never bytes of the guest). Both raise ParseError with `at` set.
    """

    def begin(self, type_: SectionType, version_id: int) -> None: ...
    def step(self, cur: Cursor) -> bool: ...
    def content(self) -> Any: ...


Factory = Callable[[Context], Codec]
