"""Where the bytes of a stream go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from migstream.ram.model import Tally
from migstream.render.answer import Answer
from migstream.render.missing import (
    Missing,
    Pages,
    counted,
    missing,
    missing_lines,
    page_count,
    total,
)
from migstream.render.shown import Part, Table, Title, dim, indented, line
from migstream.render.text import escape, grouped, percent, size, sizes
from migstream.render.written import Written
from migstream.stream import Stream
from migstream.wire.model import Command, Section, SectionType, downtime, flat

__all__ = ["Flames", "Stat", "memory_parts", "stat", "stat_parts"]

TOP = 15


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one kind: how many, and their bytes in the stream."""

    pages: int
    bytes: int


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the stream that is not a device: `ram`, headers, the description."""

    name: str
    bytes: int


class DeviceShare(msgspec.Struct, frozen=True, kw_only=True):
    """A device section."""

    path: str
    bytes: int


class BlockShare(msgspec.Struct, frozen=True, kw_only=True):
    """A RAM block: bytes of its records, by `zero`, `normal`, `xbzrle`, `compressed`."""

    name: str
    bytes: int
    kinds: dict[str, Kind]
    pages: Pages | None


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """A walk through memory while the guest ran."""

    pages: int
    bytes: int
    kinds: dict[str, Kind]


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """Guest memory; `rounds` are listed as far as they are known, `round_count` counts them all."""

    page_size: int | None
    blocks: list[BlockShare]
    pages: Pages | None
    missing: list[Missing]
    rounds: list[Round]
    round_count: int


class Stat(Answer, tag="stat", frozen=True, kw_only=True):
    """Where the bytes go, the largest first.

    `downtime_bytes` is what follows the last memory that was sent while the guest ran.
    """

    file: str
    size: int
    parts: list[Share]
    ram: Memory | None
    devices: list[DeviceShare]
    downtime_bytes: int | None


class Flames(Written, tag="stat", frozen=True, kw_only=True):
    """The flame graph of `file` that was written."""

    file: str


def _tally(tally: Tally) -> dict[str, Kind]:
    return {kind: Kind(pages=pages, bytes=size) for kind, pages, size in tally.kinds()}


def stat(stream: Stream) -> Stat:
    """The sums, largest first."""
    parts: Counter[str] = Counter()
    devices: Counter[str] = Counter()
    for item in flat(stream.items):
        if isinstance(item, Command) and item.items:
            parts["command"] += item.span.size - sum(i.span.size for i in item.items)
            continue
        if not isinstance(item, Section):
            parts[item.label] += item.span.size
            continue
        if item.type == SectionType.FULL:
            parts["devices"] += item.span.size
            devices[item.path] += item.span.size
        else:
            parts[item.name] += item.span.size
    stands = downtime(stream.items)
    return Stat(
        file=stream.name,
        size=stream.size,
        parts=[Share(name=n, bytes=b) for n, b in parts.most_common()],
        ram=_memory(stream),
        devices=[DeviceShare(path=n, bytes=b) for n, b in devices.most_common()],
        downtime_bytes=None if stands is None else stream.size - stands,
    )


def _memory(stream: Stream) -> Memory | None:
    ram = stream.ram
    if not ram:
        return None
    presence = {name: block.presence() for name, block in ram.items()}
    return Memory(
        page_size=ram.page_size,
        blocks=[
            BlockShare(
                name=b.name,
                bytes=b.tally.size,
                kinds=_tally(b.tally),
                pages=counted(presence[b.name]) if b.name in presence else None,
            )
            for b in sorted(ram.blocks, key=lambda b: -b.tally.size)
        ],
        pages=total(ram),
        missing=missing(ram),
        rounds=[Round(pages=r.pages, bytes=r.size, kinds=_tally(r)) for r in ram.rounds],
        round_count=ram.round_count,
    )


# --- for people ----------------------------------------------------------------------------------


def _shares(rows: Sequence[tuple[str, int]], whole: int) -> Table:
    cells = [(escape(name), *sizes(n), percent(n, whole)) for name, n in rows]
    return Table(cells, "<>>>", indent=2)


def _kinds(kinds: dict[str, Kind]) -> str:
    return ", ".join(f"{grouped(k.pages)} {kind} ({size(k.bytes)})" for kind, k in kinds.items())


def _sent(block: BlockShare) -> str:
    """What was sent of a block, and how much of it that is where it is not all."""
    return ": ".join(filter(None, (page_count(block.pages), _kinds(block.kinds))))


def stat_parts(one: Stat, *, everything: bool) -> Iterator[Part]:
    """Tables: the whole, RAM by block, dirty rounds, devices."""
    whole = one.size
    yield Title(f"{escape(one.file)}: {size(whole)}")
    yield _shares([(p.name, p.bytes) for p in one.parts], whole)
    if one.downtime_bytes is not None:
        yield line(
            "  ",
            dim("after the last live RAM, sent while the guest stands:"),
            f" {size(one.downtime_bytes)}, {percent(one.downtime_bytes, whole)}",
        )
    if one.ram is not None:
        yield from memory_parts(one.ram, whole)
    if one.devices:
        shown = one.devices if everything else one.devices[:TOP]
        yield Title(f"Devices ({size(sum(d.bytes for d in one.devices))})")
        yield _shares([(d.path, d.bytes) for d in shown], whole)
        rest = one.devices[len(shown) :]
        if rest:
            left = size(sum(d.bytes for d in rest))
            yield dim(f"  and {len(rest)} more, {left} (--all)")


def memory_parts(ram: Memory, whole: int) -> Iterator[Part]:
    """Tables of RAM blocks and of dirty rounds; `whole` is the size of the stream."""
    if ram.blocks:
        rows = [
            (escape(b.name), *sizes(b.bytes), percent(b.bytes, whole), _sent(b)) for b in ram.blocks
        ]
        held = page_count(ram.pages)
        yield Title(f"RAM blocks ({held})" if held else "RAM blocks")
        yield Table(rows, "<>>><", indent=2)
        yield from (indented(told, 2) for told in missing_lines(ram.missing))
    if ram.rounds:
        rounds = [
            (str(n), grouped(r.pages), *sizes(r.bytes), _kinds(r.kinds))
            for n, r in enumerate(ram.rounds, 1)
        ]
        yield Title(f"Walks through RAM ({ram.round_count})")
        yield Table(rounds, ">>>><", ("round", "pages", "size", "bytes", ""), indent=2)
