"""Memory that was plugged in: DIMMs and virtio-mem behind the machine's RAM.

QEMU calls the area device memory. What has its address in the stream is where it says; the rest
takes the first place that is free, in the order of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from migstream.machine.map.acpi import Tables
from migstream.machine.map.backends import Memory
from migstream.machine.map.flat import Area
from migstream.machine.map.pci import Function
from migstream.machine.state import DeviceState, State, child, number
from migstream.ram.model import RamBlock
from migstream.vmstate.values import Value

__all__ = ["ALIGNMENT", "device_memory", "unplugged"]

# hw/i386/pc.c: pc_get_device_memory_range, hw/arm/virt.c: virt_set_memmap,
# hw/ppc/spapr.c: spapr_machine_init
ALIGNMENT = 1 << 30
# Without the firmware's tables, a backend that its user calls so is taken for an nvdimm's.
NONVOLATILE = r"(?i)nvdimm|pmem|nvmem"
LABELS = 4 << 20  # hw/mem/nvdimm.c: from 128 KiB on, and what aligns the rest to 2 MiB
MOST_BLOCKS = 1 << 22


class Plugged(msgspec.Struct, frozen=True, kw_only=True):
    """What virtio-mem says: blocks of `unit` bytes from `start` on; bits tell which are plugged."""

    start: int
    size: int
    unit: int
    bits: int


def device_memory(
    state: State, memory: Memory, found: dict[str, Function], tables: Tables, end: int
) -> list[Area]:
    """Pieces of device memory, which begins behind RAM that ends at `end`.

    Parameters
    ----------
    found : PCI functions by their paths

    References
    ----------
    QEMU, hw/mem/memory-device.c: memory_device_get_free_addr
    """
    base = -(-end // ALIGNMENT) * ALIGNMENT
    pieces = list(_virtio_mem(state, found))
    volatile, areas = _volatile(memory.others, tables)
    taken = sorted([*areas, *((p.start, p.stop) for p in pieces if p.block is None)])
    at = base
    for block in volatile:
        if block.address is not None:
            start = base + block.address
            why = "address inside it from the stream"
        else:
            while taken and at + block.used_length > taken[0][0]:
                at = max(at, taken.pop(0)[1])
            start = at
            at += block.used_length
            why = "order of what was plugged in assumed from names"
        pieces.append(
            Area(
                start=start,
                size=block.used_length,
                block=block.name,
                provenance=f"device memory at {base:#x}; {why}",
            )
        )
    return pieces


def _volatile(
    blocks: Sequence[RamBlock], tables: Tables
) -> tuple[list[RamBlock], list[tuple[int, int]]]:
    """The blocks that are not nvdimm's, and the places of nvdimms: no RAM to a dump.

    An nvdimm's block is known by its size, which is that in the table and perhaps a label area.
    """
    left, areas = list(blocks), []
    for start, size in tables.nonvolatile if blocks else ():
        areas.append((start, start + size))
        fitting = [b for b in left if 0 <= b.used_length - size <= LABELS]
        if fitting:
            left.remove(
                min(fitting, key=lambda b: (not re.search(NONVOLATILE, b.name), b.used_length))
            )
    if not areas:
        left = [b for b in left if not re.search(NONVOLATILE, b.name)]
    return left, areas


# --- virtio-mem ----------------------------------------------------------------------------------


def unplugged(
    devices: Iterable[DeviceState], blocks: Sequence[RamBlock]
) -> dict[str, tuple[tuple[int, int], ...]]:
    """By block of a virtio-mem device, the bytes [start, stop) where nothing is plugged in.

    Blocks that are plugged in as a whole are not in it.

    References
    ----------
    QEMU, hw/virtio/virtio-mem.c: virtio_mem_rdm_replay_discarded, by which ram.c leaves them out
    """
    found = {}
    for block, says in _owned(devices, blocks):
        gone, at = [], 0
        for first, count in _runs(says.bits):
            start = min(first * says.unit, block.used_length)
            if start > at:
                gone.append((at, start))
            at = min(start + count * says.unit, block.used_length)
        if at < block.used_length:
            gone.append((at, block.used_length))
        if gone:
            found[block.name] = tuple(gone)
    return found


def _owned(
    devices: Iterable[DeviceState], blocks: Sequence[RamBlock]
) -> Iterator[tuple[RamBlock, Plugged]]:
    """Each block of a virtio-mem device, with what that says of it."""
    told: dict[str, Plugged] = {}
    for device in devices:
        path, _, name = device.name.partition("/")
        if name.startswith("virtio-mem"):
            says = _early(device.value) or _late(device.value)
            if says is not None:
                told[path] = says
    for block in blocks if told else ():
        path, _, name = block.name.partition("/")
        if path in told and not name.endswith(".rom"):
            yield block, told[path]


def _virtio_mem(state: State, found: dict[str, Function]) -> Iterator[Area]:
    """Runs of plugged blocks, and the whole of each device as a hole: nothing else goes there."""
    for block, says in _owned(state.devices, state.blocks):
        path = block.name.partition("/")[0]
        if path not in found:
            continue
        yield Area(start=says.start, size=says.size, priority=-2)
        for first, count in _runs(says.bits):
            offset = first * says.unit
            size = min(count * says.unit, block.used_length - offset)
            yield Area(
                start=says.start + offset,
                size=size,
                block=block.name,
                offset=max(offset, 0),
                provenance=f"{path} virtio-mem: address and plugged blocks",
            )


def _early(value: Value) -> Plugged | None:
    """A section of its own, in front of RAM: since machines of 8.0."""
    return _said(child(value, "tmp"), child(value, "bitmap"))


def _late(value: Value) -> Plugged | None:
    """The device's part of what virtio writes."""
    return _said(child(value, "virtio", "device"), child(value, "virtio", "device", "bitmap"))


def _said(checked: Value | None, bitmap: Value | None) -> Plugged | None:
    if checked is None or bitmap is None:
        return None
    start, size, unit = (number(checked, name) for name in ("addr", "region_size", "block_size"))
    if start is None or size is None or unit is None:
        return None
    return _plugged(start, size, unit, bytes(bitmap.raw))


def _plugged(start: int, size: int, unit: int, bitmap: bytes) -> Plugged | None:
    """Checked: a bitmap is words of 64 bits, big-endian (migration/vmstate-types.c: put_bitmap)."""
    if not unit or not 0 < size <= unit * min(8 * len(bitmap), MOST_BLOCKS):
        return None
    words = range(0, len(bitmap), 8)
    bits = int.from_bytes(b"".join(bitmap[at : at + 8][::-1] for at in words), "little")
    return Plugged(start=start, size=size, unit=unit, bits=bits & (1 << size // unit) - 1)


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    """Runs of set bits as (first, count)."""
    for run in re.finditer(r"1+", f"{bits:b}"[::-1]):
        yield run.start(), run.end() - run.start()
