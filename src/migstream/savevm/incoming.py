"""The stream that is loaded, up to its end marker.

QEMU, migration/savevm.c: qemu_loadvm_state, qemu_loadvm_section_start_full,
qemu_loadvm_section_part_end, check_section_footer, configuration_post_load.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from migstream.errors import BadFraming, BadSection, ParseError, Unsupported
from migstream.qemu.words import say
from migstream.savevm.configuration import VALIDATED
from migstream.savevm.handlers import Handler
from migstream.wire.cursor import Cursor
from migstream.wire.frames import (
    read_command,
    read_configuration,
    read_file_header,
    read_section_start,
)
from migstream.wire.model import Configuration, SectionType

if TYPE_CHECKING:
    from migstream.savevm.registry import SaveVM

__all__ = ["Incoming", "cursor"]

# What a loader without a return path may pass over.
HARMLESS = {"OPEN_RETURN_PATH", "PING", "POSTCOPY_ADVISE", "SWITCHOVER_START"}


class Pulled(Cursor):
    """A cursor over pieces that are fetched when they are needed."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__(b"", 0, eof=False)
        self._pieces = pieces

    def _want(self, size: int) -> None:
        missing = size - self.left
        if missing <= 0 or self._eof:
            return
        parts = [bytes(self._view[self._at :])]
        while missing > 0:
            piece = next(self._pieces, None)
            if piece is None:
                self._eof = True
                break
            parts.append(bytes(piece))
            missing -= len(piece)
        self._base += self._at
        self._view = memoryview(b"".join(parts))
        self._at = self._mark = 0

    def take(self, size: int) -> memoryview:
        self._want(size)
        return super().take(size)

    def peek(self, size: int = 1) -> bytes:
        self._want(size)
        return super().peek(size)

    def u8(self) -> int:
        self._want(1)
        return super().u8()

    def skip(self, size: int) -> None:
        while size > self.left and not self._eof:
            size -= self.left
            self._at += self.left
            self._want(1)
        super().skip(size)


def cursor(source: bytes | memoryview | Cursor | Iterable[bytes]) -> Cursor:
    """A cursor at the first byte of a source of any kind."""
    if isinstance(source, Cursor):
        return source
    if isinstance(source, bytes | memoryview):
        return Cursor(source)
    return Pulled(iter(source))


