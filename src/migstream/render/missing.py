"""What a stream does not hold of its guest's memory, by block: as text, and as an answer has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from migstream.ram.image import Block
from migstream.ram.presence import UNPLUGGED, Presence
from migstream.render.answer import Pair
from migstream.render.text import escape, grouped, size

__all__ = [
    "WORDS",
    "Missing",
    "Pages",
    "counted",
    "missing",
    "missing_lines",
    "page_count",
    "total",
]

WORDS = {"absent": "not in this stream", "unplugged": "not plugged in"}


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """How many pages there are, each of `page_size` bytes, by what became of them."""

    page_size: int
    total: int
    sent: int
    absent: int
    unplugged: int


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """Pages of a RAM block that are not there: never sent ("absent"), or not plugged in.

    `of` is how many pages the block has; `ranges` are their places in the block in bytes, null
    where nobody asked for them.
    """

    block: str
    kind: Literal["absent", "unplugged"]
    pages: int
    of: int
    bytes: int
    why: str
    ranges: list[Pair] | None = None


def page_count(pages: Pages | None) -> str:
    """`466 of 12 288 pages`; empty where all of them are there, or nobody knows."""
    if pages is None or pages.sent == pages.total:
        return ""
    return f"{grouped(pages.sent)} of {grouped(pages.total)} pages"


def counted(presence: Presence) -> Pages:
    """The pages of one block."""
    return Pages(
        page_size=presence.page,
        total=presence.pages,
        sent=presence.sent,
        absent=presence.absent,
        unplugged=presence.unplugged,
    )


def total(ram: Mapping[str, Block]) -> Pages | None:
    """The pages of all blocks together; None where there are none."""
    counts = [counted(block.presence()) for block in ram.values()]
    if not counts:
        return None
    return Pages(
        page_size=counts[0].page_size,
        total=sum(one.total for one in counts),
        sent=sum(one.sent for one in counts),
        absent=sum(one.absent for one in counts),
        unplugged=sum(one.unplugged for one in counts),
    )


def missing(ram: Mapping[str, Block], *, ranges: bool = False) -> list[Missing]:
    """An entry for each kind of each block that lacks something.

    Parameters
    ----------
    ranges : whether each lists its pieces
    """
    return [entry for block in ram.values() for entry in _missing(block, ranges=ranges)]


def _missing(block: Block, *, ranges: bool) -> Iterator[Missing]:
    here = block.presence()
    kinds: tuple[tuple[Literal["absent", "unplugged"], int, str], ...] = (
        ("absent", here.absent, here.why),
        ("unplugged", here.unplugged, UNPLUGGED),
    )
    for kind, pages, why in kinds:
        if pages:
            yield Missing(
                block=block.name,
                kind=kind,
                pages=pages,
                of=here.pages,
                bytes=min(pages * here.page, block.size),
                why=why,
                ranges=_ranges(block, kind) if ranges else None,
            )


def _ranges(block: Block, kind: str) -> list[Pair]:
    runs = block.runs() if block.elsewhere is None else ()
    return [(run.start, run.stop) for run in runs if run.kind == kind] or [(0, block.size)]


def missing_lines(entries: Iterable[Missing], name: Callable[[str], str] = escape) -> Iterator[str]:
    """The entries for people."""
    for one in entries:
        yield (
            f"{name(one.block)}: {grouped(one.pages)} of {grouped(one.of)} pages,"
            f" {size(one.bytes)}, are {WORDS[one.kind]}: {one.why}"
        )
