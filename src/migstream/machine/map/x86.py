"""The physical map of PCs: RAM around the hole below 4 GiB, shadowing, firmware, SMRAM, PCI."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from migstream.machine.map.acpi import Tables
from migstream.machine.map.backends import Memory, fill
from migstream.machine.map.flat import Area, clip
from migstream.machine.map.installed import cmos_of, pc_memory, told
from migstream.machine.map.pci import Function, functions, pci_space
from migstream.machine.map.plugged import device_memory
from migstream.machine.map.vga import hidden_framebuffers, isa_vga, pci_vga
from migstream.machine.state import State

__all__ = ["x86_pieces"]

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
FOUR = 4 * GIB

# --- host bridges --------------------------------------------------------------------------------

ROM_BASE, ROM_SIZE = 0xC0000, 0x20000
ISA_BIOS = 128 * KIB
SMRAM, SMRAM_SIZE = 0xA0000, 0x20000
HIGH_SMRAM = 0xFEDA0000
SMRAM_OPEN, SMRAM_ENABLED = 0x40, 0x08


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """A host bridge: its section's name, the numbers of its registers, its RAM below 4 GiB.

    `smram` is SMRAM's control register, `esmram` that of its extension with TSEG, `tseg` the size
    of TSEG in MiB that the extension's last choice means, `smbase` the lock of SMRAM at 0x30000.
    """

    name: str
    pam: int
    smram: int
    esmram: int | None = None
    tseg: int = 0
    smbase: int = 0


# hw/pci-host/i440fx.c, include/hw/pci-host/q35.h
BRIDGES = (
    Bridge(name="I440FX", pam=0x59, smram=0x72),
    Bridge(name="mch", pam=0x90, smram=0x9D, esmram=0x9E, tseg=0x50, smbase=0x9C),
)

# --- where RAM is split --------------------------------------------------------------------------


class Split(msgspec.Struct, frozen=True):
    """RAM of `above` bytes or more ends at `below` and goes on at 4 GiB, by a machine type's rule."""

    machines: str
    above: int
    below: int


# hw/i386/pc_piix.c: pc_init1, pc_q35.c: pc_q35_init, microvm.c: microvm_memory_init
SPLITS = (
    Split(r"pc-i440fx-1\.|pc-[01]\.", 0xE0000000, 0xE0000000),
    Split(r"pc-q35-1\.", 0xB0000000, 0xB0000000),
    Split(r"pc-q35-|q35", 0xB0000000, 0x80000000),
    Split(r"microvm", 0xC0000000, 0xC0000000),
    Split(r"", 0xE0000000, 0xC0000000),
)


def x86_pieces(state: State, tables: Tables) -> list[Area]:
    """Pieces of the system's address space as a CPU outside system management mode sees it."""
    found = functions(state)
    bridge, config = _host_bridge(found)
    cmos = cmos_of(state)
    sizes = None if cmos is None else told(cmos)
    memory = pc_memory(
        state,
        sizes,
        lambda: tables.node_sizes([(0, sizes[0]), (FOUR, sizes[1])]) if sizes else [],
    )
    low, why = _below(state, memory, sizes, bridge)
    high = max(memory.size - low, 0)
    ram = fill(memory, [(0, low), (FOUR, high)], why)
    pieces = [*ram, *device_memory(state, memory, found, tables, FOUR + high), *_fixed(state)]
    if bridge is None or config is None:
        # Without a host bridge, firmware and adapters lie in the system's own space.
        return [*pieces, *_firmware(state), *isa_vga(state)]
    more = [*pci_vga(state, found), *(("", piece) for piece in _firmware(state))]
    pci = pci_space(state, found, more, hidden_framebuffers(state))
    pieces += clip(pci, 0, 1 << 64, priority=-1)
    pieces += _shadow(config[bridge.pam : bridge.pam + 7], ram, pci)
    pieces += _smram(bridge, config, ram, pci, low)
    return pieces


def _host_bridge(found: dict[str, Function]) -> tuple[Bridge | None, bytes | None]:
    for bridge in BRIDGES:
        for function in found.values():
            if function.name == bridge.name:
                return bridge, function.config
    return None, None


# --- RAM -----------------------------------------------------------------------------------------


def _below(
    state: State, memory: Memory, sizes: tuple[int, int] | None, bridge: Bridge | None
) -> tuple[int, str]:
    """Bytes of RAM below 4 GiB, and how that is known."""
    if sizes is not None:
        # CMOS counts in 64 KiB, so RAM itself says what is below where nothing is above.
        low = memory.size - sizes[1]
        if abs(low - sizes[0]) < 64 * KIB and low <= FOUR:
            return low, "RAM: split at 4 GiB by CMOS 0x34, 0x35, 0x5b-0x5d"
    name = state.machine or ("pc-q35-" if bridge is not None and bridge.name == "mch" else "")
    split = next(s for s in SPLITS if re.match(s.machines, name))
    low = memory.size if memory.size < split.above else split.below
    return low, f"RAM: split at 4 GiB by the rule for machine {name or 'pc'}"


