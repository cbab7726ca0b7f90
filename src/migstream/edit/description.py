"""What the description says of each part of a device, to be changed together with its bytes.

A part of a device stands in entries that stand in entries, and each tells its own size. `Trail`
is the way down to one; the places of the parts are those of the layout (`vmstate.layout`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from migstream.errors import Unsupported
from migstream.stream import Device, Stream
from migstream.vmstate.description import EDITED
from migstream.vmstate.jsontext import Object, Style, read_text, write_text
from migstream.vmstate.layout import MARKER, Node, subsection_header
from migstream.wire.model import Span

__all__ = ["Described", "Trail"]

CONFIGURATION = "configuration"


class Trail(NamedTuple):
    """The way to a part of a device: `sizes` are the entries around it, outermost first.

    A subsection is the object `item` of the list `siblings`, which is a value of `holder`; other
    parts have none. `single` is false where the entries speak for several elements at once.
    """

    span: Span
    sizes: tuple[Object, ...]
    item: Object | None = None
    siblings: list[Any] | None = None
    holder: Object | None = None
    single: bool = True

    def grow(self, by: int) -> None:
        """Add bytes to every entry around."""
        if not self.single:
            raise Unsupported(
                "this array's elements are described by one entry, so one of them cannot change its size",
                at=self.span.start,
            )
        for entry in self.sizes:
            size = entry.get("size")
            if type(size) is not int or size + by < 0:
                raise Unsupported(
                    "an entry of the description around this has no size", at=self.span.start
                )
            entry.put("size", size + by)

    def rename(self, old: str, new: str) -> None:
        """Give a subsection another name; its header is as much longer as the name is."""
        if self.item is not None:
            self.item.put("vmsd_name", new)
        self.grow(subsection_header(new) - subsection_header(old))

    def remove(self) -> None:
        """Take the subsection away; QEMU writes no empty list of them."""
        if self.item is None or self.siblings is None or self.holder is None:
            return
        at = next(n for n, one in enumerate(self.siblings) if one is self.item)
        del self.siblings[at]
        if not self.siblings:
            self.holder.remove(self.siblings)


class Described:
    """The description of a stream, as a tree that changes; one that is not `readable` stays as it is."""

    def __init__(self, stream: Stream, *, readable: bool = True) -> None:
        self._stream = stream
        self._tree: Object | None = None
        self._style = Style.COMPACT
        self._before = b""
        self._trails: dict[int, list[Trail]] = {}
        self._items: dict[int, dict[Span, Trail]] = {}
        span = stream.description_span if readable else None
        if span is not None:
            self._before = bytes(stream.store.view(span.start + 5, span.stop))
            self._tree, self._style = read_text(self._before)
        devices = self._tree.get("devices") if isinstance(self._tree, Object) else None
        self.devices: list[Any] = devices if isinstance(devices, list) else []
        self._entries = self._pair()

    def _pair(self) -> dict[int, Object]:
        """Entries by the offset of the section that they describe; those of one key in turn."""
        waiting: dict[tuple[str, int], list[Object]] = {}
        for entry in self.devices:
            key = _key(entry)
            if key is not None:
                waiting.setdefault(key, []).append(entry)
        found = {}
        for device in self._stream.devices:
            if turn := waiting.get(device.section.key):
                found[device.section.span.start] = turn.pop(0)
        return found

    @property
    def text(self) -> bytes | None:
        """The text as it is now, None where it is as it was."""
        if self._tree is None:
            return None
        text = write_text(self._tree, self._style)
        return None if text == self._before else text

    @property
    def configuration(self) -> Object | None:
        """What 8.2 and newer say of the configuration section."""
        found = None if self._tree is None else self._tree.get(CONFIGURATION)
        return found if isinstance(found, Object) else None

    def entry(self, device: Device) -> Object | None:
        """The entry of a device, None where it is not described."""
        return self._entries.get(device.section.span.start)

    def sign(self, by: str, what: Sequence[str]) -> None:
        """Say at the end of the text who changed what, behind what others said there before."""
        if not isinstance(self._tree, Object):
            return
        before = self._tree.get(EDITED)
        said = [*before] if isinstance(before, list) else []
        said.append(Object([("by", by), ("changes", list(what))]))
        self._tree.put(EDITED, said)

    def remove(self, device: Device) -> None:
        """Take a device away."""
        entry = self.entry(device)
        if entry is not None:
            self.take(entry)

    def take(self, entry: Object) -> None:
        """Take this very entry away."""
        at = next(n for n, one in enumerate(self.devices) if one is entry)
        del self.devices[at]

    def orphans(self) -> list[Object]:
        """Entries of devices that the stream does not have."""
        known = {id(entry) for entry in self._entries.values()}
        return [one for one in self.devices if isinstance(one, Object) and id(one) not in known]

    def arrange(self, devices: Sequence[Device]) -> None:
        """Put devices, in the order given, into the places that they take up now."""
        entries = [entry for d in devices if (entry := self.entry(d)) is not None]
        index = {id(one): n for n, one in enumerate(self.devices)}
        places = sorted(index[id(entry)] for entry in entries)
        for place, entry in zip(places, entries, strict=True):
            self.devices[place] = entry

    def trail(self, device: Device, span: Span) -> Trail:
        """The way to a subsection, or to the innermost entry around some bytes.

        Raises
        ------
        Unsupported : the device is not described as its bytes are laid out
        """
        start = device.section.span.start
        entry = self._entries.get(start)
        if entry is None:
            return Trail(span, ())
        if start not in self._trails:
            # made before the first change of this device, while entries and layout still agree
            nodes = device.value.node.children
            try:
                self._trails[start] = list(_trails(entry, nodes, device.section.payload.start, ()))
            except (ValueError, TypeError, AttributeError, LookupError):
                raise Unsupported(
                    f"{device.path} is not described as its bytes are laid out", at=start
                ) from None
            self._items[start] = {t.span: t for t in self._trails[start] if t.item is not None}
        if (item := self._items[start].get(span)) is not None:
            return item
        around = Trail(span, ())
        for trail in self._trails[start]:
            if trail.span.start <= span.start and span.stop <= trail.span.stop:
                around = trail
        if around.item is not None and around.span != span:
            return Trail(around.span, around.sizes)
        return around


def _key(entry: Any) -> tuple[str, int] | None:
    """Name and instance id, None of what is not an entry of a device."""
    if not isinstance(entry, Object):
        return None
    name, instance_id = entry.get("name"), entry.get("instance_id")
    return (name, instance_id) if isinstance(name, str) and type(instance_id) is int else None


class _Group(NamedTuple):
    """One VMState among the keys of `holder`, which may have several."""

    holder: Object
    fields: list[Any]
    subsections: list[Any]


def _groups(holder: Object) -> list[_Group]:
    found: list[_Group] = []
    for key, value in holder.pairs:
        if key == "vmsd_name" or (key in {"fields", "subsections"} and not found):
            found.append(_Group(holder, [], []))
        if key == "fields":
            found[-1] = found[-1]._replace(fields=value)
        elif key == "subsections":
            found[-1] = found[-1]._replace(subsections=value)
    return found


def _trails(
    holder: Object, nodes: Sequence[Node], base: int, sizes: tuple[Object, ...]
) -> Iterator[Trail]:
    for group in _groups(holder)[:1]:
        yield from _group_trails(group, nodes, base, sizes)


def _group_trails(
    group: _Group, nodes: Sequence[Node], base: int, sizes: tuple[Object, ...]
) -> Iterator[Trail]:
    """Every part of a VMState whose first byte is at `base`, those around others first."""
    plain = [node for node in nodes if node.kind != "subsection"]
    runs = [list(run) for _, run in groupby(group.fields, key=lambda field: field.get("name"))]
    for run, node in zip(runs, plain, strict=True):
        yield from _run_trails(run, node, base + node.offset, sizes)
    present = [node for node in nodes if node.kind == "subsection"]
    for item, node in zip(group.subsections, present, strict=True):
        start = base + node.offset
        span = Span(start, start + node.size)
        yield Trail(span, sizes, item, group.subsections, group.holder)
        yield from _trails(item, node.children, start, sizes)


def _run_trails(
    run: Sequence[Object], node: Node, at: int, sizes: tuple[Object, ...]
) -> Iterator[Trail]:
    if node.kind != "sequence":
        yield from _entry_trails(run[0], node, at, sizes)
        return
    paired = any(child.child(MARKER) is not None for child in node.children)
    entries = [
        entry
        for entry, after in zip(run, [*run[1:], None], strict=True)
        if not paired or entry.get("type") != MARKER or after is None or after.get("type") == MARKER
    ]
    # QEMU 11.1 may have an element behind the last entry: nothing describes it
    for entry, child in zip(entries, node.children, strict=False):
        yield from _entry_trails(entry, child, at + child.offset, sizes)


def _entry_trails(entry: Object, node: Node, at: int, sizes: tuple[Object, ...]) -> Iterator[Trail]:
    sizes = (*sizes, entry)
    span = Span(at, at + node.size)
    yield Trail(span, sizes, single=node.count is None)
    if node.count is not None:
        return
    nodes = node.children
    if nodes and nodes[0].name == MARKER:
        nodes = nodes[1:]
    struct = entry.get("struct")
    if isinstance(struct, Object):
        yield from _trails(struct, nodes, at, sizes)
        return
    groups = _groups(entry)
    if len(groups) == 1 and not any(child.name == "end" for child in nodes):
        yield from _group_trails(groups[0], nodes, at, sizes)
        return
    elements = [child for child in nodes if child.kind == "struct"]
    for group, child in zip(groups, elements, strict=bool(elements)):
        yield from _group_trails(group, child.children, at + child.offset, sizes)
