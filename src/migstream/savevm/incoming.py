"""The stream that is loaded, up to its end marker.

QEMU, migration/savevm.c: qemu_loadvm_state, qemu_loadvm_section_start_full,
qemu_loadvm_section_part_end, check_section_footer, configuration_post_load.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from migstream.errors import BadFraming, BadSection, NeedData, ParseError, Unsupported
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
from migstream.wire.window import Window

if TYPE_CHECKING:
    from migstream.savevm.registry import SaveVM

__all__ = ["Incoming"]

# What a loader without a return path may pass over.
HARMLESS = {"OPEN_RETURN_PATH", "PING", "POSTCOPY_ADVISE", "SWITCHOVER_START"}
MOST_SECTION = 1 << 30  # bytes of one section, or of one record of a handler that commits


class _Section(NamedTuple):
    """The one being loaded."""

    handler: Handler
    section_id: int
    kind: SectionType
    version: int


class Incoming(Window):
    """A stream being loaded (qemu_loadvm_state), by steps: what is complete is loaded, and done with.

    Attributes
    ----------
    done : the end marker was read
    """

    def __init__(self, vm: SaveVM, handlers: Sequence[Handler], kept: ExitStack) -> None:
        super().__init__(most=MOST_SECTION)
        self._vm = vm
        self._handlers = handlers
        self._kept = kept
        self._next: Callable[[Cursor], None] = self._header
        # by the number that a handler was registered with, which a stream cannot choose
        self._known: set[int] = set()
        self._numbers: dict[int, int] = {}
        self._open: dict[int, tuple[Handler, int]] = {}
        self._section: _Section | None = None
        self.done = False

    def _say(self, name: str, /, **values: int | str) -> str:
        """QEMU's words, as the machine's own release has them."""
        return say(name, self._vm.words, **values)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes; loads what they complete. Those behind the end marker are not looked at.

        Raises
        ------
        StreamError : what QEMU would refuse, in its words
        """
        if self.done:
            return
        super().feed(data)
        self._load_on()

    def end(self) -> None:
        """No more bytes come; raises Truncated where the end marker was not among them."""
        super().end()
        self._load_on()

    def _load_on(self) -> None:
        cur = self.cursor()
        try:
            while not self.done:
                self.step(cur)
        except NeedData:
            pass
        finally:
            self.settle(cur)

    def step(self, cur: Cursor) -> bool:
        """Read on: a header, a payload, a footer; whether the end marker was read.

        NeedData leaves everything as it was at the cursor's mark.
        """
        self._next(cur)
        cur.commit()
        return self.done

    def _header(self, cur: Cursor) -> None:
        read_file_header(cur)
        self._next = self._item if self._vm.machine is None else self._configuration

    def _configuration(self, cur: Cursor) -> None:
        if cur.peek(1) != bytes((SectionType.CONFIGURATION,)):
            found = cur.peek(1)
            said = self._say(
                "configuration-missing",
                found=int.from_bytes(found, "big"),
                expected=SectionType.CONFIGURATION,
            )
            raise BadFraming(
                said,
                at=cur.offset,
                expected=f"{SectionType.CONFIGURATION:02x}",
                found=found.hex() or "nothing",
                hint="streams of machine types up to 2.3 have none",
            )
        self._check(read_configuration(cur), cur.offset)
        self._next = self._item

    def _item(self, cur: Cursor) -> None:
        at = cur.offset
        kind = (cur.peek(1) or cur.take(1).tobytes())[0]
        if kind == SectionType.EOF:
            cur.take(1)
            self.done = True
        elif kind in {SectionType.START, SectionType.FULL}:
            self._start(cur)
        elif kind in {SectionType.PART, SectionType.END}:
            self._part(cur)
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

    def _start(self, cur: Cursor) -> None:
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
        self._begin(_Section(handler, head.section_id, head.type, head.version_id))

    def _part(self, cur: Cursor) -> None:
        start = cur.offset
        kind = SectionType(cur.u8())
        section_id = cur.u32()
        if section_id not in self._open:
            raise BadFraming(
                self._say("unknown-section-id", section=section_id), at=start, found=section_id
            )
        handler, version = self._open[section_id]
        self._begin(_Section(handler, section_id, kind, version))

    def _begin(self, section: _Section) -> None:
        self._section, self._next = section, self._payload

    def _payload(self, cur: Cursor) -> None:
        """Load a section. Where its bytes are not all there, it is as if it had not been begun.

        Unless its handler commits: then it goes on from there.
        """
        section = self._section
        assert section is not None
        handler, start = section.handler, cur.mark
        first, whole = handler.section_id not in self._known, True
        with ExitStack() as undo:
            if first or not cur.whole:
                undo.enter_context(handler.keep())
            try:
                self._load(cur, section)
            except NeedData:
                if cur.mark == start:
                    raise
                whole = False
            if first:
                self._known.add(handler.section_id)
                self._kept.push(undo.pop_all())
        if not whole:
            raise NeedData
        self._next = self._footer if self._vm.footers else self._item

    def _load(self, cur: Cursor, section: _Section) -> None:
        handler = section.handler
        try:
            if handler.live is not None:
                handler.live.load(cur, section.kind, section.version)
            elif handler.description is not None:
                handler.description.load(cur, handler.subject, section.version)
            else:
                assert handler.load is not None
                handler.load(cur, section.version)
        except ParseError as error:
            error.under(f"{handler.idstr}[{handler.instance_id}]")
            error.hint = error.hint or self._say(
                "loading-device", device=handler.idstr, instance=handler.instance_id
            )
            raise

    def _footer(self, cur: Cursor) -> None:
        """check_section_footer."""
        section = self._section
        assert section is not None
        handler, section_id = section.handler, section.section_id
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
        self._next = self._item


def _uuid(raw: bytes) -> str:
    import uuid

    return str(uuid.UUID(bytes=raw))
