"""Edit: changes of a stream, gathered, then written as a new one.

    with migstream.open("guest.mig", spool=True) as stream:
        edit = migstream.edit(stream)
        edit.set("cpu[0]/env.eip", 0x7C00).drop("cpu[0]/xsave")
        edit.save("new.mig")

Paths and spans are always those of the source, whatever was changed before.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from migstream.edit import configuration, memory
from migstream.edit.drop import drop
from migstream.edit.rename import rename
from migstream.edit.targets import targets
from migstream.edit.workbench import Change, Workbench
from migstream.errors import NoSuchPath, Unsupported
from migstream.names import brief
from migstream.places import RAM, places
from migstream.source.layers import telling
from migstream.source.pieces import Sink, write
from migstream.stream import as_stream
from migstream.vmstate.encode import encode_value
from migstream.vmstate.layout import Node
from migstream.vmstate.types import wire_type
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.source.opened import Openable
    from migstream.stream import Device, Stream
    from migstream.vmstate.values import Value

__all__ = ["Change", "Edit"]

SHOWN = 32


class Edit:
    """Changes of one stream. Each call gives the Edit itself, so that calls chain.

    Parameters
    ----------
    stream : a Stream, which stays open, and all of whose bytes are at hand: a pipe is opened with
        `spool=True`; or whatever `open` takes, which is closed with the Edit (`close`, `with`), or
        when nobody holds that any more

    Raises
    ------
    Unsupported : it is a pipe, or has channels besides, which would be lost
    BadDescription : its description cannot be read, and could not follow
    """

    def __init__(self, stream: Stream | Openable) -> None:
        with ExitStack() as stack:
            self._bench = Workbench(stack.enter_context(as_stream(stream, spool=True, later=True)))
            self._close = weakref.finalize(self, stack.pop_all().close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what the Edit opened; nothing can be changed or written any more then."""
        self._close()

    def __repr__(self) -> str:
        return brief("Edit", f"of {self.stream.name}")

    def __bool__(self) -> bool:
        return bool(self._bench)

    @property
    def stream(self) -> Stream:
        """The source, as it was and stays."""
        return self._bench.stream

    @property
    def bench(self) -> Workbench:
        """What the changes are made on."""
        return self._bench

    # --- what can be changed ---------------------------------------------------------------------

    def set(self, path: str, value: Any) -> Self:
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
            return self._set_memory(path, value)
        for one in list(self.stream.find(path)):
            self.put(one, _encoded(one, value), "set")
        return self

    def put(self, value: Value, raw: bytes, what: str) -> Self:
        """Give a value other bytes of the same number."""
        bench = self._bench
        before = bench.rewrite.now(*value.span, self.stream.store.view)
        if raw != before:
            bench.rewrite.patch(value.span.start, raw)
            told = _told(value.node, before), _told(value.node, raw)
            bench.note(what, value.path, *told, value.span)
        return self

    def _set_memory(self, path: str, value: Any) -> Self:
        [place] = places(self.stream, path)
        try:
            raw = bytes(value) if not isinstance(value, str) else bytes.fromhex(value.strip())
        except ValueError:
            raise ValueError(f"{path}: guest memory is set as ram/BLOCK@OFFSET=HEX") from None
        if place.block is None or place.whole:
            raise NoSuchPath(f"{path!r} is a whole block", hint="bytes of it are ram/BLOCK@OFFSET")
        if place.stop not in {None, place.start + len(raw)}:
            raise ValueError(f"{path}: {len(raw)} bytes are given")
        return self.set_memory(place.block, place.start, raw)

    def set_memory(self, name: str, start: int, raw: bytes) -> Self:
        """Bytes of a RAM block, from offset `start` on; raises as `set`."""
        bench, ram = self._bench, self.stream.ram
        block = ram[name]
        if f"{RAM}{name}" in bench.dropped:
            raise Unsupported(f"RAM block {name} was dropped before")
        before = block.read(start, start + len(raw))
        listed = next(one for one in self.stream.blocks if one.name == name)
        page, places = block.page, []
        for at in range(start - start % page, start + len(raw), page):
            old = bench.pages.get((name, at)) or block.read(at, min(at + page, block.size))
            new = bytearray(old.ljust(page, b"\0"))
            low, high = max(start, at), min(start + len(raw), at + page)
            new[low - at : high - at] = raw[low - start : high - start]
            bench.pages[name, at] = bytes(new)
            place = memory.write_page(self.stream, bench.rewrite, listed, at, bytes(new))
            if place is None:
                bench.added.add((name, at))
            places.append(place)
        if raw:
            self._note_memory(f"{RAM}{name}@{start:#x}", start % page, before, raw, places[0])
        return self

    def _note_memory(
        self, path: str, lead: int, before: bytes, raw: bytes, place: int | None
    ) -> None:
        """Bytes were changed in the page at `place`, or in one that is added behind all others."""
        if place is None:
            at = memory.last_place(self.stream)
            span = Span(at, at)
        else:
            span = Span(place + lead, place + lead + len(raw))
        self._bench.note("set", path, before.hex(), raw.hex(), span)

    def drop(self, path: str) -> Self:
        """Take away the devices, live sections, subsections or RAM blocks that a path names.

        Raises
        ------
        NoSuchPath, NoSuchAddress : there is none
        Unsupported : it is a field, which has its place
        """
        for target in targets(self.stream, path):
            drop(self._bench, target)
        return self

    def rename(self, path: str, new: str) -> Self:
        """Give a device (`NAME` or `NAME[INSTANCE]`), subsection or RAM block another name.

        Raises
        ------
        NoSuchPath, NoSuchAddress : there is none
        ValueError : the name is empty or longer than 255 bytes
        Unsupported : it is a field, whose name is in no stream; or there is one of that name
        """
        for target in targets(self.stream, path):
            rename(self._bench, target, new)
        return self

    def machine(self, name: str) -> Self:
        """Name another machine type.

        Raises
        ------
        ValueError : no name, or one of more than 1 KiB
        Unsupported : the stream has no configuration section
        """
        configuration.name_machine(self._bench, name)
        return self

    def capabilities(self, names: Sequence[str]) -> Self:
        """Record these capabilities, and no others (migration/savevm.c: vmstate_capabilites).

        Raises
        ------
        ValueError : too many, or names of more than 255 bytes
        Unsupported : the stream has no configuration section
        """
        configuration.record_capabilities(self._bench, names)
        return self

    def order(self, paths: Sequence[str]) -> Self:
        """Put device sections, in the order given, into the places that they take up now.

        Raises
        ------
        NoSuchPath : there is no such device
        Unsupported : they do not stand in the same part of the stream
        """
        bench = self._bench
        devices: list[Device] = []
        for path in paths:
            devices += [one.device for one in targets(self.stream, path) if one.device]
        spans = [device.section.span for device in devices]
        if len(set(spans)) != len(spans):
            raise Unsupported("a device is named twice")
        packages = [package.span for package in bench.packages(min(spans).start)]
        inside = [next((p.start for p in packages if s.start in p), None) for s in spans]
        if len(set(inside)) > 1:
            raise Unsupported("devices inside and outside of a package do not change places")
        if spans == sorted(spans):
            return self
        bench.rewrite.arrange(spans)
        bench.description.arrange(devices)
        before = ", ".join(d.path for d in sorted(devices, key=lambda d: d.section.span))
        after = ", ".join(device.path for device in devices)
        bench.note("order", "devices", before, after, Span(min(spans).start, max(spans).stop))
        return self

    def redact(self, keep: Iterable[str] = ()) -> Self:
        """Wipe guest memory and what of device state is somebody's (docs/edit.md).

        Parameters
        ----------
        keep : guest memory that stays: START-STOP, guest-physical, or BLOCK@START-STOP

        Raises
        ------
        ValueError, NoSuchPath : a text in `keep` is not a range
        NoSuchAddress : there is no such block, or no memory
        Unsupported : the stream is damaged, or has no description
        """
        from migstream.edit.redact import parse_keep, redact

        redact(self._bench, [part for text in keep for part in parse_keep(self.stream, text)])
        self._redact_domain()
        return self

    def _redact_domain(self) -> None:
        """The same for the XML of a save image of libvirt's."""
        from migstream.edit.shell import domain_text

        text = domain_text(self.stream)
        if text is not None:
            from migstream.edit.domain import redacted

            self._bench.domain, count = redacted(text)
            self._bench.note("wipe", "domain XML", f"{count} secrets", "removed", Span(0, 0))

    # --- the result ------------------------------------------------------------------------------

    def changes(self) -> list[Change]:
        """What was changed, in the order of the calls, with its place in the result."""
        return self._bench.changes()

    def save(self, path: str | os.PathLike[str], force: bool = False) -> int:
        """Write the result as a new file; how many bytes it has.

        It is written whole or not at all, read again, and held against the source and what was asked
        for: only then it gets its name. It stands in the container that the source stands in (a save image
        of libvirt's, compressed or not; a compressed file); that of a disk's snapshot is a bare stream.

        Parameters
        ----------
        path : may be the source itself; a file that is replaced keeps its mode and owner
        force : whether a plain file that is there may be replaced

        Raises
        ------
        SourceError : something is there already, or it cannot be written
        Unsupported : the result would not read as it should, or could not be made
        """
        from migstream.edit.shell import shell_of
        from migstream.edit.verify import check, read_again
        from migstream.source.output import new_file

        shell = shell_of(self.stream, xml=self._bench.domain)
        folder = Path(path).parent
        with new_file(path, replace=force) as fd:
            with shell.around(fd, folder, self.stream.watch) as inner:
                rewritten = self._bench.settled(len(shell.head))
                with telling(self.stream.watch, "writing", self.stream.size) as tell:
                    write(chain([shell.head], rewritten.pieces()), inner, self.stream.store, tell)
                with open(os.dup(inner), "rb") as file, read_again(self._bench, file) as result:  # noqa: PTH123
                    check(self._bench, result, rewritten)
            return os.fstat(fd).st_size

    def write(self, sink: int | Sink) -> int:
        """Write the bare result, without a second reading; how many bytes it has.

        Parameters
        ----------
        sink : descriptor of an empty file, which has the holes that the source has, or an open file
        """
        return write(self._bench.settled().pieces(), sink, self.stream.store)


def _encoded(one: Value, value: Any) -> bytes:
    try:
        return encode_value(one.node, value)
    except ValueError as error:
        raise ValueError(f"{one.path}: {error}") from None


def _told(node: Node, raw: bytes) -> str:
    """Bytes as the value that they are; those of arrays and what is large in hexadecimal."""
    if node.kind == "leaf" and node.count is None:
        wire = wire_type(node.type, node.stride)
        return wire.text(wire.decode(memoryview(raw)), node.size)
    return raw[:SHOWN].hex() + ("…" if len(raw) > SHOWN else "")
