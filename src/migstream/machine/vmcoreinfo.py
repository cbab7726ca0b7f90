"""Where the guest's kernel left its note for dumps, which `crash` and `drgn` start from, and what is in it.

References
----------
QEMU, hw/misc/vmcoreinfo.c: ``vmstate_vmcoreinfo``; dump/dump.c: ``dump_init``
Linux, Documentation/admin-guide/kdump/vmcoreinfo.rst: what the note's lines say
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from migstream.errors import NoSuchAddress
from migstream.machine.search import Needle, block_segments, search
from migstream.machine.state import State, number

if TYPE_CHECKING:
    from migstream.machine.physical import PhysicalMemory
    from migstream.ram.image import Ram

__all__ = ["KernelInfo", "kernel_infos", "vmcoreinfo"]

FORMAT_ELF = 1
# dump/dump.c: MAX_GUEST_NOTE_SIZE
LARGEST = 1 << 20
LONGEST = 1 << 16  # bytes of the lines that are looked for: Linux keeps them in a page
TEXT = re.compile(rb"OSRELEASE=[\x20-\x7e\n]{64,65000}")
NEEDLE = Needle(TEXT, LONGEST, "vmcoreinfo", literal=b"OSRELEASE=", fixed=False)
MOST = 64  # hits in a block that are looked at
ENTRY = re.compile(r"(SYMBOL|OFFSET|SIZE|NUMBER)\(([^()]+)\)=(.*)")
HEXADECIMAL = {"SYMBOL"}


def vmcoreinfo(state: State) -> tuple[int, int] | None:
    """Guest-physical address and size in bytes of an ELF note, None where the guest left none.

    Needs the device `vmcoreinfo`; the words are as a little-endian host stored them.
    """
    for device in state.devices:
        if device.name != "vmcoreinfo" or not number(device.value, "has_vmcoreinfo"):
            continue
        kind, size, address = (
            number(device.value, f"vmcoreinfo.{name}") for name in ("guest_format", "size", "paddr")
        )
        if kind == FORMAT_ELF and size is not None and size <= LARGEST and address is not None:
            return address, size
    return None


class KernelInfo(msgspec.Struct, frozen=True):
    """What a kernel says of itself: addresses of `symbols`, `offsets` of fields (`prb_desc.state_var`), `sizes` in bytes."""

    release: str
    symbols: Mapping[str, int]
    offsets: Mapping[str, int]
    sizes: Mapping[str, int]
    numbers: Mapping[str, int]


def kernel_infos(state: State, memory: PhysicalMemory, ram: Ram) -> Iterator[KernelInfo]:
    """What a note says that the device `vmcoreinfo` knows of; then what looks like one anywhere in guest memory.

    Raises
    ------
    ParseError : a page of it cannot be unpacked
    """
    seen = set()
    for raw in _texts(state, memory, ram):
        if raw not in seen:
            seen.add(raw)
            yield _info(raw.decode("ascii"))


def _texts(state: State, memory: PhysicalMemory, ram: Ram) -> Iterator[bytes]:
    known = vmcoreinfo(state)
    if known is not None:
        try:
            found = TEXT.search(memory.read(*known))
        except NoSuchAddress:
            found = None
        if found is not None:
            yield found[0]
    for name, block in ram.items():
        segments = block_segments(name, 0, block.size)
        yield from (hit.data for hit in islice(search(segments, ram, [NEEDLE]), MOST))


def _info(text: str) -> KernelInfo:
    """The lines; those that are none of these, or hold no number, are passed over."""
    kinds: dict[str, dict[str, int]] = {k: {} for k in ("SYMBOL", "OFFSET", "SIZE", "NUMBER")}
    for line in text.split("\n"):
        entry = ENTRY.fullmatch(line)
        if entry is None:
            continue
        kind, name, said = entry.groups()
        try:
            kinds[kind].setdefault(name, int(said, 16 if kind in HEXADECIMAL else 10))
        except ValueError:
            continue
    return KernelInfo(text.partition("\n")[0].partition("=")[2], *kinds.values())
