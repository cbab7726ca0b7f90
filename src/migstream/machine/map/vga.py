"""What VGA adapters do to the legacy window at 0xa0000: they hide RAM, or show their own."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.machine.map.flat import Area
from migstream.machine.map.pci import LEGACY_VGA, Function
from migstream.machine.state import State, child, number
from migstream.vmstate.values import Value

__all__ = ["hidden_framebuffers", "isa_vga", "pci_vga"]

WINDOW, WINDOW_SIZE = LEGACY_VGA
# hw/display/vga.c: vga_update_memory_access: the graphics controller's choice of a window
MAPS = ((0, 0x20000), (0, 0x10000), (0x10000, 0x8000), (0x18000, 0x8000))
BANK = 0x8000
ISA_ADAPTERS = {"vga", "vga-isa", "cirrus_vga"}  # the second since 11.0
ISA_FRAMEBUFFER = 0xE0000000  # hw/display/vga_int.h: VBE_DISPI_LFB_PHYSICAL_ADDRESS


def pci_vga(state: State, found: dict[str, Function]) -> Iterator[tuple[str, Area]]:
    """Pieces of the legacy window, each with the path of the adapter whose bus it is on."""
    for function in found.values():
        if not function.is_vga:
            continue
        yield function.path, _hole(function.path)
        vram = f"{function.path}/vga.vram"
        size = next((b.used_length for b in state.blocks if b.name == vram), 0)
        for device in state.devices:
            path, _, name = device.name.partition("/")
            if path == function.path or (function.name == "vmware_vga" and device.name == "vga"):
                for piece in _windows(device.value, name, vram, size):
                    yield function.path, piece


def isa_vga(state: State) -> Iterator[Area]:
    """Pieces of an adapter on the ISA bus: the window and, of `isa-vga`, the linear framebuffer."""
    sizes = {b.name: b.used_length for b in state.blocks}
    for device in state.devices:
        if device.name not in ISA_ADAPTERS or "vga.vram" not in sizes:
            continue
        yield _hole("isa")
        yield from _windows(device.value, device.name, "vga.vram", sizes["vga.vram"])
        if device.name != "cirrus_vga":
            yield Area(
                start=ISA_FRAMEBUFFER,
                size=sizes["vga.vram"],
                block="vga.vram",
                priority=1,
                provenance="isa-vga: fixed address of the framebuffer",
            )


def hidden_framebuffers(state: State) -> set[str]:
    """Video memory of Cirrus adapters that is reached through their blitter only, at present."""
    hidden = set()
    for device in state.devices:
        path, slash, _ = device.name.partition("/")
        cirrus = child(device.value, "cirrus_vga")
        registers = None if cirrus is None else _registers(cirrus)
        if slash and registers is not None and not _linear(*registers):
            hidden.add(f"{path}/vga.vram")
    return hidden


def _hole(of: str) -> Area:
    return Area(start=WINDOW, size=WINDOW_SIZE, priority=1, provenance=f"{of} legacy VGA window")


def _windows(value: Value, name: str, vram: str, size: int) -> Iterator[Area]:
    cirrus = child(value, "cirrus_vga") or (value if name == "cirrus_vga" else None)
    if cirrus is not None and child(cirrus, "vga.gr") is not None:
        yield from _banks(cirrus, vram, size)
        return
    vga = child(value, "vga") or value
    yield from _chain4(vga, vram, size)


def _bytes(value: Value, name: str, size: int) -> bytes | None:
    one = child(value, name)
    raw = b"" if one is None else bytes(one.raw)
    return raw if len(raw) >= size else None


def _chain4(vga: Value, vram: str, size: int) -> Iterator[Area]:
    """Video memory in the window while four planes are chained.

    References
    ----------
    QEMU, hw/display/vga.c: vga_update_memory_access, vbe_update_vgaregs
    """
    sequencer, graphics = _bytes(vga, "sr", 8), _bytes(vga, "gr", 16)
    if sequencer is None or graphics is None:
        return
    chained = sequencer[2] & 0xF == 0xF and sequencer[4] & 8
    registers = _bytes(vga, "vbe_regs", 20)
    if registers is not None and number(vga, "is_vbe_vmstate") == 1 and registers[9] & 1:
        # An enabled mode of the BIOS extension has its own sequencer, chained above 4 bits a pixel.
        chained = int.from_bytes(registers[6:8], "big") > 4
    if not chained:
        return
    choice = graphics[6] >> 2 & 3
    base, length = MAPS[choice]
    offset = (number(vga, "bank_offset") or 0) if choice == 1 else 0
    if 0 <= offset <= size - length:
        yield Area(
            start=WINDOW + base,
            size=length,
            block=vram,
            offset=offset,
            priority=2,
            provenance="VGA: chained planes",
        )


def _banks(cirrus: Value, vram: str, size: int) -> Iterator[Area]:
    """Two banks of a Cirrus adapter in the window.

    References
    ----------
    QEMU, hw/display/cirrus_vga.c: map_linear_vram_bank, cirrus_update_bank_ptr
    """
    registers = _registers(cirrus)
    if registers is None or not _linear(*registers):
        return
    sequencer, graphics = registers
    mode = graphics[0x0B]
    if not sequencer[7] & 1:
        return
    for bank in (0, 1):
        offset = graphics[9 + bank if mode & 1 else 9] << (14 if mode & 0x20 else 12)
        room = max(size - offset, 0)
        if bank and not mode & 1:
            offset, room = offset + BANK, max(room - BANK, 0)
        if not room:
            offset = 0  # a bank behind the end of video memory shows its beginning
        yield Area(
            start=WINDOW + bank * BANK,
            size=min(BANK, size - offset),
            block=vram,
            offset=offset,
            priority=2,
            provenance=f"Cirrus: bank {bank}",
        )


def _registers(cirrus: Value) -> tuple[bytes, bytes] | None:
    """Sequencer and graphics registers by their numbers."""
    sequencer, graphics = _bytes(cirrus, "vga.sr", 256), _bytes(cirrus, "vga.gr", 254)
    if sequencer is None or graphics is None:
        return None
    return sequencer, b"\0\0" + graphics  # the first two are kept apart: cirrus_shadow_gr0, ..1


def _linear(sequencer: bytes, graphics: bytes) -> bool:
    """Whether plain accesses reach video memory (cirrus_update_memory_access)."""
    if sequencer[0x17] & 0x44 == 0x44 or graphics[0x0B] & 0x14 == 0x14 or graphics[0x0B] & 2:
        return False
    return not 4 <= graphics[5] & 7 <= 5 or not graphics[0x0B] & 4
