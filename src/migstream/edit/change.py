"""Edit: changes of a stream, gathered, then written as a new one.

    with migstream.open("guest.mig", spool=True) as stream:
        edit = Edit(stream)
        edit.set("cpu[0]/env.eip", 0x7C00)
        edit.drop("cpu[0]/xsave")
        with open("new.mig", "wb") as file:
            edit.write(file)

Paths and spans are always those of the source, whatever was changed before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.edit import drop, memory, rename
from migstream.edit.capabilities import CAPABILITIES, ORDER, capabilities_section, describe
from migstream.edit.description import Described
from migstream.edit.rewrite import Rewrite, Sink, write_pieces
from migstream.edit.targets import Target, targets
from migstream.errors import NoSuchPath, Unsupported
from migstream.names import brief, encoded
from migstream.places import RAM, places
from migstream.vmstate.encode import encode_value
from migstream.vmstate.jsontext import objects
from migstream.vmstate.layout import Node
from migstream.vmstate.types import wire_type
from migstream.wire import write
from migstream.wire.model import Command, Configuration, SectionType, Span, flat

if TYPE_CHECKING:
    from migstream.stream import Device, Stream
    from migstream.vmstate.values import Value

__all__ = ["Change", "Edit"]

MOST_MACHINE = 1024
SHOWN = 32


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change: what was done to what, and how it read before and after.

    `span` are the bytes of the source, `at` is where they are, or would be, in the result.
    """

    what: str
    path: str
    before: str
    after: str
    span: Span
    at: int = 0

    def __repr__(self) -> str:
        texts = " → ".join(filter(None, (self.before, self.after)))
        return brief("Change", self.what, self.path, texts)


