"""Guest memory for people: hexdump, ranges, page walks, mappings, hits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from migstream.ram.presence import UNPLUGGED
from migstream.render.text import LINE, Palette, escape, hex_line, prose, short_size, size, table

if TYPE_CHECKING:
    from migstream.machine.paging.walk import Mapping, Translation
    from migstream.machine.physical import Range
    from migstream.machine.search import Gap, Hit
    from migstream.ram.image import Ram

__all__ = [
    "gap_line",
    "gap_table",
    "hex_lines",
    "hit_line",
    "hit_table",
    "mapping_line",
    "missed_lines",
    "range_lines",
    "string_line",
    "translation_lines",
]


WORDS = {"absent": "not in this stream", "unplugged": "not plugged in"}


def hex_lines(
    pieces: Iterable[tuple[int, bytes]], palette: Palette, *, everything: bool
) -> Iterator[str]:
    """Sixteen bytes a line; lines like the one before are one `*` unless everything is wanted.

    Parameters
    ----------
    pieces : (address, bytes), each right behind the one before
    """
    last, starred, at = b"", False, 0
    for address, data in pieces:
        for low in range(0, len(data), LINE):
            row, at = data[low : low + LINE], address + low
            if row == last and len(row) == LINE and not everything:
                if not starred:
                    yield palette.dim("*")
                starred = True
                continue
            yield hex_line(at, row).rstrip()
            last, starred = row, False
    if starred:
        yield f"{at + LINE:08x}"


def range_lines(ranges: Sequence[Range], palette: Palette) -> list[str]:
    """The physical map as a table."""
    rows = [
        (
            f"{one.start:08x}-{one.stop:08x}",
            short_size(one.size),
            escape(one.block),
            f"+{one.offset:#x}",
            escape(one.provenance),
        )
        for one in ranges
    ]
    head = ("guest-physical", "size", "block", "offset", "known from")
    return table(rows, "<><><", head, palette)


def translation_lines(found: Translation, palette: Palette) -> Iterator[str]:
    """Where an address leads, and the entries on the way."""
    page = f"{short_size(found.page_size)} page, " if found.entries else ""
    yield (
        f"{found.virtual:#x} is at physical {palette.value(f'{found.physical:#x}')}: "
        f"{page}{' '.join(found.flags)} ({found.scheme})"
    )
    rows = [
        (f"  {e.level}[{e.index}]", f"at {e.address:#x}", f"{e.value:#018x}") for e in found.entries
    ]
    yield from table(rows, "<<<")


def mapping_line(run: Mapping, palette: Palette) -> str:
    """One run of virtual addresses; a line by itself, as there may be very many."""
    return (
        f"{run.virtual:016x}-{run.virtual + run.size:016x}  {short_size(run.size):>9}  "
        f"{run.physical:012x}  {palette.dim(' '.join(run.flags))}"
    )


def hit_table(hit: Hit) -> dict[str, Any]:
    """A hit as JSON has it."""
    return {"address": hit.address, "kind": hit.kind, "hex": hit.data.hex()}


def gap_table(gap: Gap) -> dict[str, Any]:
    """What is not in the stream, as JSON has it beside bytes and hits."""
    return {"address": gap.address, "kind": gap.kind, "size": gap.size, "block": gap.block}


def gap_line(gap: Gap, palette: Palette) -> str:
    """It in the place of a line of bytes."""
    return palette.dim(
        f"{gap.address:08x}-{gap.address + gap.size:08x}  {WORDS[gap.kind]}: {size(gap.size)}"
        f" of {escape(gap.block)}"
    )


def missed_lines(gaps: Iterable[Gap], ram: Ram) -> Iterator[str]:
    """A line for each kind of each block, with the reason."""
    totals: dict[tuple[str, str], int] = {}
    for gap in gaps:
        key = gap.block, gap.kind
        totals[key] = totals.get(key, 0) + gap.size
    for (name, kind), total in totals.items():
        why = UNPLUGGED if kind == "unplugged" else ram[name].presence().why
        yield f"{size(total)} of {escape(name)}, {WORDS[kind]}: {why}"


def hit_line(hit: Hit, palette: Palette) -> str:
    """The hit's first sixteen bytes, and how many more there are."""
    more = len(hit.data) - LINE
    beside = f"{hit.kind}, {more} more bytes" if more > 0 else hit.kind
    return f"{hex_line(hit.address, hit.data[:LINE])}  {palette.dim(beside)}"


def string_line(hit: Hit, palette: Palette) -> str:
    """A string and its address."""
    return f"{palette.dim(f'{hit.address:08x}')}  {prose(hit.data.decode(hit.kind))}"
