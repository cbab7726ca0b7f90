"""What a stream does not hold of its guest's memory, by block: as text, and as JSON has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from migstream.ram.image import Block
from migstream.ram.presence import UNPLUGGED, Presence
from migstream.render.memory import WORDS
from migstream.render.text import escape, grouped, size

__all__ = ["count_table", "missing_lines", "missing_table", "page_count", "total_table"]


def page_count(pages: dict[str, int] | None) -> str:
    """`466 of 12 288 pages`; empty where all of them are there, or nobody knows."""
    if pages is None or pages["sent"] == pages["total"]:
        return ""
    return f"{grouped(pages['sent'])} of {grouped(pages['total'])} pages"


def count_table(presence: Presence) -> dict[str, int]:
    """How many pages there are, each of `page_size` bytes, by what became of them."""
    return {
        "page_size": presence.page,
        "total": presence.pages,
        "sent": presence.sent,
        "absent": presence.absent,
        "unplugged": presence.unplugged,
    }


def total_table(ram: Mapping[str, Block]) -> dict[str, int] | None:
    """The same of all blocks together; None where there are none."""
    tables = [count_table(block.presence()) for block in ram.values()]
    if not tables:
        return None
    sums = {key: sum(one[key] for one in tables) for key in tables[0]}
    return sums | {"page_size": tables[0]["page_size"]}


def missing_table(ram: Mapping[str, Block], *, ranges: bool = False) -> list[dict[str, Any]]:
    """An entry for each kind, "absent" or "unplugged", of each block that lacks something.

    Parameters
    ----------
    ranges : whether each lists its pieces, [start, stop) in bytes of the block
    """
    return [entry for block in ram.values() for entry in _missing(block, ranges=ranges)]


def _missing(block: Block, *, ranges: bool) -> Iterator[dict[str, Any]]:
    here = block.presence()
    for kind, pages, why in (
        ("absent", here.absent, here.why),
        ("unplugged", here.unplugged, UNPLUGGED),
    ):
        if not pages:
            continue
        entry: dict[str, Any] = {
            "block": block.name,
            "kind": kind,
            "pages": pages,
            "of": here.pages,
            "bytes": min(pages * here.page, block.size),
            "why": why,
        }
        if ranges:
            runs = block.runs() if block.elsewhere is None else ()
            pieces = [[run.start, run.stop] for run in runs if run.kind == kind]
            entry["ranges"] = pieces or [[0, block.size]]
        yield entry


def missing_lines(
    entries: Iterable[dict[str, Any]], name: Callable[[str], str] = escape
) -> Iterator[str]:
    """The entries for people."""
    for one in entries:
        yield (
            f"{name(one['block'])}: {grouped(one['pages'])} of {grouped(one['of'])} pages,"
            f" {size(one['bytes'])}, are {WORDS[one['kind']]}: {one['why']}"
        )