class Edit:
    """Changes of one stream.

    Parameters
    ----------
    stream : all of whose bytes are at hand: a pipe is opened with `spool=True`
    describe : whether the description follows; one that cannot be read stays as it is

    Raises
    ------
    Unsupported : it is a pipe, or has channels besides, which would be lost
    BadDescription : it is to follow, and cannot be read
    """

    def __init__(self, stream: Stream, *, describe: bool = True) -> None:
        if not stream.seekable:
            raise Unsupported("a pipe went by: open it with spool=True to edit it")
        if stream.channels:
            raise Unsupported(
                "pages that went through channels are in no stream that could be edited",
                hint="make one stream of it first: migstream convert",
            )
        self.stream = stream
        self.rewrite = Rewrite(stream.size)
        self.described = Described(stream, readable=describe)
        self.renamed: dict[str, str] = {}
        self.dropped: set[str] = set()
        self.kept: dict[str, list[tuple[int, int]]] | None = None
        self._changes: list[Change] = []
        self.pages: dict[tuple[str, int], bytes] = {}
        self._added: set[tuple[str, int]] = set()

    # --- what can be changed ---------------------------------------------------------------------

    def set(self, path: str, value: Any) -> None:
        """Give every value that a path names another value of the same size.

        Parameters
        ----------
        path : as docs/paths.md has it; `ram/BLOCK@OFFSET` for bytes of guest memory
        value : a number, bool, bytes, a sequence for an array, or the text of these
            (`vmstate.encode.encode_value`)

        Raises
        ------
        NoSuchPath, NoSuchAddress : there is no such value, block or offset
        ValueError : the value does not fit
        Unsupported : the bytes were changed otherwise before
        """
        if path.startswith(RAM):
            self._set_memory(path, value)
            return
        for one in list(self.stream.find(path)):
            self.put(one, self._encoded(one, value), "set")

    def _encoded(self, one: Value, value: Any) -> bytes:
        try:
            return encode_value(one.node, value)
        except ValueError as error:
            raise ValueError(f"{one.path}: {error}") from None

    def put(self, value: Value, raw: bytes, what: str) -> None:
        """Give a value other bytes of the same number."""
        before = self.rewrite.now(*value.span, self.stream.store.view)
        if raw != before:
            self.rewrite.patch(value.span.start, raw)
            told = _told(value.node, before), _told(value.node, raw)
            self.note(what, value.path, *told, value.span)

    def note(self, what: str, path: str, before: str, after: str, span: Span) -> None:
        """Enter a change into the list."""
        change = Change(what=what, path=path, before=before, after=after, span=span)
        self._changes.append(change)

    def _set_memory(self, path: str, value: Any) -> None:
        [place] = places(self.stream, path)
        try:
            raw = bytes(value) if not isinstance(value, str) else bytes.fromhex(value.strip())
        except ValueError:
            raise ValueError(f"{path}: guest memory is set as ram/BLOCK@OFFSET=HEX") from None
        if place.block is None or place.whole:
            raise NoSuchPath(f"{path!r} is a whole block", hint="bytes of it are ram/BLOCK@OFFSET")
        if place.stop not in {None, place.start + len(raw)}:
            raise ValueError(f"{path}: {len(raw)} bytes are given")
        self.set_memory(place.block, place.start, raw)

    def set_memory(self, name: str, start: int, raw: bytes) -> None:
        """Bytes of a RAM block, from offset `start` on; raises as `set`."""
        block = self.stream.ram[name]
        if f"{RAM}{name}" in self.dropped:
            raise Unsupported(f"RAM block {name} was dropped before")
        before = block.read(start, start + len(raw))
        listed = next(one for one in self.stream.blocks if one.name == name)
        page, places = block.page, []
        for at in range(start - start % page, start + len(raw), page):
            old = self.pages.get((name, at)) or block.read(at, min(at + page, block.size))
            new = bytearray(old.ljust(page, b"\0"))
            low, high = max(start, at), min(start + len(raw), at + page)
            new[low - at : high - at] = raw[low - start : high - start]
            self.pages[name, at] = bytes(new)
            place = memory.write_page(self.stream, self.rewrite, listed, at, bytes(new))
            if place is None:
                self._added.add((name, at))
            places.append(place)
        if raw:
            self._note_memory(f"{RAM}{name}@{start:#x}", start % page, before, raw, places[0])

    def _note_memory(
        self, path: str, lead: int, before: bytes, raw: bytes, place: int | None
    ) -> None:
        """Bytes were changed in the page at `place`, or in one that is added behind all others."""
        if place is None:
            at = memory.last_place(self.stream)
            span = Span(at, at)
        else:
            span = Span(place + lead, place + lead + len(raw))
        self.note("set", path, before.hex(), raw.hex(), span)

    def drop(self, path: str) -> None:
        """Take away the devices, live sections, subsections or RAM blocks that a path names.

        Raises
        ------
        NoSuchPath, NoSuchAddress : there is none
        Unsupported : it is a field, which has its place
        """
        for target in self._targets(path):
            drop.drop(self, target)
            self.dropped.add(target.path)

    def rename(self, path: str, new: str) -> None:
        """Give a device (`NAME` or `NAME[INSTANCE]`), subsection or RAM block another name.

        Raises
        ------
        NoSuchPath, NoSuchAddress : there is none
        ValueError : the name is empty or longer than 255 bytes
        Unsupported : it is a field, whose name is in no stream; or there is one of that name
        """
        for target in self._targets(path):
            self.renamed[target.path] = rename.rename(self, target, new)

    def _targets(self, path: str) -> list[Target]:
        return targets(self.stream, path)

    def machine(self, name: str) -> None:
        """Name another machine type.

        Raises
        ------
        ValueError : no name, or one of more than 1 KiB
        Unsupported : the stream has no configuration section
        """
        configuration = self._configuration()
        raw = encoded(name)
        if not 0 < len(raw) <= MOST_MACHINE:
            raise ValueError(f"a machine type's name of {len(raw)} bytes")
        span = Span(configuration.name_span.start - 4, configuration.name_span.stop)
        self.rewrite.replace(*span, len(raw).to_bytes(4, "big") + raw)
        entry = self.described.configuration
        if entry is not None:
            for field in objects(entry.get("fields")):
                if field.get("name") == "name":
                    field.put("size", len(raw))
        self.note("machine", "configuration/name", configuration.machine, name, span)

    def capabilities(self, names: Sequence[str]) -> None:
        """Record these capabilities, and no others (migration/savevm.c: vmstate_capabilites).

        Raises
        ------
        ValueError : too many, or names of more than 255 bytes
        Unsupported : the stream has no configuration section
        """
        configuration = self._configuration()
        made = capabilities_section(names)
        old = next((s for s in configuration.subsections if s.name == CAPABILITIES), None)
        if old is not None:
            span = old.span
        else:
            before = [s for s in configuration.subsections if s.name == ORDER[0]]
            at = before[-1].span.stop if before else configuration.name_span.stop
            span = Span(at, at)
        self.rewrite.replace(*span, made)
        if self.described.configuration is not None:
            describe(self.described.configuration, names)
        told = ", ".join(configuration.capabilities) or "none", ", ".join(names) or "none"
        self.note("capabilities", CAPABILITIES, *told, span)

    def _configuration(self) -> Configuration:
        configuration = self.stream.configuration
        if configuration is None:
            raise Unsupported("this stream has no configuration section: it names no machine type")
        return configuration

    def order(self, paths: Sequence[str]) -> None:
        """Put device sections, in the order given, into the places that they take up now.

        Raises
        ------
        NoSuchPath : there is no such device
        Unsupported : they do not stand in the same part of the stream
        """
        devices: list[Device] = []
        for path in paths:
            devices += [target.device for target in self._targets(path) if target.device]
        spans = [device.section.span for device in devices]
        if len(set(spans)) != len(spans):
            raise Unsupported("a device is named twice")
        inside = [self._package(span) for span in spans]
        if len(set(inside)) > 1:
            raise Unsupported("devices inside and outside of a package do not change places")
        if spans == sorted(spans):
            return
        self.rewrite.arrange(spans)
        self.described.arrange(devices)
        before = ", ".join(d.path for d in sorted(devices, key=lambda d: d.section.span))
        after = ", ".join(device.path for device in devices)
        self.note("order", "devices", before, after, Span(min(spans).start, max(spans).stop))

    def _package(self, span: Span) -> int | None:
        return next((p.span.start for p in self._packages() if span.start in p.span), None)

    def _packages(self) -> Iterator[Command]:
        for item in flat(self.stream.items):
            if isinstance(item, Command) and item.name == "PACKAGED":
                yield item

    # --- the result ------------------------------------------------------------------------------

    @cached_property
    def taken(self) -> frozenset[tuple[SectionType, str, int | None]]:
        """Kind, name and instance id of every section that the stream had, before any change."""
        types = {SectionType.START, SectionType.FULL}
        return frozenset(
            (s.type, s.name, s.instance_id) for s in self.stream.sections if s.type in types
        )

    def __bool__(self) -> bool:
        return bool(self.rewrite) or bool(self._added)

    def settled(self) -> Rewrite:
        """All changes, and what follows from them: lengths, offsets, the description."""
        whole = self.rewrite.copy()
        if self._added:
            at = memory.last_place(self.stream)
            whole.replace(at, at, b"".join(self._records()))
        text = self.described.text
        span = self.stream.description_span
        if text is not None and span is not None:
            whole.replace(*span, write.description(text))
        if not whole:
            return whole
        memory.settle_areas(self.stream, whole)
        for package in self._packages():
            if (by := whole.growth(package.span)) and not whole.gone(package.span):
                whole.patch(package.payload.start, (package.value + by).to_bytes(4, "big"))
        return whole

    def _records(self) -> Iterator[bytes]:
        """Pages that no record can be written over for: each again, under the name it has now."""
        for name, offset in sorted(self._added):
            path = f"{RAM}{name}"
            if path not in self.dropped:
                new = self.renamed.get(path, path).removeprefix(RAM)
                yield memory.page_record(new, offset, self.pages[name, offset])

    def changes(self) -> list[Change]:
        """What was changed, in the order of the calls, with its place in the result."""
        places = self.settled().places()
        return [msgspec.structs.replace(c, at=places(c.span.start)) for c in self._changes]

    def write(self, sink: int | Sink) -> int:
        """Write the result; how many bytes it has.

        Parameters
        ----------
        sink : descriptor of an empty file, where zeros become holes, or an open file
        """
        return write_pieces(self.settled().pieces(), self.stream.store.view, sink)


def _told(node: Node, raw: bytes) -> str:
    """Bytes as the value that they are; those of arrays and what is large in hexadecimal."""
    if node.kind == "leaf" and node.count is None:
        wire = wire_type(node.type, node.stride)
        return wire.text(wire.decode(memoryview(raw)), node.size)
    return raw[:SHOWN].hex() + ("…" if len(raw) > SHOWN else "")
