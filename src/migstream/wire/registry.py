"""Section kinds: one codec each, found by the section's name.

A codec reads the payload of START, PART and END sections (and of old-style FULL ones) that no
description covers. The table is filled by `migstream.ram` and `migstream.iterable`; an entry
point group `migstream.sections` adds others' kinds, loaded only when no built-in answers.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any, Protocol

import msgspec

from migstream.plugins import plugins
from migstream.wire.cursor import Cursor
from migstream.wire.model import Configuration, SectionType

__all__ = ["Codec", "Context", "Registry"]


class Context(msgspec.Struct, kw_only=True):
    """What earlier parts of a stream say that later parts depend on. Filled by the walker.

    `page_size` is the target page size in bytes where it is known (description, else
    target-page-bits), None where a codec has to find out by itself; the RAM codec then sets it.
    `guessed` says that its records allow another one, too.
    `blocks` are names and used lengths of the RAM blocks that were listed.
    `advise` is POSTCOPY_ADVISE's pair (bitwise OR of all blocks' page sizes, target page size),
    (0, 0) for an advise without payload, None when there was none.
    `limit` is the size of the source in bytes, where it is known.
    `pages` is told of every page record (`ram.records.Sink`), where somebody wants to know.
    """

    configuration: Configuration | None = None
    page_size: int | None = None
    advise: tuple[int, int] | None = None
    limit: int | None = None
    footers: bool | None = None
    guessed: bool = False
    blocks: tuple[tuple[str, int], ...] | None = None
    pages: Any = None

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


class Registry:
    """Names of sections to codecs. A name may hold `*` (`*/vfio`); exact names win."""

    def __init__(self, builtin: dict[str, str], group: str | None = None) -> None:
        self._where = dict(builtin)
        self._group = group
        self._plugins: dict[str, Any] | None = None

    def register(self, name: str, where: str) -> None:
        """Claim `name` for the factory at `where` ("package.module:attribute")."""
        if name in self._where:
            raise ValueError(f"section {name!r} already belongs to {self._where[name]}")
        self._where[name] = where

    def names(self) -> list[str]:
        return sorted(self._where)

    def find(self, name: str, *, plugins: bool = True) -> Factory | None:
        """The codec's factory for a section of this name, None when nobody claims it.

        `plugins` may be left out for a section that needs no codec to be read.
        """
        where = self._where.get(name)
        if where is None:
            where = next(
                (w for p, w in self._where.items() if "*" in p and fnmatchcase(name, p)), None
            )
        if where is not None:
            module, _, attribute = where.partition(":")
            factory: Factory = getattr(import_module(module), attribute)
            return factory
        return self._plugin(name) if plugins else None

    def _plugin(self, name: str) -> Factory | None:
        if self._group is None:
            return None
        if self._plugins is None:
            self._plugins = plugins(self._group)
        entry = self._plugins.get(name)
        return None if entry is None else entry.load()
