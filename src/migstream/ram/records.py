"""The loop over RAM records (migration/ram.c: ram_load_precopy, save_page_header).

A record is a be64 word, offset in the block and flags in its low bits, and what the flags say.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from migstream.errors import BadRam
from migstream.ram.model import Tally
from migstream.wire.cursor import Cursor

__all__ = ["Records"]

FULL, ZERO, MEM_SIZE, PAGE, EOS = 0x01, 0x02, 0x04, 0x08, 0x10
CONTINUE, XBZRLE, HOOK, COMPRESS_PAGE, MULTIFD_FLUSH = 0x20, 0x40, 0x80, 0x100, 0x200
KINDS = {ZERO: 0, PAGE: 1, XBZRLE: 2, COMPRESS_PAGE: 3}
KNOWN = 0x3FF

ENCODING_XBZRLE = 1
COMMIT_EVERY = 1 << 13  # records between two commits, at least
LONG = 48  # so many records of a kind in a row, and numpy looks at those that follow
MAX_ROUNDS = 4096

_word = struct.Struct(">Q").unpack_from
_length = struct.Struct(">I").unpack_from


def compress_bound(page: int) -> int:
    """The most that zlib makes of one page (zlib.h: compressBound)."""
    return page + (page >> 12) + (page >> 14) + (page >> 25) + 13


def run_length(
    view: memoryview, at: int, stride: int, page: int, flags: int, last: int, length: int
) -> tuple[int, int]:
    """How many whole records of one kind follow each other, offsets rising, and the last offset.

    Parameters
    ----------
    at : bytes from the start of `view` to the first record
    stride : bytes from one record to the next
    flags : the low bits that every word of the run shares
    last : the offset before the run; every offset is above the one before it
    length : every offset is below this
    """
    import numpy as np

    room, n, size = max(len(view) - at, 0) // stride, 0, LONG
    mask = np.uint64(page - 1)
    while size := min(size, room - n):
        words = np.ndarray((size,), ">u8", view, at + n * stride, (stride,)).astype(np.uint64)
        bad = (words & mask) != flags
        bad |= words >= np.uint64(min(length, 2**64 - 1))
        bad[1:] |= words[1:] <= words[:-1]
        bad[0] |= int(words[0]) - flags <= last
        stop = int(bad.argmax()) if bad.any() else size
        if stop:
            last = int(words[stop - 1]) - flags
        n += stop
        if stop < size:
            break
        size = min(size * 4, 1 << 16)
    return n, last


class Records:
    """Where the walk is, and what it has counted. One object from START to END.

    Parameters
    ----------
    fast : whether runs are counted in batches; without, each record is read alone (the same
        result, which a test holds it to)
    """

    __slots__ = (
        "_current", "_fast", "_index", "_last", "_lengths", "_names", "_round", "_rounds",
        "_section", "_total", "ended", "eos", "flush", "hook", "listing", "mapped",
        "page", "round_count", "setup",
    )  # fmt: skip

    def __init__(self, *, fast: bool = True) -> None:
        self._fast = fast
        self._index: dict[bytes, int] = {}
        self._names: list[str] = []
        self._lengths: list[int] = []
        self._current = -1
        self._last: dict[int, int] = {}
        self._section: dict[int, list[int]] = {}
        self._total: dict[int, list[int]] = {}
        self._round: list[int] = [0] * 9
        self._rounds: list[list[int]] = []
        self.round_count = 0
        self.page = 0
        self.mapped = False
        self.begin(setup=False)

    def begin(self, *, setup: bool) -> None:
        """Start a section: the current block stays, the section's counts do not."""
        self._section = {}
        self.flush = self.hook = self.eos = 0
        self.ended = False
        self.setup = setup
        self.listing: int | None = None

    def know(self, name: bytes, length: int) -> None:
        """A block of the MEM_SIZE list."""
        index = self._index.setdefault(name, len(self._names))
        if index == len(self._names):
            self._names.append(name.decode("utf-8", "surrogateescape"))
            self._lengths.append(length)
        else:
            self._lengths[index] = length

    @property
    def known(self) -> int:
        """How many blocks there are."""
        return len(self._names)

    @property
    def lengths(self) -> dict[bytes, int]:
        """Every block's used length."""
        return {name: self._lengths[i] for name, i in self._index.items()}

    @property
    def current(self) -> int | None:
        """Used length of the block that CONTINUE means, None where there is none yet."""
        return None if self._current < 0 else self._lengths[self._current]

    def section(self) -> Iterable[tuple[str, Tally]]:
        return ((self._names[i], Tally(*counts)) for i, counts in self._section.items())

    def total(self) -> Iterable[tuple[str, Tally]]:
        zero = [0] * 9
        return ((name, Tally(*self._total.get(i, zero))) for i, name in enumerate(self._names))

    def rounds(self) -> tuple[Tally, ...]:
        return tuple(Tally(*counts) for counts in self._rounds)

    def lone(self, cur: Cursor) -> bool:
        """Read a record that needs no page size to be understood, if one is next."""
        word = cur.u64()
        if word in (EOS, MULTIFD_FLUSH):
            self._control(word, word, cur.offset - 8)
        elif self.setup and word & 0xFF == MEM_SIZE:
            self._control(word, MEM_SIZE, cur.offset - 8)
        else:
            cur.seek(cur.offset - 8)
            return False
        cur.commit()
        return True

    def walk(self, cur: Cursor) -> None:
        """Read records up to EOS (`ended`), a MEM_SIZE list (`listing`) or some thousands.

        Commits on the way out, also where a shortage or damage ends it: just before that record.
        """
        if cur.left < 8:
            cur.take(8)  # raises
        base, done = cur.base, 0
        at, need = cur.offset - base, 0
        try:
            while done < COMMIT_EVERY and not self.ended and self.listing is None:
                if self._fast and self._current >= 0:
                    at, n = self._batch(cur.view, at)
                    done += n
                    if n >= COMMIT_EVERY:
                        break
                at_next, need = self._one(cur.view, at, base)
                if need:
                    break
                at = at_next
                done += 1
        finally:
            cur.seek(base + at)
            cur.commit()
        if need:
            cur.take(need)  # raises: the record is not all there

    def _add(self, block: int, kind: int, count: int, size: int, nonzero: int = 0) -> None:
        if not self.round_count:
            self._turn()
        for table in (self._section, self._total):
            counts = table.get(block)
            if counts is None:
                counts = table[block] = [0] * 9
            counts[kind] += count
            counts[4] += nonzero
            counts[5 + kind] += size
        self._round[kind] += count
        self._round[4] += nonzero
        self._round[5 + kind] += size

    def _turn(self) -> None:
        """A new round. Those beyond the limit are counted into the last one kept."""
        self.round_count += 1
        self._last.clear()
        if len(self._rounds) < MAX_ROUNDS:
            self._round = [0] * 9
            self._rounds.append(self._round)

    def _batch(self, view: memoryview, at: int) -> tuple[int, int]:
        """Records of the current block with rising offsets, counted without a look at each twice.

        Stops before the first record that is anything else, incomplete or wrong: `_one` says what.
        """
        if self.mapped:
            return at, 0
        block, page, end = self._current, self.page, len(view)
        length, last, mask = self._lengths[block], self._last.get(block, -1), page - 1
        normal_size = 8 + page
        zero = normal = xbzrle = xbzrle_size = nonzero = 0
        streak, before, done = 0, -1, 0
        normal_flags, zero_flags, xbzrle_flags = PAGE | CONTINUE, ZERO | CONTINUE, XBZRLE | CONTINUE
        while at + 11 <= end and done < COMMIT_EVERY:
            word = _word(view, at)[0]
            flags = word & mask
            offset = word - flags
            if not last < offset < length:
                break
            if flags == normal_flags:
                if at + normal_size > end:
                    break
                normal += 1
                at += normal_size
            elif flags == zero_flags:
                if view[at + 8]:
                    nonzero += 1
                zero += 1
                at += 9
            elif flags == xbzrle_flags:
                size = 11 + (view[at + 9] << 8 | view[at + 10])
                if view[at + 8] != ENCODING_XBZRLE or size > 11 + page or at + size > end:
                    break
                xbzrle += 1
                xbzrle_size += size
                at += size
            else:
                break
            last = offset
            done += 1
            streak = streak + 1 if flags == before else 0
            before = flags
            if streak >= LONG and flags != xbzrle_flags:
                stride = normal_size if flags == normal_flags else 9
                n, last = run_length(view, at, stride, page, flags, last, length)
                if flags == normal_flags:
                    normal += n
                elif n:
                    zero += n
                    nonzero += n - bytes(view[at + 8 : at + 9 * n : 9]).count(0)
                at += n * stride
                done += n
                streak = 0
        if zero:
            self._add(block, 0, zero, 9 * zero, nonzero)
        if normal:
            self._add(block, 1, normal, normal_size * normal)
        if xbzrle:
            self._add(block, 2, xbzrle, xbzrle_size)
        if done:
            self._last[block] = last
        return at, done

    def _one(self, view: memoryview, start: int, base: int) -> tuple[int, int]:
        """One record: where the next one begins, and 0; or how many bytes it takes to go on."""
        end = len(view)
        if start + 8 > end:
            return start, 8
        word = _word(view, start)[0]
        flags = word & (self.page - 1)
        kind = KINDS.get(flags & ~CONTINUE)
        if kind is None:
            self._control(word, flags, base + start)
            return start + 8, 0
        if self.mapped:
            raise BadRam(
                f"Unexpected RAM flags: {flags:#x}",
                at=base + start,
                expected="MEM_SIZE or EOS",
                found=word,
                hint="with mapped-ram the pages lie in the blocks' areas, not in records",
            )
        return self._page(view, start, base, word - flags, flags, kind)

    def _page(
        self, view: memoryview, start: int, base: int, offset: int, flags: int, kind: int
    ) -> tuple[int, int]:
        end, at, block = len(view), start + 8, self._current
        if not flags & CONTINUE:
            if at >= end:
                return start, 9
            size = view[at]
            if at + 1 + size > end:
                return start, 9 + size
            name = bytes(view[at + 1 : at + 1 + size])
            block = self._index.get(name, -1)
            if block < 0:
                raise BadRam(
                    f"Can't find block {name.decode('utf-8', 'backslashreplace')}",
                    at=base + at,
                    expected="a block of the MEM_SIZE list",
                    found=name.decode("utf-8", "surrogateescape"),
                    hint="the reader has lost its place, or the START section is missing",
                )
            at += 1 + size
        elif block < 0:
            raise BadRam(
                "Ack, bad migration stream!",
                at=base + start,
                expected="a block id",
                found=flags,
                hint="CONTINUE means the block of the record before, and there is none",
            )
        if offset >= self._lengths[block]:
            raise BadRam(
                f"Illegal RAM offset {offset:#x} in block {self._names[block]}",
                at=base + start,
                expected=f"below {self._lengths[block]:#x}",
                found=offset,
                hint="the reader has lost its place, or the target page size is another",
            )
        head, nonzero = at, 0
        if flags & PAGE:
            at += self.page
        elif flags & ZERO:
            at += 1
        elif flags & XBZRLE:
            if head + 3 > end:
                return start, head + 3 - start
            size = view[head + 1] << 8 | view[head + 2]
            self._check_xbzrle(view[head], size, base + head)
            at += 3 + size
        else:
            if head + 4 > end:
                return start, head + 4 - start
            size = _length(view, head)[0]
            if size > compress_bound(self.page):
                raise BadRam(
                    f"Invalid compressed data length: {size}",
                    at=base + head,
                    expected=f"at most {compress_bound(self.page)}",
                    found=size,
                    hint="one page never compresses to more",
                )
            at += 4 + size
        if at > end:
            return start, at - start
        if flags & ZERO:
            nonzero = int(view[head] != 0)
        if offset <= self._last.get(block, -1):
            self._turn()
        self._current = block
        self._add(block, kind, 1, at - start, nonzero)
        self._last[block] = offset
        return at, 0

    def _check_xbzrle(self, encoding: int, size: int, at: int) -> None:
        if encoding != ENCODING_XBZRLE:
            raise BadRam(
                "Failed to load XBZRLE page - wrong compression!",
                at=at,
                expected=ENCODING_XBZRLE,
                found=encoding,
                hint="the reader has lost its place",
            )
        if size > self.page:
            raise BadRam(
                "Failed to load XBZRLE page - len overflow!",
                at=at + 1,
                expected=f"at most {self.page}",
                found=size,
                hint="a delta is never longer than the page",
            )

    def _control(self, word: int, flags: int, at: int) -> None:
        """A record that is one word, as far as this loop is concerned."""
        if flags == MEM_SIZE and self.setup:
            self.listing = word - flags
        elif word == EOS:
            self.eos += 1
            self.ended = True
        elif word == flags == MULTIFD_FLUSH:
            self.flush += 1
        elif flags & HOOK and not flags & ~KNOWN:
            self.hook += 1
        else:
            if flags in (EOS, MULTIFD_FLUSH):
                message, hint = f"an offset beside flags {flags:#x}", "this record has no page"
            elif flags == MEM_SIZE:
                message, hint = "MEM_SIZE after setup", "the block list belongs to START"
            else:
                message = f"Unknown combination of migration flags: {flags:#x}"
                hint = "the reader has lost its place, or the target page size is another"
            raise BadRam(message, at=at, expected="a RAM record", found=word, hint=hint)