class Incoming:
    """A stream being loaded (qemu_loadvm_state)."""

    def __init__(
        self,
        vm: SaveVM,
        cur: Cursor,
        handlers: Sequence[Handler],
        kept: ExitStack,
    ) -> None:
        self._vm = vm
        self._cur = cur
        self._handlers = handlers
        self._kept = kept
        # by the number that a handler was registered with, which a stream cannot choose
        self._known: set[int] = set()
        self._numbers: dict[int, int] = {}
        self._open: dict[int, tuple[Handler, int]] = {}

    def _say(self, name: str, /, **values: int | str) -> str:
        """QEMU's words, as the machine's own release has them."""
        return say(name, self._vm.words, **values)

    def run(self) -> None:
        cur = self._cur
        read_file_header(cur)
        if self._vm.machine is not None:
            if cur.peek(1) != bytes((SectionType.CONFIGURATION,)):
                raise BadFraming(
                    self._say("configuration-missing"),
                    at=cur.offset,
                    expected=f"{SectionType.CONFIGURATION:02x}",
                    found=cur.peek(1).hex() or "nothing",
                    hint="streams of machine types up to 2.3 have none",
                )
            self._check(read_configuration(cur), cur.offset)
        while True:
            at = cur.offset
            kind = cur.peek(1)
            if kind == bytes((SectionType.EOF,)):
                cur.u8()
                return
            self._item(cur.u8() if not kind else kind[0], at)

    def _item(self, kind: int, at: int) -> None:
        cur = self._cur
        if kind in {SectionType.START, SectionType.FULL}:
            self._start()
        elif kind in {SectionType.PART, SectionType.END}:
            self._part(kind)
        elif kind == SectionType.COMMAND:
            command = read_command(cur)
            if command.name not in HARMLESS:
                raise Unsupported(
                    self._say(
                        "unknown-command", command=command.command, length=command.payload.size
                    ),
                    at=at,
                    found=command.name,
                )
        else:
            raise BadFraming(
                self._say("unknown-section-type", type=kind),
                at=at,
                expected=", ".join(f"{each:02x}" for each in (0, 1, 2, 3, 4, 8)),
                found=f"{kind:02x}",
                hint="the section before was read with another length than it was written with",
            )

    def _check(self, sent: Configuration, at: int) -> None:
        """What both sides must agree on (configuration_post_load and its subsections)."""
        vm = self._vm
        assert vm.machine is not None
        if not vm.machine.startswith(sent.machine):  # QEMU compares as far as was sent
            raise self._differs(
                self._say("machine-type", received=sent.machine, local=vm.machine), at
            )
        if sent.page_bits is not None and sent.page_bits != vm.page_size.bit_length() - 1:
            raise self._differs(
                self._say(
                    "page-bits", received=sent.page_bits, local=vm.page_size.bit_length() - 1
                ),
                at,
            )
        for name in sent.capabilities:
            if name not in VALIDATED:
                raise self._differs(self._say("unknown-capability", capability=name), at)
        for name in VALIDATED:
            words = [("off", "on")[name in side] for side in (vm.capabilities, sent.capabilities)]
            if words[0] != words[1]:
                raise self._differs(
                    self._say("capability", capability=name, local=words[0], received=words[1]), at
                )
        if sent.uuid is not None and vm.uuid is not None:
            local = _uuid(vm.uuid)
            if sent.uuid != local:
                raise self._differs(self._say("uuid", received=sent.uuid, local=local), at)

    @staticmethod
    def _differs(message: str, at: int) -> BadFraming:
        return BadFraming(message, at=at, path=["configuration"])

    def _start(self) -> None:
        cur = self._cur
        start = cur.offset
        head = read_section_start(cur)
        handler = next(
            (each for each in self._handlers if each.answers(head.name, head.instance_id)), None
        )
        if handler is None:
            raise BadSection(
                self._say("unknown-section", device=head.name, instance=head.instance_id),
                at=start,
                found=f"{head.name}[{head.instance_id}]",
            )
        if head.version_id > handler.version:
            raise BadSection(
                self._say(
                    "section-version",
                    received=head.version_id,
                    device=head.name,
                    local=handler.version,
                ),
                at=cur.offset - 4,
                expected=handler.version,
                found=head.version_id,
                hint="the stream was written by a newer device",
            )
        # a handler has one number at a time (SaveStateEntry.load_section_id)
        self._open.pop(self._numbers.get(handler.section_id, head.section_id), None)
        self._numbers[handler.section_id] = head.section_id
        self._open[head.section_id] = handler, head.version_id
        self._load(handler, head.section_id, head.type, head.version_id)

    def _part(self, kind: int) -> None:
        cur = self._cur
        start = cur.offset
        cur.u8()
        section_id = cur.u32()
        if section_id not in self._open:
            raise BadFraming(
                self._say("unknown-section-id", section=section_id), at=start, found=section_id
            )
        handler, version = self._open[section_id]
        self._load(handler, section_id, SectionType(kind), version)

    def _load(self, handler: Handler, section_id: int, kind: SectionType, version: int) -> None:
        cur = self._cur
        if handler.section_id not in self._known:
            self._known.add(handler.section_id)
            self._kept.enter_context(handler.keep())
        try:
            if handler.live is not None:
                handler.live.load(cur, kind, version)
            elif handler.description is not None:
                handler.description.load(cur, handler.subject, version)
            else:
                assert handler.load is not None
                handler.load(cur, version)
        except ParseError as error:
            error.under(f"{handler.idstr}[{handler.instance_id}]")
            error.hint = error.hint or self._say(
                "loading-device", device=handler.idstr, instance=handler.instance_id
            )
            raise
        self._footer(handler, section_id)

    def _footer(self, handler: Handler, section_id: int) -> None:
        """check_section_footer."""
        if not self._vm.footers:
            return
        cur = self._cur
        at = cur.offset
        if cur.peek(1) != bytes((SectionType.FOOTER,)):
            raise BadFraming(
                self._say("footer-missing", device=handler.idstr),
                at=at,
                expected=f"{SectionType.FOOTER:02x}",
                found=cur.peek(1).hex() or "nothing",
                hint="the section has fields that differ between the two sides",
            )
        cur.u8()
        found = cur.u32()
        if found != section_id:
            raise BadFraming(
                self._say("footer-id", device=handler.idstr, read=found, expected=section_id),
                at=at + 1,
                expected=section_id,
                found=found,
            )


def _uuid(raw: bytes) -> str:
    import uuid

    return str(uuid.UUID(bytes=raw))
