"""Dirty bitmaps of block devices, `dirty-bitmap`.

References
----------
QEMU, migration/block-dirty-bitmap.c: ``send_bitmap_header``, ``dirty_bitmap_load``
"""

from __future__ import annotations

import msgspec

from migstream.errors import BadSection
from migstream.iterable.common import KEPT, bounded, name
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType, Span
from migstream.wire.registry import Context

__all__ = ["BitmapEvent", "DirtyBitmap", "DirtyBitmapContent"]

EOS, ZEROES, BITMAP_NAME, DEVICE_NAME, START, COMPLETE, BITS, EXTRA = (1 << n for n in range(8))
NAMES = BITMAP_NAME | DEVICE_NAME
KINDS = {START: "start", COMPLETE: "complete", BITS: "bits"}
SMALLEST = 512  # the granularity can be no finer than a sector
RESERVED = 0xF8  # of the flags that START has
MOST = 10 << 10  # bytes of bitmap in one record: the loader refuses more


class BitmapEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One record: a bitmap begins ("start"), some of it ("bits"), nothing more of it ("complete").

    `node` and `bitmap` are repeated here where the record leaves them out. `granularity` (bytes
    for each bit) and `flags` (1 enabled, 2 persistent, 4 autoload of old) are START's; `start` and
    `sectors` (of 512 bytes) belong to "bits", whose `data` is None where all bits are zero.
    """

    kind: str
    span: Span
    node: str
    bitmap: str
    granularity: int | None = None
    flags: int | None = None
    start: int | None = None
    sectors: int | None = None
    data: Span | None = None


class DirtyBitmapContent(msgspec.Struct, frozen=True, kw_only=True):
    """One section: the first events, and how many there are of all and of the kind "bits"."""

    events: tuple[BitmapEvent, ...] = ()
    count: int = 0
    bits: int = 0
    zeroes: int = 0


class DirtyBitmap:
    """Codec of `dirty-bitmap`. Names last from one section to the next, as the sender's do."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._node = ""
        self._bitmap = ""
        self._restart()

    def _restart(self) -> None:
        self._events: list[BitmapEvent] = []
        self._count = 0
        self._bits = 0
        self._zeroes = 0

    def begin(self, type_: SectionType, version_id: int) -> None:  # noqa: ARG002  (Codec)
        self._restart()

    def step(self, cur: Cursor) -> bool:
        at = cur.offset
        flags = cur.u8()
        kind = KINDS.get(flags & (START | COMPLETE | BITS))
        alone = flags & ~NAMES == EOS
        if flags & EXTRA or (kind is None and not alone) or (flags & ZEROES and kind != "bits"):
            raise BadSection(
                "no such bitmap record", at=at, expected="START, COMPLETE, BITS or EOS", found=flags
            )
        node = name(cur, "node name") if flags & DEVICE_NAME else self._node
        bitmap = name(cur, "bitmap name") if flags & BITMAP_NAME else self._bitmap
        if kind is not None:
            if not (node and bitmap):
                raise BadSection(
                    "a bitmap without names", at=at, expected="both names", found=flags
                )
            self._add(_event(cur, kind, flags, at, node, bitmap))
        self._node, self._bitmap = node, bitmap
        cur.commit()
        return bool(flags & EOS)

    def content(self) -> DirtyBitmapContent:
        return DirtyBitmapContent(
            events=tuple(self._events), count=self._count, bits=self._bits, zeroes=self._zeroes
        )

    def _add(self, event: BitmapEvent) -> None:
        self._count += 1
        self._bits += event.kind == "bits"
        self._zeroes += event.kind == "bits" and event.data is None
        if len(self._events) < KEPT:
            self._events.append(event)


def _event(cur: Cursor, kind: str, flags: int, at: int, node: str, bitmap: str) -> BitmapEvent:
    """The record of this kind, after its header; `at` is where the header begins."""
    granularity = more = start = sectors = None
    data = None
    if kind == "start":
        here = cur.offset
        granularity, more = cur.u32(), cur.u8()
        if granularity < SMALLEST or granularity & (granularity - 1):
            expected = f"a power of two from {SMALLEST} on"
            raise BadSection("no such granularity", at=here, expected=expected, found=granularity)
        if more & RESERVED:
            raise BadSection("no such bitmap flags", at=here + 4, expected="0 to 7", found=more)
    elif kind == "bits":
        start, sectors = cur.u64(), cur.u32()
        if not flags & ZEROES:
            size = bounded(cur.u64(), MOST, "a piece of bitmap", cur.offset - 8)
            data = Span(cur.offset, cur.offset + size)
            cur.skip(size)
    return BitmapEvent(
        kind=kind,
        span=cur.span(at),
        node=node,
        bitmap=bitmap,
        granularity=granularity,
        flags=more,
        start=start,
        sectors=sectors,
        data=data,
    )
