"""The hash page table of a pseries guest, `spapr/htab`.

References
----------
QEMU, hw/ppc/spapr.c: ``htab_save_setup``, ``htab_save_chunk``, ``htab_load``
"""

from __future__ import annotations

import struct

import msgspec

from migstream.errors import BadSection
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType
from migstream.wire.registry import Context

__all__ = ["Htab", "HtabContent"]

NO_TABLE = 0xFFFF_FFFF
SMALLEST, LARGEST = 18, 46  # the architecture's table: 256 KiB to 64 TiB
ENTRY = 16
CHUNK = struct.Struct(">IHH")


class HtabContent(msgspec.Struct, frozen=True, kw_only=True):
    """One section of the table.

    `shift` is the table's size as a power of two where this section says it (START), `table` is
    false where it says that the guest has none; `valid` and `invalid` count the entries of all
    `chunks`.
    """

    shift: int | None = None
    table: bool = True
    chunks: int = 0
    valid: int = 0
    invalid: int = 0


class Htab:
    """Codec of `spapr/htab`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._size: int | None = None  # entries of the table, once START has told its shift
        self._headed = False
        self._part = HtabContent()

    def begin(self, type_: SectionType, version_id: int) -> None:  # noqa: ARG002  (Codec)
        self._headed = False
        self._part = HtabContent()

    def step(self, cur: Cursor) -> bool:
        if not self._headed and self._head(cur):
            return True
        return self._chunk(cur)

    def content(self) -> HtabContent:
        return self._part

    def _head(self, cur: Cursor) -> bool:
        """The first word: 0 announces chunks, anything else is all there is."""
        at = cur.offset
        shift = cur.u32()
        if shift == NO_TABLE:
            self._part = HtabContent(table=False)
            self._size = None
        elif shift:
            if not SMALLEST <= shift <= LARGEST:
                expected = f"0, {SMALLEST} to {LARGEST}, or {NO_TABLE:#x}"
                raise BadSection("no such table size", at=at, expected=expected, found=shift)
            self._part = HtabContent(shift=shift)
            self._size = (1 << shift) // ENTRY
        self._headed = True
        cur.commit()
        return shift != 0

    def _chunk(self, cur: Cursor) -> bool:
        at = cur.offset
        index, valid, invalid = cur.unpack(CHUNK)
        if not (index or valid or invalid):
            cur.commit()
            return True
        stop = index + valid + invalid
        if self._size is not None and stop > self._size:
            raise BadSection(
                "entries past the end of the table",
                at=at,
                expected=f"at most {self._size}",
                found=stop,
            )
        cur.skip(valid * ENTRY)
        part = self._part
        self._part = HtabContent(
            chunks=part.chunks + 1, valid=part.valid + valid, invalid=part.invalid + invalid
        )
        cur.commit()
        return False
