"""Memory that was plugged in: DIMMs and virtio-mem behind the machine's RAM.

QEMU calls the area device memory. What has its address in the stream is where it says; the rest
takes the first place that is free, in the order of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from migstream.machine.map.acpi import Tables
from migstream.machine.map.backends import Memory
from migstream.machine.map.flat import Area
from migstream.machine.map.pci import Function
from migstream.machine.map.virtio_mem import owned, runs
from migstream.machine.state import State
from migstream.ram.model import RamBlock

__all__ = ["ALIGNMENT", "device_memory"]

# hw/i386/pc.c: pc_get_device_memory_range, hw/arm/virt.c: virt_set_memmap,
# hw/ppc/spapr.c: spapr_machine_init
ALIGNMENT = 1 << 30
# Without the firmware's tables, a backend that its user calls so is taken for an nvdimm's.
NONVOLATILE = r"(?i)nvdimm|pmem|nvmem"
LABELS = 4 << 20  # hw/mem/nvdimm.c: from 128 KiB on, and what aligns the rest to 2 MiB


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


def _virtio_mem(state: State, found: dict[str, Function]) -> Iterator[Area]:
    """Runs of plugged blocks, and the whole of each device as a hole: nothing else goes there."""
    for block, says in owned(state.devices, state.blocks):
        path = block.name.partition("/")[0]
        if path not in found:
            continue
        yield Area(start=says.start, size=says.size, priority=-2)
        for first, count in runs(says.bits):
            offset = first * says.unit
            size = min(count * says.unit, block.used_length - offset)
            yield Area(
                start=says.start + offset,
                size=size,
                block=block.name,
                offset=max(offset, 0),
                provenance=f"{path} virtio-mem: address and plugged blocks",
            )
