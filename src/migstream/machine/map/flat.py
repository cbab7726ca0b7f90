"""From declared pieces of an address space, with priorities, to what is visible where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from migstream.machine.physical import Range

__all__ = ["Area", "clip", "flatten", "visible"]


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """`size` bytes at `start` that belong to a block from `offset` on, or to no block: a hole.

    Where pieces overlap, the higher `priority` is seen; of two alike, the one declared later
    (softmmu/memory.c: memory_region_update_container_subregions). A `rom_device` is flash: read
    like memory by the guest, but no RAM to `dump-guest-memory`.
    """

    start: int
    size: int
    block: str | None = None
    offset: int = 0
    priority: int = 0
    rom_device: bool = False
    provenance: str = ""

    @property
    def stop(self) -> int:
        return self.start + self.size


def flatten(pieces: Iterable[Area]) -> list[Area]:
    """What is seen of the pieces, ascending and without overlap, holes included.

    A sweep over the pieces' borders with a heap of those that cover the place: n log n, so that
    the many blocks of a hostile stream cost no more than they weigh.
    """
    from heapq import heappop, heappush

    ordered = sorted(enumerate(p for p in pieces if p.size > 0), key=lambda entry: entry[1].start)
    borders = sorted({at for _, p in ordered for at in (p.start, p.stop)})
    covering: list[tuple[int, int, Area]] = []
    out: list[Area] = []
    index = 0
    for start, stop in pairwise(borders):
        while index < len(ordered) and ordered[index][1].start <= start:
            number, piece = ordered[index]
            heappush(covering, (-piece.priority, -number, piece))
            index += 1
        while covering and covering[0][2].stop <= start:
            heappop(covering)
        if covering:
            _append(out, _cut(covering[0][2], start, stop))
    return out


def _append(out: list[Area], piece: Area) -> None:
    """Add a piece behind the last one, or to it, where both are cuts of the same."""
    last = out[-1] if out else None
    if last is not None and last.stop == piece.start and _cut(piece, last.start, last.stop) == last:
        piece = msgspec.structs.replace(last, size=last.size + piece.size)
        out.pop()
    out.append(piece)


def _cut(piece: Area, start: int, stop: int) -> Area:
    """The piece, continued to or cut down to [start, stop)."""
    offset = piece.offset + start - piece.start if piece.block is not None else 0
    return msgspec.structs.replace(piece, start=start, size=stop - start, offset=offset)


def clip(
    pieces: Iterable[Area], start: int, size: int, *, to: int | None = None, priority: int = 0
) -> Iterator[Area]:
    """What lies in a window of another address space, as an alias at `to` shows it."""
    stop = start + size
    shift = 0 if to is None else to - start
    for piece in pieces:
        low, high = max(piece.start, start), min(piece.stop, stop)
        if low < high:
            cut = _cut(piece, low, high)
            yield msgspec.structs.replace(cut, start=low + shift, priority=priority)


def visible(pieces: Iterable[Area], *, rom_devices: bool = False) -> tuple[Range, ...]:
    """Flattened pieces as ranges: neighbours in address and block are one, as in a dump.

    References
    ----------
    QEMU, softmmu/memory_mapping.c: guest_phys_block_add_section
    """
    out: list[Range] = []
    for piece in flatten(pieces):
        if piece.block is None or (piece.rom_device and not rom_devices):
            continue
        last = out[-1] if out else None
        if (
            last is not None
            and last.stop == piece.start
            and last.block == piece.block
            and last.offset + last.size == piece.offset
        ):
            known = last.provenance.split("; ")
            says = [last.provenance] if piece.provenance in known else [*known, piece.provenance]
            out[-1] = Range(
                last.start, last.size + piece.size, last.block, last.offset, "; ".join(says)
            )
        else:
            out.append(Range(piece.start, piece.size, piece.block, piece.offset, piece.provenance))
    return tuple(out)
