"""The items of a stream as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from migstream.errors import ParseError
from migstream.names import many
from migstream.ram.model import RamRecords, RamSetup
from migstream.render.answer import Answer, Line, Pair, Printed
from migstream.render.shown import Part, Table
from migstream.render.text import escape, grouped, short_size
from migstream.source.store import Store
from migstream.stream import Stream
from migstream.wire.frames import COMMANDS
from migstream.wire.model import Command, Configuration, Item, Opaque, Section, Trailer

__all__ = [
    "MESSAGE",
    "ItemLine",
    "Items",
    "Row",
    "channel_rows",
    "device_rows",
    "item_lines",
    "item_parts",
    "item_rows",
    "message_rows",
    "note",
    "packet_rows",
    "title",
]

LONGEST = 100
MOST = 4
MESSAGE = "message"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One item: what it is, where, and a word about it; `level` is 1 inside a package or a channel."""

    kind: str
    span: Pair
    name: str = ""
    section_id: int | None = None
    version_id: int | None = None
    note: str = ""
    level: int = 0


class Items(Answer, tag="ls", frozen=True, kw_only=True):
    """Every item of the stream in its order, or its devices, or what a recording holds.

    A `span` is in the stream, that of a channel's packet in its channel.
    """

    file: str
    items: list[Row]


class ItemLine(Line, tag="ls", frozen=True, kw_only=True):
    """One of the items."""


def item_lines(file: str, rows: Iterable[Row]) -> Iterator[Printed]:
    """The items, a line each."""
    begun = ItemLine(file=file)
    for row in rows:
        yield begun, row


def title(item: Item) -> str:
    """The name of what an item is about."""
    if isinstance(item, Section):
        return item.path
    if isinstance(item, Command):
        return item.name
    return item.machine if isinstance(item, Configuration) else ""


def note(item: Item) -> str:
    """One line on what an item holds."""
    if isinstance(item, Section):
        return _section(item)
    if isinstance(item, Configuration):
        said = (
            f"{s.name.removeprefix('configuration/')} {_value(s.value)}" for s in item.subsections
        )
        return ", ".join(said)
    if isinstance(item, Command):
        if item.items:
            return f"{len(item.items)} items"
        if item.command not in COMMANDS:
            return "unknown to QEMU up to 11.1"
        return "" if item.value is None else _value(item.value)
    if isinstance(item, Trailer):
        return "zeros" if item.zeros else "not zeros"
    return item.reason if isinstance(item, Opaque) else ""


def _value(value: Any) -> str:
    if isinstance(value, tuple | list):
        shown = " ".join(_value(one) for one in value[:MOST])
        return shown if len(value) <= MOST else f"{shown} … {len(value) - MOST} more"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(one)}" for key, one in value.items())
    if isinstance(value, bytes):
        text = value.decode("ascii", "replace")
        return text if text.isascii() and text.isprintable() else value.hex()
    return f"{value:#x}" if isinstance(value, int) and value > 1 << 16 else str(value)


def _section(item: Section) -> str:
    content = item.content
    if isinstance(content, RamSetup):
        return f"{many(len(content.blocks), 'block')}, {short_size(content.total)}"
    if isinstance(content, RamRecords):
        return _pages(content)
    if isinstance(content, msgspec.Struct):
        facts = []
        for name in content.__struct_fields__:
            fact = getattr(content, name)
            if isinstance(fact, int | str) and fact:
                facts.append(f"{name} {fact}")
            elif isinstance(fact, tuple) and fact and name in {"devices", "events"}:
                facts.append(f"{len(fact)} {name}")
        return ", ".join(facts)
    if item.how in {"guess", "damage", "rest"}:
        return {"guess": "end guessed", "damage": "damaged", "rest": "all that follows"}[item.how]
    return ""


def _pages(records: RamRecords) -> str:
    counts = {
        kind: sum(getattr(block.tally, kind) for block in records.blocks)
        for kind in ("zero", "normal", "xbzrle", "compressed")
    }
    return ", ".join(f"{grouped(n)} {kind}" for kind, n in counts.items() if n) or "no pages"


def item_rows(stream: Stream) -> Iterator[Row]:
    """Every item, those of a package one level below it."""
    yield from _rows(stream.items, 0)


def _rows(items: Sequence[Item], level: int) -> Iterator[Row]:
    for item in items:
        yield _row(item, level)
        if isinstance(item, Command):
            yield from _rows(item.items, level + 1)


def _row(item: Item, level: int = 0) -> Row:
    section = item if isinstance(item, Section) else None
    return Row(
        kind=item.label,
        span=item.span,
        name=title(item),
        section_id=section.section_id if section else None,
        version_id=section.version_id if section else None,
        note=note(item),
        level=level,
    )


def device_rows(stream: Stream) -> Iterator[Row]:
    """The device sections only, without a walk."""
    return (_row(device.section) for device in stream.devices)


def channel_rows(stream: Stream) -> Iterator[Row]:
    """The recorded channels that were named with a stream, and below each its packets.

    Damage ends a channel's rows; `stream.damage` names it.
    """
    for channel in stream.channels:
        size, number = channel.store.size, channel.initial.channel
        yield Row(kind="channel", span=(0, size), name=f"channel {number}")
        with suppress(ParseError):
            for row in packet_rows(channel.store):
                yield msgspec.structs.replace(row, level=1)


def packet_rows(store: Store) -> Iterator[Row]:
    """The packets of a multifd channel."""
    from migstream.ram.multifd import ChannelReader, Initial, Packet
    from migstream.wire.cursor import windows

    for item in windows(ChannelReader().items, store):
        name, said = "", ""
        if isinstance(item, Initial):
            name, said = f"channel {item.channel}", f"version {item.version}, uuid {item.uuid}"
        elif isinstance(item, Packet):
            name = item.block
            counts = {"normal": item.normal, "zero": item.zero}
            facts = [f"{n} {kind}" for kind, n in counts.items() if n]
            facts += [item.compression] if item.compression != "none" else []
            said = ", ".join([f"number {item.number}", *facts, *(["sync"] if item.sync else [])])
        else:
            name = f"{item.idstr}[{item.instance_id}]"
        yield Row(kind=item.label, span=item.span, name=name, note=said)


def message_rows(store: Store) -> Iterator[Row]:
    """The messages of a return path."""
    from migstream.wire.cursor import windows
    from migstream.wire.returnpath import read_messages

    for message in windows(read_messages, store):
        value = message.value
        if isinstance(value, msgspec.Struct):
            value = {name: getattr(value, name) for name in value.__struct_fields__}
            value = {name: one for name, one in value.items() if one is not None}
        yield Row(
            kind=MESSAGE,
            span=message.span,
            name=message.name,
            note="" if value is None else _value(value),
        )


def item_parts(rows: Iterable[Row]) -> Iterator[Part]:
    """The table."""
    cells = [
        (
            f"{row.span[0]:#x}",
            grouped(row.span[1] - row.span[0]),
            "  " * row.level + row.kind,
            "" if row.section_id is None else str(row.section_id),
            escape(row.name),
            "" if row.version_id is None else f"v{row.version_id}",
            escape(row.note)[:LONGEST],
        )
        for row in rows
    ]
    yield Table(cells, ">><><<<", ("offset", "size", "kind", "id", "name", "", "note"))
