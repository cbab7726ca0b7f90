"""Boot sectors that make a picture: a few instructions of 16-bit code, put together from bytes.

Each sets a mode by the video BIOS, writes registers, fills video memory with a pattern, and says that it is done by
a byte at DONE; then it halts.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.qemu import Qemu


__all__ = [
    "DONE",
    "MARK",
    "bios",
    "drawn",
    "fill",
    "fill_banks",
    "fill_planes",
    "port",
    "sector",
    "typed",
    "vbe",
]

DONE, MARK = 0x600, 0x5A


def bios(ax: int, bx: int = 0) -> bytes:
    """int 10h."""
    return b"\xb8" + struct.pack("<H", ax) + b"\xbb" + struct.pack("<H", bx) + b"\xcd\x10"


def vbe(mode: int) -> bytes:
    """Set a mode of the VBE with its banked window."""
    return bios(0x4F02, mode)


def port(address: int, *values: int) -> bytes:
    """out dx,ax of each value: an index in the low byte, what is written to it in the high one."""
    out = b"\xba" + struct.pack("<H", address)
    return out + b"".join(b"\xb8" + struct.pack("<H", one) + b"\xef" for one in values)


def fill(segment: int = 0xA000, plus: int = 0) -> bytes:
    """64 KiB with the exclusive or of the two bytes of each offset, and something added."""
    return b"\xb3" + bytes((plus,)) + _filled(segment)


def _filled(segment: int) -> bytes:
    # push segment; pop es; xor di,di; again: mov ax,di; xor al,ah; add al,bl; stosb; test di,di; jnz again
    head = b"\x68" + struct.pack("<H", segment) + bytes.fromhex("0731ff")
    return head + bytes.fromhex("89f830e000d8aa85ff75f5")


def fill_planes() -> bytes:
    """Each of the four planes."""
    return b"".join(port(0x3C4, 2 | 1 << 8 + n) + fill(plus=77 * n % 256) for n in range(4))


def fill_banks(count: int) -> bytes:
    """So many banks of 64 KiB, by VBE's function 5."""
    body = bytes.fromhex("b8054f31db89f2cd1089f3") + _filled(0xA000)
    body += b"\x46\x83\xfe" + bytes((count,))
    return bytes.fromhex("31f6") + body + b"\x72" + bytes((256 - len(body) - 2,))


def typed(text: str) -> bytes:
    """The BIOS writes it where its cursor is: a character is lodsb, int 10h with AH=0Eh, and again until a zero."""
    raw = text.encode("cp437") + b"\0"
    jump = (
        b"\xe8" + struct.pack("<H", len(raw)) + raw
    )  # call over the text, whose address it leaves
    return jump + bytes.fromhex("5eac84c07409b40ebb0700cd10ebf2")


def sector(*parts: bytes) -> bytes:
    """The sector: segments at 0, the parts one after another, the mark, and a halt."""
    code = bytes.fromhex("31c08ed8") + b"".join(parts)
    code += b"\x31\xc0\x8e\xd8\xc6\x06" + struct.pack("<HB", DONE, MARK) + bytes.fromhex("f4ebfd")
    assert len(code) <= 510, len(code)
    return code.ljust(510, b"\0") + b"\x55\xaa"


def drawn(guest: Qemu, patience: float = 60.0) -> None:
    """Let the guest run until its boot sector has said that it is done, then stop it."""
    guest.execute("cont")
    end = time.monotonic() + patience
    while f"{MARK:#04x}" not in guest.hmp(f"xp /1bx {DONE:#x}").partition(":")[2]:
        assert time.monotonic() < end, "the boot sector does not come to its end"
        time.sleep(0.05)
    guest.execute("stop")
