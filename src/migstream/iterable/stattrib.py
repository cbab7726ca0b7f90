"""Storage attributes (CMMA) of an s390x guest, `s390-storage_attributes`.

References
----------
QEMU, hw/s390x/s390-stattrib.c: ``cmma_save``, ``cmma_load``
"""

from __future__ import annotations

import msgspec

from migstream.errors import BadSection
from migstream.iterable.common import bounded
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType
from migstream.wire.registry import Context

__all__ = ["StorageAttributes", "StorageAttributesContent"]

EOS, MORE, ERROR, DONE = 1, 2, 4, 8
FLAGS = 0xFFF  # below the page's address; s390x has pages of 4 KiB only
END = EOS.to_bytes(8, "big")
MOST = 1 << 20  # KVM takes no more at once (KVM_S390_CMMA_SIZE_MAX); QEMU sends half of it


class StorageAttributesContent(msgspec.Struct, frozen=True, kw_only=True):
    """One section: runs of attributes, one byte for each page, and whether it was the last one.

    `error` is set where the sender says that it could not read them all: QEMU refuses to load it.
    """

    runs: int = 0
    pages: int = 0
    done: bool = False
    error: bool = False


class StorageAttributes:
    """Codec of `s390-storage_attributes`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._part = StorageAttributesContent()

    def begin(self, type_: SectionType, version_id: int) -> None:  # noqa: ARG002  (Codec)
        self._part = StorageAttributesContent()

    def step(self, cur: Cursor) -> bool:
        if self._part.done:
            return self._after_done(cur)
        at = cur.offset
        word = cur.u64()
        flags, part = word & FLAGS, self._part
        if flags == MORE:
            pages = bounded(cur.u64(), MOST, "a run of attributes", at + 8)
            cur.skip(pages)
            part = msgspec.structs.replace(part, runs=part.runs + 1, pages=part.pages + pages)
        elif flags == ERROR:
            part = msgspec.structs.replace(part, error=True)
        elif flags == DONE:
            part = msgspec.structs.replace(part, done=True)
        elif flags != EOS:
            raise BadSection(
                "no such attribute record", at=at, expected="1, 2, 4 or 8", found=flags
            )
        self._part = part
        cur.commit()
        return flags == EOS

    def content(self) -> StorageAttributesContent:
        return self._part

    def _after_done(self, cur: Cursor) -> bool:
        """DONE is the last record; where its EOS is missing, a footer or another item follows."""
        if cur.peek(1) == END[:1] and cur.peek(8) == END:
            cur.skip(8)
            cur.commit()
        return True
