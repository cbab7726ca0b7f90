"""Blocks behind PCI: where base address registers, expansion ROMs and bridges put them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

import msgspec

from migstream.machine.map.flat import Area, clip, flatten
from migstream.machine.state import DeviceState, State
from migstream.vmstate.meaning.pci import (
    BRIDGE,
    CLASS,
    COMMAND,
    HEADER_KIND,
    HEADER_TYPE,
    config_space,
)

__all__ = ["Function", "functions", "pci_space"]

COMMAND_MEMORY = 0x02
ROM_REGISTER = {0: 0x30, BRIDGE: 0x38}
BRIDGE_CONTROL, BRIDGE_VGA = 0x3E, 0x08
LEGACY_VGA = (0xA0000, 0x20000)
TOP = 1 << 64


# The register of a block that a device made, by the end of its name. Where devices of different
# kinds use one name, by the device's section first.
REGISTERS = {
    ("vmware_vga", "vga.vram"): 1,  # hw/display/vmware_vga.c: pci_vmsvga_realize
    ("vga.vram",): 0,  # hw/display/vga-pci.c, qxl.c, virtio-vga.c, cirrus_vga.c
    ("bochs-display-vram",): 0,  # hw/display/bochs-display.c: bochs_display_realize
    ("qxl.vram",): 1,  # hw/display/qxl.c: qxl_realize_common
    ("qxl.vrom",): 2,
    ("sm501.local",): 0,  # hw/display/sm501.c: sm501_realize_pci
}
# A memory backend has the user's name, so here the device alone tells.
BACKENDS = {"ivshmem-plain": 2, "ivshmem-doorbell": 2, "ivshmem": 2, "nvme": 2}
# Blocks that are registered without their device's path.
NAMELESS = {"vmsvga.fifo": ("vmware_vga", 2)}
# The largest part of a block that a register shows: qxl's second one, of 32 bits, is 64 MiB
# unless told otherwise; the rest is reached through the fourth.
LIMITS = {"qxl.vram": 64 << 20}


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One PCI function: its path (`0000:00:02.0`), its section's name, its configuration space."""

    path: str
    name: str
    config: bytes

    def word(self, at: int) -> int:
        return int.from_bytes(self.config[at : at + 2], "little")

    @property
    def memory_enabled(self) -> bool:
        return bool(self.word(COMMAND) & COMMAND_MEMORY)

    @property
    def header_type(self) -> int:
        return self.config[HEADER_TYPE] & HEADER_KIND

    @property
    def is_vga(self) -> bool:
        """Whether its class says VGA compatible: it decodes the legacy window."""
        return self.config[CLASS : CLASS + 3] == b"\0\0\3"

    def address(self, register: int, size: int) -> int | None:
        """Where a memory register shows its region, None where it does not.

        `size` is that of the region: the bits below it are not part of an address.

        References
        ----------
        QEMU, hw/pci/pci.c: pci_bar_address
        """
        if not self.memory_enabled:
            return None
        at = 0x10 + 4 * register
        low = int.from_bytes(self.config[at : at + 4], "little")
        if low & 1:
            return None
        wide = low & 6 == 4
        value = int.from_bytes(self.config[at : at + 8], "little") if wide else low
        return _decoded(value & ~0xF, size, wide=wide)

    def rom(self, size: int) -> int | None:
        """Where the expansion ROM is, None where it is switched off."""
        at = ROM_REGISTER.get(self.header_type)
        if at is None or not self.memory_enabled or not self.config[at] & 1:
            return None
        value = int.from_bytes(self.config[at : at + 4], "little")
        return _decoded(value & ~0x7FF, size, wide=False)

    def windows(self) -> Iterator[tuple[int, int]]:
        """Addresses and sizes of what a bridge passes on.

        References
        ----------
        QEMU, hw/pci/pci_bridge.c: pci_bridge_region_init
        """
        if self.memory_enabled:
            base, limit = self.word(0x20) & 0xFFF0, self.word(0x22) & 0xFFF0
            yield base << 16, (limit << 16 | 0xFFFFF) - (base << 16) + 1
            base, limit = (self.word(0x24) & 0xFFF0) << 16, (self.word(0x26) & 0xFFF0) << 16
            if self.config[0x24] & 0xF == 1:
                base |= int.from_bytes(self.config[0x28:0x2C], "little") << 32
                limit |= int.from_bytes(self.config[0x2C:0x30], "little") << 32
            yield base, (limit | 0xFFFFF) - base + 1
        if self.word(BRIDGE_CONTROL) & BRIDGE_VGA:
            yield LEGACY_VGA


