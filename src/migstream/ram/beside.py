"""Pages of one stream that are those of another one: found while it is walked, when their bytes are at hand.

Where guests are compared most pages are alike, and reading them a second time is what takes long.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from migstream.errors import MigstreamError
from migstream.ram import scan
from migstream.ram.table import GROUP

if TYPE_CHECKING:
    from migstream.ram.image import Ram
    from migstream.ram.records import BlockId, Seen

__all__ = ["UNMARKED", "Beside", "Marks", "Shows", "beside"]


class Shows(Protocol):
    """A stream that can show its pages while it is walked (`stream.Stream`)."""

    @property
    def shows(self) -> bool: ...
    @property
    def ram(self) -> Ram: ...
    def walk_with(self, seen: Seen) -> None: ...


def beside(ram: Ram, walked: Shows) -> Beside | None:
    """Walk a stream beside a memory image. None where it was walked before, or where nothing is compiled: reading is faster."""
    if not scan.COMPILED or not walked.shows:
        return None
    found = Beside(ram)
    walked.walk_with(found)
    for number, (name, block) in enumerate(walked.ram.items()):
        if name in ram and ram[name].listed:
            with suppress(MigstreamError):  # whoever reads its pages is told
                block.show(number, found)
    return found


class Marks:
    """One flag for each page of a block: whether it was found to be alike. What was never marked takes nothing."""

    def __init__(self) -> None:
        self._groups: dict[int, bytearray] = {}
        self._numbers: list[int] = []  # of the groups, ascending

    def of(self, first: int, count: int) -> memoryview:
        """The flags of pages of one group (`ram.table.GROUP`), to be written to."""
        group = self._groups.get(first // GROUP)
        if group is None:
            group = self._groups[first // GROUP] = bytearray(GROUP)
            insort(self._numbers, first // GROUP)
        at = first % GROUP
        return memoryview(group)[at : at + count]

    def never(self, page: int) -> bool:
        """Whether no page of this one's group was ever marked."""
        return page // GROUP not in self._groups

    def unmarked(self, at: int, stop: int) -> Iterator[tuple[int, int]]:
        """Pages [first, behind) of those from `at` to `stop` that have no mark, in large stretches."""
        while at < stop:
            base = at - at % GROUP
            group = self._groups.get(at // GROUP)
            if group is None:
                n = bisect_right(self._numbers, at // GROUP)
                end = min(self._numbers[n] * GROUP, stop) if n < len(self._numbers) else stop
                yield at, end
                at = end
                continue
            end = min(base + GROUP, stop)
            first = group.find(0, at - base, end - base)
            if first < 0:
                at = end
                continue
            behind = group.find(1, first, end - base)
            at = end if behind < 0 else base + behind
            yield base + first, at


UNMARKED = Marks()


class Beside:
    """Looks at the pages of a walk (`ram.records.Seen`) beside a memory image that is known already.

    Parameters
    ----------
    ram : the other stream's memory
    """

    def __init__(self, ram: Ram) -> None:
        self._ram = ram
        self._marks: dict[str, Marks] = {}
        self._broken = False

    def begin(self) -> None:
        self._marks.clear()
        self._broken = False

    def marks(self, name: str) -> Marks:
        """Those of a block's pages that hold the same."""
        return UNMARKED if self._broken else self._marks.get(name, UNMARKED)

    def rows(
        self, name: str, block: BlockId, rows: memoryview, used: int, window: memoryview, base: int
    ) -> None:
        other = self._ram.get(name)
        if other is None or other.page != block.page or self._broken or not used:
            return
        marks = self._marks.setdefault(name, Marks())
        try:
            other.same(rows, used, block.stride, window, base, marks)
        except MigstreamError:  # of the other stream: whoever reads its page is told
            self._broken = True
