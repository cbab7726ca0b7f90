"""What virtio-mem devices say of their blocks: where they are, and which of their bytes are plugged in.

It is in device state alone, so it is known without the physical map, and where no guest memory is walked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from migstream.machine.state import DeviceState, child, number
from migstream.ram.model import RamBlock
from migstream.vmstate.values import Value

__all__ = ["Plugged", "owned", "runs", "unplugged"]

MOST_BLOCKS = 1 << 22


class Plugged(msgspec.Struct, frozen=True, kw_only=True):
    """What virtio-mem says: blocks of `unit` bytes from `start` on; bits tell which are plugged."""

    start: int
    size: int
    unit: int
    bits: int


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
    for block, says in owned(devices, blocks):
        gone, at = [], 0
        for first, count in runs(says.bits):
            start = min(first * says.unit, block.used_length)
            if start > at:
                gone.append((at, start))
            at = min(start + count * says.unit, block.used_length)
        if at < block.used_length:
            gone.append((at, block.used_length))
        if gone:
            found[block.name] = tuple(gone)
    return found


def owned(
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


def runs(bits: int) -> Iterator[tuple[int, int]]:
    """Runs of set bits as (first, count)."""
    for run in re.finditer(r"1+", f"{bits:b}"[::-1]):
        yield run.start(), run.end() - run.start()
