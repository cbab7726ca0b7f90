"""The stream to scale: every item where it stands, and once more without guest memory, which hides the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

import msgspec

from migstream.names import many
from migstream.render.items import title
from migstream.render.report.blocks import Block, Legend
from migstream.render.text import escape, percent, short_size
from migstream.stream import Stream
from migstream.wire.model import Item, Opaque, Section, SectionType, Trailer, VMDescription, owned

__all__ = ["Piece", "Strip", "pieces", "section_map"]

NARROW = 0.1  # percent of the whole: what is less stands together with its neighbours
WORDED = 5.0  # percent that a name needs
KINDS = {
    "ram": "guest memory",
    "live": "other state sent while the guest ran",
    "device": "devices",
    "description": "the description of devices",
    "frame": "headers, configuration, commands",
    "damage": "not read",
    "behind": "behind the stream",
}


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that belong together: where on the strip in percent, their name, all that is known of them.

    `path` is that of a device; `label` is empty where there is no room for it.
    """

    kind: str
    x: float
    width: float
    label: str
    title: str
    path: str = ""


class Strip(Block, frozen=True, kw_only=True):
    """Cells from the left to the right, as wide as they are long."""

    macro: ClassVar[str] = "strip"
    title: str
    said: str
    cells: Sequence[Cell]


class Piece(NamedTuple):
    """Bytes [start, stop) of the stream, of `items` items; `path` is that of a device."""

    kind: str
    start: int
    stop: int
    name: str
    items: int = 1
    path: str = ""

    @property
    def size(self) -> int:
        return self.stop - self.start


def section_map(stream: Stream) -> Iterator[Block]:
    """Two strips and what their colours mean."""
    found = list(_together(pieces(stream.items)))
    yield _strip("The whole stream", found)
    rest = [one for one in found if one.kind != "ram"]
    if rest and len(rest) < len(found):
        yield _strip("The same without guest memory", rest)
    sizes = dict.fromkeys(KINDS, 0)
    for one in found:
        sizes[one.kind] += one.size
    yield Legend(
        keys=[
            (kind, words, f"{short_size(sizes[kind])}, {percent(sizes[kind], stream.size)}")
            for kind, words in KINDS.items()
            if sizes[kind]
        ]
    )


def _kind(item: Item) -> str:
    match item:
        case Section(how="damage") | Opaque():
            return "damage"
        case Section(type=SectionType.FULL):
            return "device"
        case Section():
            return "ram" if item.name == "ram" else "live"
        case VMDescription():
            return "description"
        case Trailer():
            return "behind"
    return "frame"


def pieces(items: Iterable[Item]) -> Iterator[Piece]:
    """Every byte once, with what it is to the map."""
    for start, stop, item in owned(items):
        kind, name = _kind(item), title(item) or item.label
        yield Piece(kind, start, stop, name, path=name if isinstance(item, Section) else "")


def _together(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Guest memory that is sent in turn is one piece."""
    last: Piece | None = None
    for one in pieces:
        if last is not None and one.kind == last.kind == "ram":
            last = last._replace(stop=one.stop, items=last.items + 1)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def _strip(name: str, pieces: Sequence[Piece]) -> Strip:
    whole = sum(one.size for one in pieces)
    return Strip(
        title=name, said=f"{name}, {short_size(whole)}, to scale", cells=[*_cells(pieces, whole)]
    )


def _cells(pieces: Iterable[Piece], whole: int) -> Iterator[Cell]:
    """Pieces that are too narrow to be seen stand together, so that a strip has as many cells as it can show."""
    least, at = whole * NARROW / 100, 0
    group: list[Piece] = []
    room = 0
    for one in pieces:
        if group and (room >= least or one.size >= least):
            yield _cell(group, at, room, whole)
            at, group, room = at + room, [], 0
        group.append(one)
        room += one.size
    if group:
        yield _cell(group, at, room, whole)


def _cell(group: Sequence[Piece], at: int, room: int, whole: int) -> Cell:
    largest = max(group, key=lambda one: one.size)
    width = 100 * room / whole if whole else 0.0
    name = escape(largest.name)
    items = sum(one.items for one in group)
    said = name if items == 1 else f"{name} and {many(items - 1, 'item')} more"
    if len(group) == 1 and items > 1:
        said = f"{name}, {many(items, 'section')}"
    place = f"{group[0].start:#x}-{group[-1].stop:#x}"
    return Cell(
        kind=largest.kind,
        x=round(100 * at / whole if whole else 0.0, 3),
        width=round(width, 3),
        label=name if width >= WORDED else "",
        title=f"{said}: {short_size(room)}, {place}",
        path=largest.path if largest.kind == "device" else "",
    )