def _decoded(value: int, size: int, *, wide: bool) -> int | None:
    """An address as QEMU takes it: aligned to the region, neither 0 nor at the end of what there is."""
    size = 1 << max(size - 1, 0).bit_length()
    start = value & -size & (TOP - 1)
    stop = start + size
    return None if not start or stop >= (TOP if wide else 1 << 32) else start


def functions(state: State) -> dict[str, Function]:
    """PCI functions by their paths."""
    found: dict[str, Function] = {}
    for device in state.devices:
        path, slash, name = device.name.partition("/")
        if slash and "." in path and path not in found:
            config = _config(device)
            if config is not None:
                found[path] = Function(path=path, name=name, config=config)
    return found


def _config(device: DeviceState) -> bytes | None:
    """Configuration space: version 2, then the registers (hw/pci/pci.c: vmstate_pci_device).

    Nearly every PCI device that nothing describes begins with the same.
    """
    config = config_space(device.value)
    if config is not None:
        raw = bytes(config.raw)
        return raw if len(raw) >= 256 else None
    if device.described:
        return None
    raw = bytes(next(iter(device.value.children)).raw[:260])
    return raw[4:] if len(raw) == 260 and raw[:4] == b"\0\0\0\2" else None


def pci_space(
    state: State,
    found: dict[str, Function],
    more: Iterable[tuple[str, Area]] = (),
    hidden: Container[str] = (),
) -> list[Area]:
    """The flattened memory space of PCI as the host bridges see it, root buses as one.

    Parameters
    ----------
    more : further pieces, each with the path of the function on whose bus it is, or nothing for
        the root bus: firmware, and what `vga` knows. They were there before any register was
        set, so what a register maps is seen above them
    hidden : blocks that their device does not show at present, whatever its registers say
    """
    buses: dict[str, list[Area]] = {"": []}
    for path, piece in (*more, *_regions(state, found, hidden)):
        buses.setdefault(_bus(path, found), []).append(piece)
    # Bridges from the innermost: what is behind one is complete when its own bus asks for it.
    for path in sorted(found, key=lambda p: -p.count(":")):
        bridge = found[path]
        behind = buses.pop(path, None)
        if bridge.header_type == BRIDGE and behind:
            seen = flatten(behind)
            for start, size in bridge.windows():
                if size > 0:
                    buses.setdefault(_bus(path, found), []).extend(
                        clip(seen, start, size, priority=1)
                    )
    return flatten(buses[""])


def _bus(path: str, found: dict[str, Function]) -> str:
    """The bridge that a function is behind; nothing for a root bus."""
    parent = path.rpartition(":")[0]
    return parent if parent in found else ""


def _regions(
    state: State, found: dict[str, Function], hidden: Container[str]
) -> Iterator[tuple[str, Area]]:
    for block in state.blocks:
        function, name = _owner(block.name, found)
        if function is None or block.name in hidden:
            continue
        size = min(block.used_length, LIMITS.get(name, block.used_length))
        if name.endswith(".rom"):
            start, where = function.rom(size), "expansion ROM register"
        else:
            register = _register(function, name)
            if register is None:
                continue
            start, where = function.address(register, size), f"BAR {register}"
        if start is not None:
            yield (
                function.path,
                Area(
                    start=start,
                    size=size,
                    block=block.name,
                    priority=1,
                    provenance=f"{function.path} {where}",
                ),
            )


def _owner(block: str, found: dict[str, Function]) -> tuple[Function | None, str]:
    if block in NAMELESS:
        device = NAMELESS[block][0]
        return next((f for f in found.values() if f.name == device), None), block
    path, _, name = block.partition("/")
    return found.get(path), name


def _register(function: Function, name: str) -> int | None:
    if name in NAMELESS:
        return NAMELESS[name][1]
    by_device = REGISTERS.get((function.name, name), REGISTERS.get((name,)))
    return BACKENDS.get(function.name) if by_device is None else by_device