# --- firmware and other fixed places ----------------------------------------------------------------


def _firmware(state: State) -> Iterator[Area]:
    """The firmware below 4 GiB, its end below 1 MiB, and option ROMs.

    References
    ----------
    QEMU, hw/i386/x86.c: x86_bios_rom_init, hw/i386/pc_sysfw.c: pc_system_flash_map,
    hw/i386/pc.c: pc_memory_init
    """
    sizes = {b.name: b.used_length for b in state.blocks}
    if "pc.rom" in sizes:
        yield Area(
            start=ROM_BASE,
            size=min(sizes["pc.rom"], ROM_SIZE),
            block="pc.rom",
            priority=1,
            provenance="option ROMs",
        )
    end = FOUR
    flash = False
    for name in ("pc.bios", *(f"system.flash{n}" for n in range(8))):
        size = sizes.get(name, 0)
        if not 0 < size <= end:
            continue
        end -= size
        flash = name != "pc.bios"
        yield Area(
            start=end,
            size=size,
            block=name,
            rom_device=flash,
            provenance="firmware below 4 GiB",
        )
    first = next((n for n in ("isa-bios", "pc.bios", "system.flash0") if n in sizes), None)
    if first is not None:
        size = min(sizes[first], ISA_BIOS)
        yield Area(
            start=MIB - size,
            size=size,
            block=first,
            offset=sizes[first] - size,
            priority=1,
            rom_device=first == "system.flash0",
            provenance="end of the firmware below 1 MiB",
        )


# hw/tpm/tpm_crb.c: tpm_crb_realize: behind the control registers
TPM_CRB = {"tpm-crb-cmd": (0xFED40080, 0xF80)}


def _fixed(state: State) -> Iterator[Area]:
    for block in state.blocks:
        if block.name in TPM_CRB:
            start, size = TPM_CRB[block.name]
            yield Area(
                start=start,
                size=min(size, block.used_length),
                block=block.name,
                priority=1,
                provenance="fixed address of the device",
            )


# --- what the host bridge shows ----------------------------------------------------------------------


def _shadow(registers: bytes, ram: list[Area], pci: list[Area]) -> Iterator[Area]:
    """13 areas below 1 MiB, each RAM or what PCI has there.

    Bit 0 of an area lets reads reach RAM, bit 1 writes; one of them is enough for RAM to be what
    QEMU shows, only its protection differs.

    References
    ----------
    QEMU, hw/pci-host/pam.c: init_pam, pam_update
    """
    for area in range(13):
        start, size = (0xF0000, 0x10000) if not area else (0xC0000 + (area - 1) * 0x4000, 0x4000)
        mode = registers[(area + 1) // 2] >> (0 if area & 1 else 4) & 3
        for piece in clip(ram if mode else pci, start, size, priority=1):
            text = f"PAM: {'RAM' if mode else piece.provenance}"
            yield msgspec.structs.replace(piece, provenance=text)


def _smram(
    bridge: Bridge, config: bytes, ram: list[Area], pci: list[Area], low: int
) -> Iterator[Area]:
    """SMRAM while it is closed, opened, moved to the top of RAM, or all three.

    References
    ----------
    QEMU, hw/pci-host/i440fx.c: i440fx_update_memory_mappings,
    hw/pci-host/q35.c: mch_update_smram, mch_update_smbase_smram
    """
    control = config[bridge.smram]
    extended = 0 if bridge.esmram is None else config[bridge.esmram]
    moved = bool(extended & 0x80)
    if not control & SMRAM_OPEN or moved:
        yield from clip(pci, SMRAM, SMRAM_SIZE, priority=1)
    if control & SMRAM_OPEN and moved:
        for piece in clip(ram, SMRAM, SMRAM_SIZE, to=HIGH_SMRAM, priority=1):
            yield msgspec.structs.replace(piece, provenance="SMRAM, opened and moved")
    if extended & 1 and control & SMRAM_ENABLED:
        size = (1, 2, 8, int.from_bytes(config[bridge.tseg : bridge.tseg + 2], "little"))
        hole = size[extended >> 1 & 3] * MIB
        yield Area(start=max(low - hole, 0), size=min(hole, low), priority=1, provenance="TSEG")
    if bridge.smbase and config[bridge.smbase] & 2:
        yield Area(start=0x30000, size=0x20000, priority=1, provenance="SMRAM at SMBASE")
