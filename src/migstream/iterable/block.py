"""Whole disks, `block`: QEMU's own storage migration, gone since 9.1.

References
----------
QEMU up to 9.0, migration/block.c: ``blk_send``, ``block_load``
"""

from __future__ import annotations

import msgspec

from migstream.errors import BadSection
from migstream.iterable.common import KEPT, name
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType
from migstream.wire.registry import Context

__all__ = ["Block", "BlockContent", "BlockDevice"]

DEVICE_BLOCK, EOS, PROGRESS, ZERO_BLOCK = 1, 2, 4, 8
SECTOR_BITS = 9
FLAGS = (1 << SECTOR_BITS) - 1
KNOWN = frozenset({DEVICE_BLOCK, DEVICE_BLOCK | ZERO_BLOCK, EOS, PROGRESS})
SIZE = 1 << 20


class BlockDevice(msgspec.Struct, frozen=True, kw_only=True):
    """Blocks of 1 MiB sent of one device: with data, or told to be zero."""

    name: str
    data: int = 0
    zero: int = 0

    @property
    def bytes(self) -> int:
        """Bytes of data in the section."""
        return self.data * SIZE


class BlockContent(msgspec.Struct, frozen=True, kw_only=True):
    """One section: devices in the order they first come, and the progress (per cent) it reports.

    `data` and `zero` count the blocks of all devices, also of those too many to be listed.
    """

    devices: tuple[BlockDevice, ...] = ()
    data: int = 0
    zero: int = 0
    progress: tuple[int, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes of data in the section."""
        return self.data * SIZE


class Block:
    """Codec of `block`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._restart()

    def _restart(self) -> None:
        self._devices: dict[str, list[int]] = {}
        self._counts = [0, 0]
        self._progress: list[int] = []

    def begin(self, type_: SectionType, version_id: int) -> None:  # noqa: ARG002  (Codec)
        self._restart()

    def step(self, cur: Cursor) -> bool:
        at = cur.offset
        word = cur.u64()
        flags = word & FLAGS
        if flags not in KNOWN:
            raise BadSection("no such block record", at=at, expected="1, 2, 4 or 9", found=flags)
        if flags & DEVICE_BLOCK:
            device, zero = name(cur, "device name"), bool(flags & ZERO_BLOCK)
            cur.skip(0 if zero else SIZE)
            self._count(device, zero)
        elif flags & PROGRESS:
            done = word >> SECTOR_BITS
            if done > 100:
                raise BadSection("no such progress", at=at, expected="0 to 100", found=done)
            if len(self._progress) < KEPT:
                self._progress.append(done)
        cur.commit()
        return flags == EOS

    def content(self) -> BlockContent:
        data, zero = self._counts
        return BlockContent(
            devices=tuple(
                BlockDevice(name=device, data=full, zero=empty)
                for device, (full, empty) in self._devices.items()
            ),
            data=data,
            zero=zero,
            progress=tuple(self._progress),
        )

    def _count(self, device: str, zero: bool) -> None:
        self._counts[zero] += 1
        if device in self._devices or len(self._devices) < KEPT:
            self._devices.setdefault(device, [0, 0])[zero] += 1
