"""What QEMU's monitor says of virtual addresses, and which ones are worth asking for."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from support.qemu import Qemu

__all__ = ["NOISE", "TABLES", "Place", "around", "gva2gpa", "noise", "read_by_x"]

TABLES = 0x100000  # from the start of RAM; everything before and behind it is free
NOISE = 0x400000

Place = tuple[int, int, int, int]  # virtual address, shift of the level, physical address, flags


def gva2gpa(guest: Qemu, address: int) -> int | None:
    said = guest.hmp(f"gva2gpa {address:#x}").strip()
    return None if said == "Unmapped" else int(said.removeprefix("gpa: "), 0)


def read_by_x(guest: Qemu, address: int, size: int) -> bytes | None:
    said = guest.hmp(f"x /{size}xb {address:#x}")
    if "Cannot access" in said:
        return None
    lines = [line.split(":", 1)[1] for line in said.splitlines() if ":" in line]
    return bytes(int(one, 16) for line in lines for one in line.split())


def around(address: int, size: int) -> Iterator[int]:
    """An address inside, the borders, and what lies beside them."""
    for at in (0, 1, 0x123, size // 2 + 5, size - 1, size, -1):
        yield (address + at) % (1 << 64)


def noise(seed: int) -> bytes:
    return Random(seed).randbytes(0x20000)  # noqa: S311 - for tests
