"""The records of RAM sections, walked exactly: flags, block ids, contents, counts.

Runs of plain records go through `ram.kernel`; everything else, and everything wrong, is looked at
one by one here. Facts: QEMU, migration/ram.c (save_page_header, ram_load_precopy).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Sequence
from functools import cache
from operator import add
from types import ModuleType
from typing import Protocol

import msgspec

from migstream.errors import BadRam
from migstream.qemu.words import say
from migstream.ram.model import Landmark, Tally
from migstream.wire.cursor import Cursor

__all__ = ["BlockId", "Records", "Seen", "Sink", "flag_names"]

FULL, ZERO, MEM_SIZE, PAGE, EOS = 0x01, 0x02, 0x04, 0x08, 0x10
CONTINUE, XBZRLE, HOOK, COMPRESS_PAGE, MULTIFD_FLUSH = 0x20, 0x40, 0x80, 0x100, 0x200
KINDS = {ZERO: 0, PAGE: 1, XBZRLE: 2, COMPRESS_PAGE: 3}
FLAGS = {
    MULTIFD_FLUSH: "MULTIFD_FLUSH",
    COMPRESS_PAGE: "COMPRESS_PAGE",
    HOOK: "HOOK",
    XBZRLE: "XBZRLE",
    EOS: "EOS",
    PAGE: "PAGE",
    MEM_SIZE: "MEM_SIZE",
    ZERO: "ZERO",
    FULL: "FULL",
    CONTINUE: "CONTINUE",
}  # RAM_SAVE_FLAG_…; CONTINUE goes with others, and stands last
KNOWN = 0x3FF
NONZERO = 4  # the place in a tally's counts

ENCODING_XBZRLE = 1
COMMIT_EVERY = 1 << 13  # records between two commits, at least
MAX_ROUNDS = 4096

_word = struct.Struct(">Q").unpack_from
_length = struct.Struct(">I").unpack_from


@cache
def _kernel() -> ModuleType:
    """The loops; loaded when pages are walked, which few answers need."""
    from migstream.ram import kernel

    return kernel


def flag_names(flags: int) -> tuple[str, ...]:
    """The flags of a record by QEMU's names, without RAM_SAVE_FLAG_; those that do not exist as numbers."""
    names = [name for flag, name in FLAGS.items() if flags & flag]
    more = flags & ~KNOWN
    return (*names, *([f"{more:#x}"] if more else []))


def compress_bound(page: int) -> int:
    """The most that zlib makes of one page (zlib.h: compressBound)."""
    return page + (page >> 12) + (page >> 14) + (page >> 25) + 13


class BlockId(msgspec.Struct, frozen=True):
    """A RAM block as records name it: by its number in the MEM_SIZE list.

    `length` and `page` (target page size) are in bytes, `stride` is the distance from one content
    of a row of normal pages to the next.
    """

    number: int
    length: int
    page: int
    stride: int


class Sink(Protocol):
    """Where the rows of a walk go (`ram.kernel` says what a row is)."""

    def rows(self, block: BlockId, rows: memoryview, used: int, turn: int) -> None:
        """Rows of one block in one round (`turn`, counted from 1), in their order."""
        ...

    def sync(self, *, flush: bool) -> None:
        """What may be a sync point of multifd channels: MULTIFD_FLUSH, or the end of a section."""
        ...


class Seen(Protocol):
    """Who looks at pages while their bytes are at hand."""

    def begin(self) -> None:
        """A walk begins: what was seen before counts no more."""
        ...

    def rows(
        self, name: str, block: BlockId, rows: memoryview, used: int, window: memoryview, base: int
    ) -> None:
        """Rows of the block of that name, and the window that they point into, which begins at offset `base`."""
        ...


