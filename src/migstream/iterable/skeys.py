"""Storage keys of an s390x guest, `s390-skeys`: an old-style FULL section.

References
----------
QEMU, hw/s390x/s390-skeys.c: ``s390_storage_keys_save``, ``s390_storage_keys_load``
"""

from __future__ import annotations

import msgspec

from migstream.errors import BadSection
from migstream.iterable.common import bounded
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType
from migstream.wire.registry import Context

__all__ = ["StorageKeys", "StorageKeysContent"]

EOS, KEYS, ERROR = 1, 2, 4
PAGE_BITS = 12  # s390x has pages of 4 KiB only
FLAGS = (1 << PAGE_BITS) - 1
MOST = 1 << 40  # pages: all of 2**52 bytes


class StorageKeysContent(msgspec.Struct, frozen=True, kw_only=True):
    """The section: runs of keys, one byte for each page.

    `error` is set where the sender could not read the keys and sent zeros: QEMU refuses to load it.
    """

    runs: int = 0
    pages: int = 0
    error: bool = False


class StorageKeys:
    """Codec of `s390-skeys`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._part = StorageKeysContent()

    def begin(self, type_: SectionType, version_id: int) -> None:  # noqa: ARG002  (Codec)
        self._part = StorageKeysContent()

    def step(self, cur: Cursor) -> bool:
        at = cur.offset
        word = cur.u64()
        flags, part = word & FLAGS, self._part
        if flags == KEYS:
            room = MOST - (word >> PAGE_BITS)
            pages = bounded(cur.u64(), max(room, 0), "a run of keys", at + 8)
            cur.skip(pages)
            part = StorageKeysContent(runs=part.runs + 1, pages=part.pages + pages)
        elif flags == ERROR:  # stands where EOS would
            part = msgspec.structs.replace(part, error=True)
        elif flags != EOS:
            raise BadSection("no such key record", at=at, expected="1, 2 or 4", found=flags)
        self._part = part
        cur.commit()
        return flags != KEYS

    def content(self) -> StorageKeysContent:
        return self._part
