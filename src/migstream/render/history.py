"""The versions of a page: a table, the bytes of one, and what changed from one to another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from operator import ne
from typing import TYPE_CHECKING

import msgspec

from migstream.render.answer import Answer, Line, Printed
from migstream.render.memory import hex_parts
from migstream.render.shown import Bytes, Part, Table
from migstream.render.text import LINE

if TYPE_CHECKING:
    from migstream.ram.history import PageVersion

__all__ = [
    "Change",
    "ChangeLine",
    "Changes",
    "Contents",
    "History",
    "Version",
    "VersionLine",
    "change_lines",
    "changes",
    "changes_parts",
    "contents",
    "contents_parts",
    "history",
    "history_parts",
    "version_lines",
]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the page.

    `round` is the dirty round, counted from 1 (of a multifd channel: its epoch, from 0). `source` is
    0 for the stream itself, else a channel or what was unpacked of channels; `at` is the offset
    there of the record's content, null for a page of zeros of a channel. `changed` counts the bytes
    that differ from the version before, null of the first; `sha256` is that of the whole page.
    """

    version: int
    round: int
    kind: str
    source: int
    at: int | None
    changed: int | None
    sha256: str


class History(Answer, tag="history", frozen=True, kw_only=True):
    """Every version of the page at `offset` of a RAM block, oldest first; none where the stream has none."""

    file: str
    block: str
    offset: int
    versions: list[Version]


class Contents(Answer, tag="history", frozen=True, kw_only=True):
    """One version of the page at `offset` of a RAM block: its bytes in hexadecimal.

    `round`, `kind`, `source` and `at` are as in the list of all versions.
    """

    file: str
    block: str
    offset: int
    version: int
    round: int
    kind: str
    source: int
    at: int | None
    hex: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Up to sixteen bytes at `offset` of the RAM block of which some differ, in hexadecimal."""

    offset: int
    before: str
    after: str


class Changes(Answer, tag="history", frozen=True, kw_only=True):
    """What differs between two versions, `old` and `new`, of the page at `offset` of a RAM block."""

    file: str
    block: str
    offset: int
    old: int
    new: int
    changes: list[Change]


class VersionLine(Line, tag="history", frozen=True, kw_only=True):
    """One version of the page at `offset` of a RAM block."""

    block: str
    offset: int


class ChangeLine(Line, tag="history", frozen=True, kw_only=True):
    """With --diff: bytes that differ between two versions, `old` and `new`."""

    block: str
    old: int
    new: int


def version_lines(one: History) -> Iterator[Printed]:
    """The versions, a line each."""
    begun = VersionLine(file=one.file, block=one.block, offset=one.offset)
    for row in one.versions:
        yield begun, row


def change_lines(one: Changes) -> Iterator[Printed]:
    """What differs, a line each."""
    begun = ChangeLine(file=one.file, block=one.block, old=one.old, new=one.new)
    for row in one.changes:
        yield begun, row


def _differing(a: bytes, b: bytes) -> int:
    """How many bytes differ; two of a page that are equal are the most common."""
    return 0 if a == b else sum(map(ne, a, b))


def _versions(versions: Iterable[PageVersion]) -> Iterator[Version]:
    last: bytes | None = None
    for one in versions:
        yield Version(
            version=one.number,
            round=one.turn,
            kind=one.kind,
            source=one.source,
            at=one.at,
            changed=None if last is None else _differing(last, one.data),
            sha256=hashlib.sha256(one.data).hexdigest(),
        )
        last = one.data


def history(file: str, block: str, offset: int, versions: Iterable[PageVersion]) -> History:
    """A row for each version of the page at `offset`."""
    return History(file=file, block=block, offset=offset, versions=[*_versions(versions)])


def contents(file: str, block: str, offset: int, one: PageVersion) -> Contents:
    """One version with its bytes."""
    return Contents(
        file=file,
        block=block,
        offset=offset,
        version=one.number,
        round=one.turn,
        kind=one.kind,
        source=one.source,
        at=one.at,
        hex=one.data.hex(),
    )


def changes(file: str, block: str, offset: int, old: PageVersion, new: PageVersion) -> Changes:
    """The lines of sixteen bytes that differ."""
    found = [
        Change(offset=at, before=before.hex(), after=after.hex())
        for at, before, after in _changed(offset, old, new)
    ]
    return Changes(
        file=file, block=block, offset=offset, old=old.number, new=new.number, changes=found
    )


def _changed(offset: int, old: PageVersion, new: PageVersion) -> Iterator[tuple[int, bytes, bytes]]:
    for low in range(0, len(old.data), LINE):
        before, after = old.data[low : low + LINE], new.data[low : low + LINE]
        if before != after:
            yield offset + low, before, after


# --- for people ----------------------------------------------------------------------------------


def history_parts(one: History) -> Iterator[Part]:
    """The versions as a table; nothing where there are none."""
    rows = [
        (
            str(row.version),
            str(row.round),
            row.kind,
            "" if row.at is None else f"{row.at:#x}",
            "" if row.source == 0 else str(row.source),
            "" if row.changed is None else str(row.changed),
            row.sha256[:16],
        )
        for row in one.versions
    ]
    if rows:
        names = ("version", "round", "kind", "at", "channel", "bytes changed", "sha256")
        yield Table(rows, ">><>>><", names)


def contents_parts(offset: int, one: PageVersion, *, everything: bool) -> Iterator[Part]:
    """A hexdump of one version of the page at `offset`."""
    yield from hex_parts([(offset, one.data)], everything=everything)


def changes_parts(offset: int, old: PageVersion, new: PageVersion) -> Iterator[Part]:
    """Lines of sixteen bytes that differ, before (-) and after (+)."""
    for at, before, after in _changed(offset, old, new):
        yield Bytes(at, before, lead="- ", marked=None, style="removed")
        yield Bytes(at, after, lead="+ ", marked=None, style="added")
