"""The stream that is written: header, rounds, devices, and their description in the same pass.

QEMU, migration/savevm.c: qemu_savevm_state_header, qemu_savevm_state_setup,
qemu_savevm_state_iterate, qemu_savevm_state_complete_precopy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from migstream.savevm.handlers import Handler
from migstream.vmstate.declared.fields import Out
from migstream.vmstate.declared.written import JSONWriter
from migstream.wire import write
from migstream.wire.model import SectionType

if TYPE_CHECKING:
    from migstream.savevm.registry import SaveVM

__all__ = ["Outgoing"]


class Counted:
    """A sink that knows how far it is: absolute in the file, where the file says so."""

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self._tell = getattr(sink, "tell", None)
        self.offset = self._start()

    def _start(self) -> int:
        if self._tell is None:
            return 0
        try:
            return int(self._tell())
        except OSError:  # a pipe has the method and no position
            return 0

    def write(self, data: bytes | bytearray | memoryview, /) -> None:
        rest: bytes | bytearray | memoryview = data
        while rest:
            written = self._sink.write(rest)
            if written == 0:
                raise OSError("the sink took nothing")
            written = len(rest) if written is None else written
            self.offset += written
            rest = memoryview(rest)[written:]

    def write_at(self, offset: int, data: bytes | bytearray | memoryview, /) -> None:
        """Write elsewhere in the file, and come back."""
        here = self.offset
        self.skip_to(offset)
        self.write(data)
        self.skip_to(here)

    def skip_to(self, offset: int, /) -> None:
        if not hasattr(self._sink, "seek"):
            raise TypeError("pages at fixed places want a sink with seek()")
        self._sink.seek(offset)
        self.offset = offset


class Outgoing:
    """A stream being written: rounds while the machine runs, then `complete`."""

    def __init__(self, vm: SaveVM, sink: Any, handlers: Sequence[Handler]) -> None:
        self._vm = vm
        self._out = Counted(sink)
        self._handlers = tuple(handlers)
        self._json = None if vm.suppress_vmdesc else JSONWriter(vm.release.style)
        self._begin()

    @property
    def offset(self) -> int:
        """Where the next byte goes: from the start of the file, or of the stream."""
        return self._out.offset

    def pending(self) -> int:
        """Bytes that live handlers have to send, about."""
        return sum(each.live.pending() for each in self._live())

    def _live(self) -> Iterator[Any]:
        return (each for each in self._handlers if each.live is not None)

    def _begin(self) -> None:
        vm, json = self._vm, self._json
        self._out.write(write.file_header())
        if json:
            json.start_object()
        configuration = vm.configuration()
        if configuration is not None:
            shown = json if vm.release.configuration else None
            if shown:
                shown.start_object("configuration")
            out = Out(vm.release, shown)
            configuration.vmstate.save(out, configuration)
            if shown:
                shown.end_object()
            self._out.write(bytes((SectionType.CONFIGURATION,)) + out.data)
        if json:
            json.number("page_size", vm.page_size)
            json.start_array("devices")
        self._setup()

    def _setup(self) -> None:
        """Early devices and START (qemu_savevm_state_setup)."""
        first = [each for each in self._handlers if each.early or each.live is not None]
        if self._vm.release.early_first:
            first.sort(key=lambda each: not each.early)
        for each in first:
            if each.live is None:
                self._device(each)
            else:
                self._section(each, SectionType.START, each.live.save_setup)

    def iterate(self) -> int:
        """Write a PART for each handler that has something to send; return what is pending."""
        for each in self._live():
            if each.live.pending():
                self._section(each, SectionType.PART, each.live.save_iterate)
        return self.pending()

    def complete(self) -> None:
        """Write all that is left, the devices, the end marker and the description."""
        if self._vm.switchover_start:
            self._out.write(write.command(write.NUMBERS["SWITCHOVER_START"]))
        for each in self._live():
            self._section(each, SectionType.END, each.live.save_complete)
        for each in self._handlers:
            if each.live is None and not each.early:
                self._device(each)
        self._out.write(bytes((SectionType.EOF,)))
        if self._json:
            self._json.end_array()
            self._json.end_object()
            self._out.write(write.description(self._json.getvalue()))

    def _section(self, handler: Handler, kind: SectionType, fill: Callable[[Any], None]) -> None:
        self._out.write(_header(handler, kind))
        fill(self._out)
        self._out.write(self._footer(handler))

    def _device(self, handler: Handler) -> None:
        """A FULL section, and its entry in the description (vmstate_save)."""
        if not handler.needed:
            return
        json, out = self._json, Out(self._vm.release, self._json)
        if json:
            json.start_object()
            json.string("name", handler.idstr)
            json.number("instance_id", handler.instance_id)
        if handler.description is not None:
            try:
                handler.description.save(out, handler.subject)
            except ValueError as error:
                error.add_note(f"while saving {handler.idstr}[{handler.instance_id}]")
                raise
        else:
            assert handler.save is not None
            out.data += handler.save()
            if json:
                _describe_old_style(json, len(out.data))
        if json:
            json.end_object()
        self._out.write(_header(handler, SectionType.FULL) + out.data + self._footer(handler))

    def _footer(self, handler: Handler) -> bytes:
        return write.footer(handler.section_id) if self._vm.footers else b""


def _header(handler: Handler, kind: SectionType) -> bytes:
    """save_section_header: PART and END have the number only."""
    if kind not in {SectionType.START, SectionType.FULL}:
        return write.numbered_header(kind, handler.section_id)
    name = write.counted(handler.idstr)
    return write.named_header(kind, handler.section_id, name, handler.instance_id, handler.version)


def _describe_old_style(json: JSONWriter, size: int) -> None:
    """vmstate_save_old_style: the size is known before the field."""
    json.number("size", size)
    json.start_array("fields")
    json.start_object()
    json.string("name", "data")
    json.number("size", size)
    json.string("type", "buffer")
    json.end_object()
    json.end_array()
