"""Find the target page size from the records themselves, where nothing else says it."""

from __future__ import annotations

import struct

from migstream.errors import BadRam, NeedData
from migstream.qemu.words import say
from migstream.ram.model import TARGET_PAGES
from migstream.ram.records import (
    COMPRESS_PAGE,
    CONTINUE,
    EOS,
    KINDS,
    MULTIFD_FLUSH,
    PAGE,
    XBZRLE,
    ZERO,
    compress_bound,
)
from migstream.wire.cursor import Cursor

__all__ = ["detect"]

ENOUGH, TOO_MANY = 64, 4096  # records that are tried: with a page among them, without

_word = struct.Struct(">Q").unpack_from
_length = struct.Struct(">I").unpack_from


class _Trial:
    """The next records, read with one page size.

    `good`: none of them is impossible; `sure`: and a whole page was passed over, with a record
    behind it, so that no other size fits.
    """

    def __init__(
        self, cur: Cursor, page: int, lengths: dict[bytes, int], current: int | None
    ) -> None:
        self.page = page
        self.records = 0
        self.sure = False
        self._cur = cur
        self._view = cur.view
        self._at = cur.offset - cur.base
        self._lengths = lengths
        self._length = current
        self._passed = False
        self._over = self._cut = False
        self.step: int | None = None  # the least distance of two records, in bytes
        self._before: int | None = None
        self.good = self._run()

    def _run(self) -> bool:
        while not self._over and self.records < (ENOUGH if self.sure else TOO_MANY):
            if not self._have(8):
                return self.records > 0
            if not self._record():
                return self._cut and self.records > 0
            self.records += 1
        return True

    def _have(self, size: int) -> bool:
        if self._at + size <= len(self._view):
            return True
        if not self._cur.eof:
            raise NeedData
        self._cut = True
        return False

    def _record(self) -> bool:
        view, at = self._view, self._at
        word = _word(view, at)[0]
        flags = word & (self.page - 1)
        offset, kind = word - flags, flags & ~CONTINUE
        self._at += 8
        if word == EOS:
            after = bytes(view[self._at : self._at + 1]) if self._have(1) else b"\x00"
            self._over = True
            self.sure |= self._passed and after[0] in (*range(9), 0x7E)
            return after[0] in (*range(9), 0x7E)
        if word == flags == MULTIFD_FLUSH:
            return True
        if kind not in KINDS:
            return False
        if not flags & CONTINUE:
            if not self._have(1):
                return False
            size = view[self._at]
            if not self._have(1 + size):
                return False
            self._length = self._lengths.get(bytes(view[self._at + 1 : self._at + 1 + size]))
            self._at += 1 + size
        if self._length is None or offset >= self._length or self._length % self.page:
            return False
        self.sure |= self._passed
        if self._before is not None and flags & CONTINUE and offset > self._before:
            self.step = min(self.step or offset, offset - self._before)
        self._before = offset
        return self._content(kind)

    def _content(self, kind: int) -> bool:
        if kind == ZERO:
            self._at += 1
        elif kind == PAGE:
            self._at += self.page
            self._passed = True
        elif kind == XBZRLE:
            if not self._have(3):
                return False
            size = self._view[self._at + 1] << 8 | self._view[self._at + 2]
            self._at += 3 + size
            return self._view[self._at - 3 - size] == 1 and size <= self.page
        elif kind == COMPRESS_PAGE:
            if not self._have(4):
                return False
            size = _length(self._view, self._at)[0]
            self._at += 4 + size
            return bool(size <= compress_bound(self.page))
        return True


def detect(cur: Cursor, lengths: dict[bytes, int], current: int | None) -> tuple[int, bool]:
    """The target page size with which the records from here on make sense, and whether no other does.

    Does not move `cur`.

    Parameters
    ----------
    lengths : every block's used length
    current : used length of the block that CONTINUE means, None where there is none

    Raises
    ------
    NeedData : the window is too short to tell
    BadRam : not even the first record makes sense with any size
    """
    trials = []
    for page in TARGET_PAGES:
        trial = _Trial(cur, page, lengths, current)
        if trial.good and trial.sure:
            return page, True
        trials.append(trial)
    good = [trial for trial in trials if trial.good]
    if good:  # nothing but zero pages: neighbours in a round are one page apart
        sizes = {trial.page for trial in good}
        return next((t.step for t in good if t.step in sizes), good[0].page), False
    best = max(trials, key=lambda t: t.records)
    if best.records:
        return best.page, False  # damage follows: reading on finds its place
    raise BadRam(
        say("ram-flags/any"),
        at=cur.offset,
        expected="a record that makes sense with some page size",
        found=int.from_bytes(cur.peek(8), "big"),
        hint="the reader has lost its place, or the START section is missing",
    )
