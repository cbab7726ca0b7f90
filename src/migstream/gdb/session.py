"""One debugger's session with a saved guest, sans-IO: bytes in, bytes out.

References
----------
GDB manual, appendix "GDB Remote Serial Protocol": "Packets", "General Query Packets"; QEMU's own queries:
gdbstub/gdbstub.c, ``gdb_gen_query_table``
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import ClassVar

from migstream.gdb.guest import Guest
from migstream.gdb.monitor import answer
from migstream.gdb.packets import LONGEST, Packet, Reader, escaped, frame, run_length
from migstream.gdb.target import Register
from migstream.machine.registers.read import Cpu

__all__ = ["Session"]

OK, NOTHING = b"OK", b""
BAD, FAULT = b"E22", b"E14"  # EINVAL, EFAULT, which QEMU answers, too
STOPPED, INTERRUPT = b"T05", b"T02"  # SIGTRAP; SIGINT, upon which gdb goes no further of itself
STILL = b"E.this guest is saved in a file: it cannot be changed"
CANNOT_RUN = "this guest is saved in a file: it cannot run, and has no breakpoints\n"
TOO_LONG = b"E.the packet is longer than PacketSize"
FEATURES = (
    f"PacketSize={LONGEST:x};qXfer:features:read+;QStartNoAckMode+;vContSupported+;binary-upload+"
)
MOST = LONGEST // 2 - 8  # bytes in an answer of hexadecimal digits
DIGITS = 16  # of an address
RUNNING = "running", "halted "  # QEMU's words, its blank too


Handler = Callable[["Session", bytes], "bytes | list[bytes]"]


def _said(words: bytes) -> Handler:
    return lambda _session, _rest: words


class Session:
    """Answers packets until the debugger takes its leave.

    Attributes
    ----------
    ended : nothing more is answered
    """

    def __init__(self, guest: Guest) -> None:
        self.ended = False
        self._guest = guest
        self._reader = Reader()
        self._cpu = guest.cpus[0]
        self._acknowledging = True
        self._last = b""
        self._listed = 0  # threads

    def feed(self, data: bytes) -> bytes:
        """What is to be sent now."""
        out = bytearray()
        for packet in self._reader.feed(data):
            if self.ended:
                break
            out += self._packet(packet)
        return bytes(out)

    def _packet(self, packet: Packet) -> bytes:
        if packet.kind != "packet":
            return self._last if packet.kind == "again" else b""  # the guest stands still already
        acknowledgement = b"+" if self._acknowledging else b""
        if self._acknowledging and not packet.sound:
            return b"-"
        answers = self._answers(packet.data) if packet.whole else [TOO_LONG]
        self._last = b"".join(map(frame, answers))
        return acknowledgement + self._last

    def _answers(self, data: bytes) -> list[bytes]:
        for begin, handler in self.HANDLERS:
            if data.startswith(begin):
                found = handler(self, data[len(begin) :])
                return found if isinstance(found, list) else [found]
        return [NOTHING]  # what is not known

    # --- threads: one for each CPU, from 1 ---------------------------------------------------------

    def _thread(self, name: bytes) -> Cpu | None:
        """The CPU that a thread's id means; 0 and -1, any and all of them, the one that is selected."""
        word = name.rpartition(b".")[2] if name.startswith(b"p") else name
        if word in (b"0", b"-1"):
            return self._cpu
        number = _number(word)
        cpus = self._guest.cpus
        return cpus[number - 1] if number and number <= len(cpus) else None

    @property
    def _selected(self) -> bytes:
        return b"%x" % (self._guest.cpus.index(self._cpu) + 1)

    def _select(self, rest: bytes) -> bytes:
        cpu = self._thread(rest[1:])
        if cpu is None or rest[:1] not in (b"g", b"c"):
            return BAD
        if rest[:1] == b"g":
            self._cpu = cpu
        return OK

    def _alive(self, rest: bytes) -> bytes:
        return BAD if self._thread(rest) is None else OK

    def _threads(self, _: bytes) -> bytes:
        self._listed = 0
        return self._more_threads(b"")

    def _more_threads(self, _: bytes) -> bytes:
        first, count = self._listed, len(self._guest.cpus)
        self._listed = min(first + MOST // DIGITS, count)
        names = b",".join(b"%x" % (n + 1) for n in range(first, self._listed))
        return b"m" + names if names else b"l"

    def _extra(self, rest: bytes) -> bytes:
        cpu = self._thread(rest)
        if cpu is None:
            return BAD
        halted = cpu.values.get("halted")
        state = "" if halted is None else f" [{RUNNING[bool(halted)]}]"
        return f"CPU#{cpu.index}{state}".encode().hex().encode()

    def _current(self, _: bytes) -> bytes:
        return b"QC" + self._selected

    def _why(self, _: bytes) -> bytes:
        return STOPPED + b"thread:" + self._selected + b";"

    # --- registers and memory ----------------------------------------------------------------------

    @cached_property
    def _registers(self) -> dict[int, Register]:
        return self._guest.target.numbered()

    def _all_registers(self, _: bytes) -> bytes:
        return run_length(self._guest.target.core(self._cpu.values))

    def _register(self, rest: bytes) -> bytes:
        number = _number(rest)
        register = None if number is None else self._registers.get(number)
        if register is None:
            return BAD
        return run_length(register.digits(self._cpu.values, self._guest.target.order))

    def _memory(self, rest: bytes) -> bytes:
        found = self._read(rest, MOST)
        if found is None:
            return BAD
        return run_length(found.hex().encode()) if found else FAULT

    def _memory_as_bytes(self, rest: bytes) -> bytes:
        found = self._read(rest, MOST)  # each byte may need two
        if found is None:
            return BAD
        return b"b" + escaped(found) if found else FAULT

    def _read(self, rest: bytes, most: int) -> bytes | None:
        """Bytes at ADDRESS,SIZE; None where that is not what was said."""
        address, size = (_number(part) for part in _two(rest))
        if address is None or size is None:
            return None
        return self._guest.read(self._cpu, address, min(size, most))

    # --- queries -----------------------------------------------------------------------------------

    def _supported(self, _: bytes) -> bytes:
        return FEATURES.encode()

    def _no_acknowledgements(self, _: bytes) -> bytes:
        self._acknowledging = False
        return OK

    @cached_property
    def _annexes(self) -> dict[str, bytes]:
        return self._guest.target.annexes()

    def _description(self, rest: bytes) -> bytes:
        name, _, part = rest.partition(b":")
        text = self._annexes.get(name.decode("latin-1"))
        start, size = (_number(one) for one in _two(part))
        if text is None:
            return b"E00"  # no such annex
        if start is None or size is None:
            return BAD
        piece = text[start : start + min(size, MOST)]
        more = b"m" if start + len(piece) < len(text) else b"l"
        return more + escaped(piece)

    def _monitor(self, rest: bytes) -> list[bytes]:
        try:
            line = bytes.fromhex(rest.decode("ascii")).decode("utf-8", "replace")
        except ValueError:
            return [BAD]
        return [*_printed(answer(self._guest, line)), OK]

    def _set_physical(self, rest: bytes) -> bytes:
        self._guest.physical_mode = rest != b"0"
        return OK

    def _physical(self, _: bytes) -> bytes:
        return b"%d" % self._guest.physical_mode

    # --- what is refused, and the end ----------------------------------------------------------------

    def _resume(self, _: bytes) -> list[bytes]:
        return [*_printed(CANNOT_RUN), INTERRUPT + b"thread:" + self._selected + b";"]

    def _detach(self, _: bytes) -> bytes:
        self.ended = True
        return OK

    def _kill(self, _: bytes) -> list[bytes]:
        self.ended = True
        return []

    # How a packet begins; of two that fit, the first counts.
    HANDLERS: ClassVar[tuple[tuple[bytes, Handler], ...]] = (
        (b"qSupported", _supported),
        (b"QStartNoAckMode", _no_acknowledgements),
        (b"qXfer:features:read:", _description),
        (b"qfThreadInfo", _threads),
        (b"qsThreadInfo", _more_threads),
        (b"qThreadExtraInfo,", _extra),
        (b"qC", _current),
        (b"qAttached", _said(b"1")),
        (b"qRcmd,", _monitor),
        (b"qqemu.Supported", _said(b"sstepbits;sstep;PhyMemMode")),
        (b"qqemu.sstepbits", _said(b"ENABLE=1,NOIRQ=2,NOTIMER=4")),
        (b"qqemu.sstep", _said(b"0x7")),
        (b"Qqemu.sstep=", _said(OK)),  # it steps nowhere
        (b"qqemu.PhyMemMode", _physical),
        (b"Qqemu.PhyMemMode:", _set_physical),
        (b"q", _said(NOTHING)),
        (b"Q", _said(NOTHING)),
        (b"?", _why),
        (b"H", _select),
        (b"T", _alive),
        (b"g", _all_registers),
        (b"p", _register),
        (b"m", _memory),
        (b"x", _memory_as_bytes),
        (b"vCont?", _said(b"vCont;c;C;s;S")),
        (b"vCont;", _resume),
        (b"vKill", _detach),
        *zip((b"c", b"C", b"s", b"S"), [_resume] * 4, strict=True),
        *zip((b"G", b"P", b"M", b"X", b"Z", b"z"), [_said(STILL)] * 6, strict=True),
        (b"D", _detach),
        (b"k", _kill),
    )


def _number(word: bytes) -> int | None:
    """A hexadecimal number; None for anything else."""
    try:
        return int(word, 16) if 0 < len(word) <= DIGITS and word.isalnum() else None
    except ValueError:
        return None


def _two(rest: bytes) -> tuple[bytes, bytes]:
    first, _, second = rest.partition(b",")
    return first, second


def _printed(text: str) -> list[bytes]:
    """Packets that make the debugger print a text."""
    data = text.encode()
    pieces = (data[at : at + MOST] for at in range(0, len(data), MOST))
    return [b"O" + piece.hex().encode() for piece in pieces]
