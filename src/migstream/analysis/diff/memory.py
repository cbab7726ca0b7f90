"""Guest memory of two streams, block by block, page by page.

Contents count, not how they were sent: a zero page is equal to one of zeros that was sent whole.
A page that one stream never sent is a difference of its own, for a destination keeps there what
it had.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from migstream.analysis.diff.model import Change, Range
from migstream.analysis.diff.sides import Sides, differing_ranges, page_sides
from migstream.ram.beside import UNMARKED, Beside, Marks, beside
from migstream.source.layers import telling

if TYPE_CHECKING:
    from migstream.ram.image import Block
    from migstream.source.layers import Tell
    from migstream.stream import Stream

__all__ = ["memory", "page_of", "walk"]

WINDOW = 1 << 18  # bytes of each side at a time: both stay in a core's cache
EMPTY = frozenset({"absent", "unplugged", "zero"})
NOTHING = frozenset({"absent", "unplugged"})  # no contents to compare


def walk(a: Stream, b: Stream) -> Beside | None:
    """Walk one of two streams beside the other, so that memory which is alike is not read again; None as `ram.beside` says."""
    for known, walked in ((a, b), (b, a)):
        if walked.shows and known is not walked:
            return beside(known.ram, walked)
    return None


def memory(a: Stream, b: Stream, found: Beside | None = None) -> Iterator[Change]:
    """Differences of all RAM blocks.

    Parameters
    ----------
    found : what is known to be alike

    Raises
    ------
    ParseError : the records of a page are damaged
    """
    left, right = a.ram, b.ram
    names = list(dict.fromkeys([*left, *right]))
    total = sum(
        min(left[name].size, right[name].size) for name in names if name in left and name in right
    )
    with telling(a.watch, "comparing", total) as tell:
        yield from _blocks(a, b, names, tell, found)


def _blocks(
    a: Stream, b: Stream, names: Sequence[str], tell: Tell, found: Beside | None
) -> Iterator[Change]:
    for name in names:
        one, two = a.ram.get(name), b.ram.get(name)
        sizes = None if one is None else one.size, None if two is None else two.size
        if sizes[0] != sizes[1]:
            yield _resized(name, *sizes)
        if one is None or two is None:
            continue
        alike = UNMARKED if found is None or one.page != two.page else found.marks(name)
        ranges = tuple(_merged(_pages(one, two, tell, alike)))
        if ranges:
            page = min(one.page, two.page)
            shown = next((r for r in ranges if not NOTHING & {r.old, r.new}), None)
            yield Change(
                mark="~",
                part="memory",
                what="pages",
                path=f"ram/{name}",
                page=page,
                ranges=ranges,
                sides=None if shown is None else page_of(a, b, name, shown.start, page),
            )


def page_of(a: Stream, b: Stream, block: str, at: int, size: int) -> Sides:
    """What both have at an offset of a RAM block, to the end of the shorter one or of the page.

    Raises
    ------
    ParseError : the records of the page are damaged
    NoSuchAddress : one of them does not have it
    """
    stop = min(at + size, a.ram[block].size, b.ram[block].size)
    old, new = (stream.ram[block].read(at, stop) for stream in (a, b))
    return page_sides(f"ram/{block}", at, old, new)


def _resized(name: str, old: int | None, new: int | None) -> Change:
    return Change(
        mark="+" if old is None else "-" if new is None else "~",
        part="memory",
        what="block",
        path=f"ram/{name}",
        old=old,
        new=new,
        old_text="" if old is None else f"{old:#x} bytes",
        new_text="" if new is None else f"{new:#x} bytes",
    )


def _merged(ranges: Iterator[Range]) -> Iterator[Range]:
    """Neighbours of the same kinds as one."""
    last: Range | None = None
    for one in ranges:
        if last is not None and (last.stop, last.old, last.new) == (one.start, one.old, one.new):
            last = Range(start=last.start, stop=one.stop, old=one.old, new=one.new)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


class _Piece(NamedTuple):
    """Bytes [start, stop) of which each side has one kind; `looked`: both have contents, which are to be compared."""

    start: int
    stop: int
    kinds: tuple[str, str]
    looked: bool


def _pieces(a: Block, b: Block, both: int, tell: Tell, alike: Marks) -> Iterator[_Piece]:
    """What may differ before `both`, ascending; what is to be compared is cut at multiples of WINDOW."""
    left, right = a.runs(0, both), b.runs(0, both)
    one, two = next(left, None), next(right, None)
    at = 0
    while one is not None and two is not None:
        end = min(one.stop, two.stop)
        kinds = one.kind, two.kind
        tell(end - at)
        if one.kind != two.kind or one.kind not in EMPTY:
            if NOTHING & {*kinds}:
                yield _Piece(at, end, kinds, looked=False)
            else:
                for start, stop in _unmarked(alike, at, end, a.page):
                    for cut in range(start & -WINDOW, stop, WINDOW):
                        low, high = max(start, cut), min(cut + WINDOW, stop)
                        yield _Piece(low, high, kinds, looked=True)
        at = end
        one = next(left, None) if one.stop == end else one
        two = next(right, None) if two.stop == end else two


def _unmarked(alike: Marks, start: int, stop: int, page: int) -> Iterator[tuple[int, int]]:
    """Bytes of [start, stop) that are not in pages which are known to be alike."""
    for first, behind in alike.unmarked(start // page, -(-stop // page)):
        yield max(first * page, start), min(behind * page, stop)


def _pages(a: Block, b: Block, tell: Tell, alike: Marks) -> Iterator[Range]:
    """Ranges of pages, in bytes of the block, that differ within the length that both have."""
    stop = min(a.size, b.size)
    page = min(a.page, b.page)
    buffers = memoryview(bytearray(WINDOW)), memoryview(bytearray(WINDOW))
    for base, pieces in groupby(
        _pieces(a, b, stop, tell, alike), lambda piece: piece.start & -WINDOW
    ):
        views: tuple[memoryview, ...] | None = None
        same = False
        for start, end, (old, new), looked in pieces:
            if not looked:
                yield Range(start=start, stop=end, old=old, new=new)
                continue
            if views is None:
                views = tuple(buffer[: min(WINDOW, stop - base)] for buffer in buffers)
                for block, view in zip((a, b), views, strict=True):
                    block.readinto(base, view)
                same = views[0].obj == views[1].obj and len(views[0]) == WINDOW
            if not same:
                parts = [view[start - base : end - base] for view in views]
                yield from _contents(start, parts, page, (old, new))


def _contents(
    start: int, sides: Sequence[memoryview], page: int, kinds: tuple[str, str]
) -> Iterator[Range]:
    """Pages that differ of what both sides have from `start` on."""
    whole = len(sides[0]) - len(sides[0]) % page
    old, new = kinds
    for first, last in differing_ranges(sides[0][:whole], sides[1][:whole], page):
        yield Range(start=start + first * page, stop=start + last * page, old=old, new=new)
    if bytes(sides[0][whole:]) != bytes(sides[1][whole:]):
        yield Range(start=start + whole, stop=start + len(sides[0]), old=old, new=new)