class Records:
    """Where the walk is, and what it has counted. One object from START to END.

    Parameters
    ----------
    sink : told of every page record, where somebody wants to know
    seen : shown what the sink is told
    fast : whether runs go through the kernel; without, each record is read alone (the same
        result, which a test holds it to)
    """

    __slots__ = (
        "_current", "_fast", "_index", "_landmarks", "_last", "_lengths", "_names", "_round", "_rounds", "_rows",
        "_section", "_seen", "_sink", "_total", "ended", "eos", "flush", "hook", "listing", "mapped",
        "page", "round_count", "setup",
    )  # fmt: skip

    def __init__(
        self, sink: Sink | None = None, *, seen: Seen | None = None, fast: bool = True
    ) -> None:
        self._sink = sink
        self._seen = seen
        self._fast = fast
        self._rows = memoryview(b"")
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
        self._landmarks: dict[int, Landmark] = {}
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

    def landmarks(self) -> tuple[Landmark, ...]:
        """The first record in this section of each kind that not every QEMU reads."""
        return tuple(sorted(self._landmarks.values(), key=lambda one: one.at))

    def _mark(self, flag: int, at: int, flags: int, fill: int = 0) -> None:
        """Note a record of a kind that not every QEMU reads, where it is the first of its kind."""
        if flag not in self._landmarks:
            self._landmarks[flag] = Landmark(at=at, flags=flags, fill=fill)

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
                    at, used = self._batch(cur.view, at, base)
                    done += used
                    if used >= COMMIT_EVERY:
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

    def _add(self, block: int, counts: Sequence[int]) -> None:
        """Count records of one block: their nine numbers, in the order of `Tally`."""
        if not self.round_count:
            self._turn()
        for sums in (
            self._section.setdefault(block, [0] * 9),
            self._total.setdefault(block, [0] * 9),
            self._round,
        ):
            sums[:] = map(add, sums, counts)

    def _turn(self) -> None:
        """A new round. Those beyond the limit are counted into the last one kept."""
        self.round_count += 1
        self._last.clear()
        if len(self._rounds) < MAX_ROUNDS:
            self._round = [0] * 9
            self._rounds.append(self._round)

    def _batch(self, view: memoryview, at: int, base: int) -> tuple[int, int]:
        """Records of the current block with rising offsets; where the next one is, and how many rows.

        Stops before the first record that is anything else, incomplete or wrong: `_one` says what.
        """
        if self.mapped:
            return at, 0
        block, page = self._current, self.page
        counts = array("q", bytes(72))
        at, last, used = _kernel().walk(
            view,
            at,
            base,
            page,
            self._lengths[block],
            self._last.get(block, -1),
            self._room(),
            memoryview(counts),
        )
        if used:
            self._add(block, counts)
            self._last[block] = last
            if counts[NONZERO] and ZERO not in self._landmarks:
                self._mark_fill(used)
            if self._sink is not None:
                self._emit(self._sink, used, view, base)
        return at, used

    def _mark_fill(self, used: int) -> None:
        """The first of these rows whose pages are filled with another byte than zero.

        All of them are records with CONTINUE, of which the content follows the word.
        """
        rows, size, fill = self._rows, _kernel().ROW, _kernel().FILL
        for row in range(0, used * size, size):
            kind = rows[row]
            if kind & 0xFF == fill and kind >> 8:
                self._mark(ZERO, rows[row + 3] - 8, ZERO | CONTINUE, kind >> 8)
                return

    def _room(self) -> memoryview:
        """Where rows are made."""
        if not self._rows:
            self._rows = memoryview(array("q", [0]) * (_kernel().ROW * COMMIT_EVERY))
        return self._rows

    def _emit(self, sink: Sink, used: int, view: memoryview, base: int) -> None:
        page, current = self.page, self._current
        block = BlockId(current, self._lengths[current], page, 8 + page)
        sink.rows(block, self._rows, used, self.round_count)
        if self._seen is not None:
            self._seen.rows(self._names[current], block, self._rows, used, view, base)

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
                say("mapped-flags", flags=f"{flags:#x}"),
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
                    say("block-lost", block=name.decode("utf-8", "backslashreplace")),
                    at=base + at,
                    expected="a block of the MEM_SIZE list",
                    found=name.decode("utf-8", "surrogateescape"),
                    hint="the reader has lost its place, or the START section is missing",
                )
            at += 1 + size
        elif block < 0:
            raise BadRam(
                say("no-block"),
                at=base + start,
                expected="a block id",
                found=flags,
                hint="CONTINUE means the block of the record before, and there is none",
            )
        if offset >= self._lengths[block]:
            raise BadRam(
                f"{say('ram-offset', offset=f'{offset:#x}')} in block {self._names[block]}",
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
                    say("compressed-length", length=size),
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
            if nonzero:
                self._mark(ZERO, base + start, flags, view[head])
        elif flags & COMPRESS_PAGE:
            self._mark(COMPRESS_PAGE, base + start, flags)
        if offset <= self._last.get(block, -1):
            self._turn()
        self._current = block
        counts = [0] * 9
        counts[kind], counts[4], counts[5 + kind] = 1, nonzero, at - start
        self._add(block, counts)
        self._last[block] = offset
        if self._sink is not None:
            kernel, rows = _kernel(), self._room()
            kinds = (kernel.FILL, kernel.DATA, kernel.DELTA, kernel.PACKED)  # as in KINDS
            fill = view[head] << 8 if flags & ZERO else 0
            rows[0], rows[1], rows[2] = kinds[kind] | fill, offset // self.page, 1
            rows[3] = base + head
            self._emit(self._sink, 1, view, base)
        return at, 0

    def _check_xbzrle(self, encoding: int, size: int, at: int) -> None:
        if encoding != ENCODING_XBZRLE:
            raise BadRam(
                say("xbzrle/compression"),
                at=at,
                expected=ENCODING_XBZRLE,
                found=encoding,
                hint="the reader has lost its place",
            )
        if size > self.page:
            raise BadRam(
                say("xbzrle/length"),
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
            if self._sink is not None:
                self._sink.sync(flush=False)
        elif word == flags == MULTIFD_FLUSH:
            self.flush += 1
            self._mark(MULTIFD_FLUSH, at, flags)
            if self._sink is not None:
                self._sink.sync(flush=True)
        elif flags & HOOK and not flags & ~KNOWN:
            self.hook += 1
        else:
            if flags in (EOS, MULTIFD_FLUSH):
                message, hint = f"an offset beside flags {flags:#x}", "this record has no page"
            elif flags == MEM_SIZE:
                message, hint = "MEM_SIZE after setup", "the block list belongs to START"
            else:
                message = say("ram-flags", flags=flags)
                hint = "the reader has lost its place, or the target page size is another"
            raise BadRam(message, at=at, expected="a RAM record", found=word, hint=hint)
