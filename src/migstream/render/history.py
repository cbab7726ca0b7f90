"""The versions of a page: a table, and what changed from one to another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from operator import ne
from typing import TYPE_CHECKING, Any

from migstream.render.text import LINE, Palette, hex_line, table

if TYPE_CHECKING:
    from migstream.ram.history import PageVersion

__all__ = ["changed_lines", "history_lines", "history_rows"]


def _differing(a: bytes, b: bytes) -> int:
    """How many bytes differ; two of a page that are equal are the most common."""
    return 0 if a == b else sum(map(ne, a, b))


def history_rows(versions: Iterable[PageVersion]) -> Iterator[dict[str, Any]]:
    """One row for each version; `changed` counts bytes that differ from the version before."""
    last: bytes | None = None
    for one in versions:
        yield {
            "version": one.number,
            "round": one.turn,
            "kind": one.kind,
            "source": one.source,
            "at": one.at,
            "changed": None if last is None else _differing(last, one.data),
            "sha256": hashlib.sha256(one.data).hexdigest(),
        }
        last = one.data


def history_lines(versions: Iterable[PageVersion], palette: Palette) -> list[str]:
    """The rows for people."""
    rows = [
        (
            str(row["version"]),
            str(row["round"]),
            row["kind"],
            "" if row["at"] is None else f"{row['at']:#x}",
            "" if row["source"] == 0 else str(row["source"]),
            "" if row["changed"] is None else str(row["changed"]),
            row["sha256"][:16],
        )
        for row in history_rows(versions)
    ]
    head = ("version", "round", "kind", "at", "channel", "bytes changed", "sha256")
    return table(rows, ">><>>><", head, palette) if rows else []


def changed_lines(
    address: int, old: PageVersion, new: PageVersion, palette: Palette
) -> Iterator[str]:
    """Lines of sixteen bytes that differ, before (-) and after (+)."""
    for low in range(0, len(old.data), LINE):
        a, b = old.data[low : low + LINE], new.data[low : low + LINE]
        if a != b:
            yield palette.dim(f"- {hex_line(address + low, a)}")
            yield palette.value(f"+ {hex_line(address + low, b)}")
