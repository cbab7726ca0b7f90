"""Packets of gdb's remote serial protocol, sans-IO: bytes in, packets out, and answers as bytes.

References
----------
GDB manual, appendix "GDB Remote Serial Protocol": "Overview", "Packet Acknowledgment", "Interrupts"
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

__all__ = ["LONGEST", "Packet", "Reader", "escaped", "frame", "run_length"]

# Bytes between `$` and `#`; what we promise (PacketSize), and more than any debugger sends unasked.
LONGEST = 1 << 14

BEGIN, END, ESCAPE, FLIP = b"$", b"#", b"}", 0x20
SPECIAL = re.compile(rb"[#$}*]")
ESCAPED = re.compile(rb"\}(.)", re.DOTALL)
RUN = re.compile(rb"(.)\1{3,96}", re.DOTALL)
REPEAT = 29  # what is added to a number of repetitions, so that it can be printed
FORBIDDEN = (6, 7)  # they would be `#` and `$`: five say nearly the same

Control = Literal["packet", "again", "interrupt"]


class Packet(NamedTuple):
    """What the debugger sent.

    Parameters
    ----------
    kind : a packet; the wish to have the last answer again (`-`); an interrupt (Ctrl-C)
    data : of a packet, without frame and escapes
    sound : whether the checksum is right
    whole : False of a packet longer than LONGEST, of which nothing was kept
    """

    kind: Control
    data: bytes = b""
    sound: bool = True
    whole: bool = True


CONTROLS: dict[int, Packet] = {0x2D: Packet("again"), 0x03: Packet("interrupt")}


class Reader:
    """Finds packets in what arrives. It keeps one packet at most."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._searched = 0  # bytes of a packet in which its end is not
        self._overlong = False

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete now."""
        self._held += data
        while self._held:
            if not self._held.startswith(BEGIN):
                control = CONTROLS.get(self._held[0])
                del self._held[0]  # an acknowledgement, or what lies between packets
                if control is not None:
                    yield control
                continue
            found = self._packet()
            if found is None:
                return
            yield found

    def _packet(self) -> Packet | None:
        end = self._held.find(END, max(1, self._searched))
        if end < 0:
            if len(self._held) > LONGEST + 1:
                self._overlong = True
                del self._held[1:]
            self._searched = len(self._held)
            return None
        if len(self._held) < end + 3:
            self._searched = end
            return None
        raw, check = bytes(self._held[1:end]), bytes(self._held[end + 1 : end + 3])
        whole = not self._overlong and len(raw) <= LONGEST
        del self._held[: end + 3]
        self._searched, self._overlong = 0, False
        if not whole:
            return Packet("packet", whole=False)
        data = ESCAPED.sub(lambda found: bytes([found[1][0] ^ FLIP]), raw)
        return Packet("packet", data, sound=_sum(raw) == check.lower())


def _sum(raw: bytes) -> bytes:
    return b"%02x" % (sum(raw) & 0xFF)


def frame(answer: bytes) -> bytes:
    """An answer as it is sent; what is special in it was escaped."""
    return b"$%s#%s" % (answer, _sum(answer))


def escaped(data: bytes) -> bytes:
    """Bytes of any kind as they may stand in an answer."""
    return SPECIAL.sub(lambda found: ESCAPE + bytes([found[0][0] ^ FLIP]), data)


def run_length(digits: bytes) -> bytes:
    """Hexadecimal digits, those that repeat counted: `0* ` is four zeros."""
    return RUN.sub(_counted, digits)


def _counted(found: re.Match[bytes]) -> bytes:
    char, more = found[1], len(found[0]) - 1
    count = 5 if more in FORBIDDEN else more
    return char + b"*" + bytes([count + REPEAT]) + char * (more - count)
