"""How much RAM a machine has, and in which blocks: from device state and the list of blocks, no page is looked at.

Where in guest-physical memory they are is `map.physical_map`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migstream.machine.arch import architecture
from migstream.machine.map.backends import Memory, machine_memory
from migstream.machine.state import State
from migstream.vmstate.values import Value

__all__ = ["cmos_of", "is_pc", "machine_ram", "pc_memory", "told"]

KIB, MIB = 1 << 10, 1 << 20
X86 = frozenset({"x86_64", "i386"})
X86_BLOCKS = frozenset({"pc.bios", "pc.rom", "isa-bios", "microvm.ram", "pc.ram"})
RAM = frozenset({"pc.ram", "microvm.ram"})
# Blocks of a PC that are no backend; those of devices have a path in front.
FIXED = frozenset({"pc.bios", "pc.rom", "isa-bios", *(f"system.flash{n}" for n in range(8))})


def machine_ram(state: State) -> Memory | None:
    """Which blocks are the machine's RAM and which were plugged in beside it, without a look at any page.

    None where the machine is not known.
    """
    arch = architecture(state)
    if is_pc(state, arch):
        return _x86_memory(state)
    from migstream.machine.map.boards import board_memory  # a large table

    return board_memory(state, arch)


def is_pc(state: State, arch: str | None) -> bool:
    """Whether it is a PC, of which `arch` is the architecture of its CPUs, None where that is not known."""
    return state.machine != "none" and (arch in X86 or (arch is None and _looks_like_pc(state)))


def _looks_like_pc(state: State) -> bool:
    """Without a description no CPU is known; the firmware's blocks are those of PCs alone."""
    return any(b.name in X86_BLOCKS for b in state.blocks)


# --- PCs ------------------------------------------------------------------------------------------


def _x86_memory(state: State) -> Memory:
    """Machine RAM of a PC, as far as names, sizes and the CMOS tell."""
    cmos = cmos_of(state)
    return pc_memory(state, None if cmos is None else told(cmos), lambda: ())


def pc_memory(
    state: State, sizes: tuple[int, int] | None, nodes: Callable[[], Sequence[int]]
) -> Memory:
    """The same by the sizes below and above 4 GiB, and with the sizes of NUMA nodes, where these are known."""
    return machine_memory(state, RAM, FIXED, nodes, sum(sizes) if sizes else None)


def cmos_of(state: State) -> bytes | None:
    """The bytes of a PC's CMOS; None where there is none."""
    for device in state.devices:
        if device.name == "mc146818rtc":
            first: Value | None = next(iter(device.value.children), None)
            # `cmos_data` is the first field, and so the first bytes of one that nothing describes.
            raw = b"" if first is None else bytes(first.raw[:128])
            return raw if len(raw) == 128 else None
    return None


def told(cmos: bytes) -> tuple[int, int] | None:
    """Bytes of RAM below and above 4 GiB as the machine told the firmware.

    References
    ----------
    QEMU, hw/i386/pc.c: pc_cmos_init
    """
    extended = int.from_bytes(cmos[0x34:0x36], "little") * 64 * KIB
    low = 16 * MIB + extended if extended else MIB + int.from_bytes(cmos[0x30:0x32], "little") * KIB
    high = int.from_bytes(cmos[0x5B:0x5E], "little") * 64 * KIB
    return (low, high) if low > MIB else None
