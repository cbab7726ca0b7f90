"""The lines of the tree: each is made when what is above it is opened, and no more than a page of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import msgspec

from migstream.errors import MigstreamError
from migstream.names import many
from migstream.places import RAM, Kind, Place
from migstream.ram.model import RamBlock
from migstream.render.items import note, title
from migstream.render.shown import Line, dim, head, line, name, value
from migstream.render.text import escape, grouped, short_size
from migstream.render.tree import Look, value_line
from migstream.stream import Device, Stream
from migstream.vmstate.values import Value
from migstream.wire.model import Command, Item, Span, Subsection

__all__ = ["PAGE", "Entry", "inside", "is_it", "leads", "root"]

PAGE = 256  # lines that are made at once: of more there are ranges
LOOK = Look()

Below = Callable[[], Iterator["Entry"]]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the tree.

    Parameters
    ----------
    label : what it shows
    path : its place, as `places` takes it; empty of what has none
    span : its bytes in the stream; None where it has none there, or nobody knows yet
    around : bytes in the stream among which its own are shown
    value, block : of a value; the name of a RAM block
    below : makes what is below it; None where there is nothing
    leads_to : the kinds of places that are below it, where that is all there is to know
    opened : whether it shows that from the beginning
    walks : whether making that takes as long as reading the stream
    """

    label: Line
    path: str = ""
    span: Span | None = None
    around: Span | None = None
    value: Value | None = None
    block: str | None = None
    below: Below | None = None
    leads_to: tuple[Kind, ...] = ()
    opened: bool = False
    walks: bool = False


def root(stream: Stream) -> Entry:
    """The stream itself."""
    whole = Span(0, stream.size)
    return Entry(
        label=line(head(escape(stream.name)), "  ", dim(escape(stream.machine or ""))),
        span=whole,
        around=whole,
        below=partial(_parts, stream),
        opened=True,
    )


def _parts(stream: Stream) -> Iterator[Entry]:
    one = stream.configuration
    if one is not None:
        yield Entry(
            label=line(name("configuration"), "  ", value(escape(one.machine))),
            path=f"@{one.span.start:#x}",
            span=one.span,
            around=one.span,
            leads_to=("configuration",),
            below=partial(map, _subsection, one.subsections) if one.subsections else None,
        )
    blocks = stream.blocks
    if blocks:
        yield _group(
            "ram", ("memory",), len(blocks), lambda low, high: map(_block, blocks[low:high])
        )
    devices = stream.devices
    yield _group(
        "devices",
        ("value",),
        len(devices),
        lambda low, high: map(_device, devices[low:high]),
        opened=True,
    )
    yield Entry(
        label=line(name("items"), "  ", dim("every item of the stream")),
        leads_to=("item", "live"),
        below=partial(_items, lambda: stream.items),
        walks=not stream.walked,
    )


def _group(
    what: str,
    leads_to: tuple[Kind, ...],
    count: int,
    make: Callable[[int, int], Iterator[Entry]],
    *,
    opened: bool = False,
) -> Entry:
    return Entry(
        label=line(name(what), "  ", dim(grouped(count))),
        leads_to=leads_to,
        below=partial(_paged, make, 0, count) if count else None,
        opened=opened,
    )


def _subsection(one: Subsection) -> Entry:
    shown = line(name(escape(one.name)), "  ", value(escape(str(one.value))))
    return Entry(label=shown, path=one.name, span=one.span, around=one.span)


def _block(block: RamBlock) -> Entry:
    shown = line(name(escape(block.name)), "  ", dim(short_size(block.used_length)))
    return Entry(label=shown, path=f"{RAM}{block.name}", block=block.name)


def _device(device: Device) -> Entry:
    section = device.section
    told = "" if device.described else ", not described"
    size = dim(f"{many(section.payload.size, 'byte')}{told}")
    return msgspec.structs.replace(
        _value(section.span, device.value),
        label=line(name(escape(device.path)), "  ", size),
        span=section.span,
    )


def _value(around: Span, one: Value) -> Entry:
    try:
        shown = value_line(one, LOOK)
        some = next(inside(one), None) is not None
    except MigstreamError as error:  # its bytes are not there, or do not fit
        shown = line(name(escape(one.name)), "  ", dim(f"unreadable: {escape(error.message)}"))
        some = False
    return Entry(
        label=shown,
        path=one.path,
        span=one.span,
        around=around,
        value=one,
        below=partial(_fields, around, one) if some else None,
    )


def inside(one: Value, low: int = 0, high: int | None = None) -> Iterator[Value]:
    """What a value consists of, from number `low` to before number `high`: fields, or elements one by one."""
    if one.count is None:
        return islice(one.children, low, high)
    if one.kind == "sequence":
        return islice(one.elements(), low, high)
    stop = one.count if high is None else min(one.count, high)
    return map(one.element, range(low, stop))


def _fields(around: Span, one: Value) -> Iterator[Entry]:
    count = sum(1 for _ in one.children) if one.count is None else one.count

    def make(low: int, high: int) -> Iterator[Entry]:
        return (_value(around, each) for each in inside(one, low, high))

    return _paged(make, 0, count)


def _items(found: Callable[[], tuple[Item, ...]]) -> Iterator[Entry]:
    every = found()
    return _paged(lambda low, high: map(_item, every[low:high]), 0, len(every))


def _item(item: Item) -> Entry:
    within = item.items if isinstance(item, Command) else ()
    return Entry(
        label=line(
            dim(f"{item.span.start:#x}  "),
            item.label,
            "  ",
            name(escape(title(item))),
            "  ",
            dim(escape(note(item))),
        ),
        path=f"@{item.span.start:#x}",
        span=item.span,
        around=item.span,
        below=partial(_items, lambda: within) if within else None,
    )


def _paged(make: Callable[[int, int], Iterator[Entry]], low: int, high: int) -> Iterator[Entry]:
    """Entries `low` to before `high`; of more than a page, ranges, at most a page of them."""
    step = 1
    while (high - low) > step * PAGE:
        step *= PAGE
    if step == 1:
        yield from make(low, high)
        return
    for start in range(low, high, step):
        stop = min(start + step, high)
        first, last = next(make(start, start + 1)), next(make(stop - 1, stop))
        span = None
        if first.span is not None and last.span is not None:
            span = Span(first.span.start, last.span.stop)
        yield Entry(
            label=line(dim(f"{start} to {stop - 1}")),
            span=span,
            around=first.around,
            below=partial(_paged, make, start, stop),
        )


def leads(entry: Entry, place: Place) -> int:
    """How well an entry leads to a place: 0 not at all, more where it is nearer."""
    if entry.leads_to:
        return int(place.kind in entry.leads_to)
    if place.block is not None or entry.block is not None:
        return int(entry.block == place.block)
    span = next(iter(place.spans), None)
    if span is None or entry.span is None:
        return 0
    if not (entry.span.start <= span.start and span.stop <= entry.span.stop):
        return 0
    # What is empty stands at the same offset as its neighbours: the name tells them apart.
    if entry.path == place.path:
        return 4
    return 3 if entry.path and place.path.startswith(entry.path) else 1 + bool(entry.span.size)


def is_it(entry: Entry, place: Place) -> bool:
    """Whether an entry is what a place names, and nothing below it is."""
    if entry.block is not None:
        return entry.block == place.block
    return entry.path == place.path and entry.span in place.spans
