"""Find bytes, text, patterns and strings in guest memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from migstream.machine.needles import (
    LONGEST,
    Needle,
    hex_needles,
    regex_needle,
    strings_needles,
    text_needles,
)
from migstream.machine.paging.tables import Registers
from migstream.machine.paging.walk import pages
from migstream.machine.physical import PhysicalMemory
from migstream.machine.windows import WINDOW, Block, Blocks, Gap, Segment, Window, gaps, windows
from migstream.ram import scan

__all__ = [
    "LINES_AT_ONCE",
    "LONGEST",
    "Blocks",
    "Form",
    "Gap",
    "Hit",
    "Needle",
    "Segment",
    "block_segments",
    "gaps",
    "hex_needles",
    "physical_segments",
    "regex_needle",
    "search",
    "string_lines",
    "strings_needles",
    "surroundings",
    "text_needles",
    "virtual_segments",
]


DIGITS = 16
LINES_AT_ONCE = scan.COMPILED  # where they are not, `string_lines` is slower than a search


class Form(NamedTuple):
    """A line that tells of a string: what stands before its address, and behind it; and what stands for a tab."""

    lead: bytes
    between: bytes
    tab: bytes


class Hit(msgspec.Struct, frozen=True):
    """Something found: its address, its bytes, which kind of needle it was."""

    address: int
    data: bytes
    kind: str

    @property
    def label(self) -> str:
        """What it is, for people."""
        return self.kind


def block_segments(name: str, start: int, stop: int) -> Iterator[Segment]:
    """Bytes [start, stop) of one block; addresses are offsets in it."""
    yield Segment(start, stop - start, name, start)


def physical_segments(memory: PhysicalMemory, start: int, stop: int) -> Iterator[Segment]:
    """The guest memory in [start, stop) of guest-physical addresses."""
    for one, address, size in memory.pieces(start, stop - start):
        if one is not None:
            yield Segment(address, size, one.block, one.offset + address - one.start)


def virtual_segments(
    cpu: Registers, memory: PhysicalMemory, start: int, stop: int
) -> Iterator[Segment]:
    """The guest memory in [start, stop) of a CPU's virtual addresses."""
    for run in pages(cpu, memory):
        low, high = max(run.virtual, start), min(run.virtual + run.size, stop)
        if low < high:
            shift = run.virtual - run.physical
            for part in physical_segments(memory, low - shift, high - shift):
                yield part._replace(address=part.address + shift)


def surroundings(segments: Iterable[Segment], blocks: Blocks, address: int) -> tuple[int, bytes]:
    """Where the bytes around an address begin that are there without a gap, and these; none where it is in one."""
    start, found = address, bytearray()
    for segment in segments:
        block: Block = blocks[segment.block]
        shift = segment.address - segment.offset
        for run in block.runs(segment.offset, segment.offset + segment.size):
            if run.kind not in {"data", "zero"}:
                continue
            at = run.start + shift
            if at != start + len(found):
                if start <= address < start + len(found):
                    return start, bytes(found)
                start, found = at, bytearray()
            size = run.stop - run.start
            found += block.read(run.start, run.stop) if run.kind == "data" else bytes(size)
    here = start <= address < start + len(found)
    return (start, bytes(found)) if here else (address, b"")


def search(
    segments: Iterable[Segment],
    blocks: Blocks,
    needles: Sequence[Needle],
    window: int = WINDOW,
    missed: Callable[[Gap], None] = lambda _: None,
    tell: Callable[[int], object] = lambda _: None,
) -> Iterator[Hit]:
    """All hits, ascending in each run of neighbouring segments. No hit goes over what is missed.

    Parameters
    ----------
    blocks : RAM blocks by name (`stream.ram`)
    window : bytes to read at once
    missed : told of what cannot be looked through: it is not in the stream
    tell : told how many bytes were passed since the last time

    Raises
    ------
    ParseError : the records of a page are damaged
    """
    behind = [0] * len(needles)  # where each needle may begin again
    for one in _windows(segments, blocks, needles, window, missed, tell):
        yield from _hits(one, needles, behind)


def _windows(
    segments: Iterable[Segment],
    blocks: Blocks,
    needles: Sequence[Needle],
    window: int,
    missed: Callable[[Gap], None],
    tell: Callable[[int], object],
) -> Iterator[Window]:
    """Memory in windows for these needles."""
    reach = max(needle.reach for needle in needles)
    everywhere = any(needle.in_zeros for needle in needles)
    zeros = None if everywhere else max(needle.zeros for needle in needles)
    return windows(segments, blocks, window, reach, zeros, missed, tell)


def _hits(window: Window, needles: Sequence[Needle], behind: list[int]) -> Iterator[Hit]:
    """What begins in a window."""
    view, base = window.view, window.base
    found: list[tuple[int, int, bytes]] = []
    for number, needle in enumerate(needles):
        start = max(window.start, behind[number])
        for at, data in needle.hits(view, start - base, window.stop - base):
            found.append((base + at, number, data))
            if not needle.fixed:
                behind[number] = base + at + len(data)
    for place, number, data in sorted(found):
        yield Hit(window.address(place), data, needles[number].kind)


def string_lines(
    segments: Iterable[Segment],
    blocks: Blocks,
    minimum: int,
    form: Form,
    window: int = WINDOW,
    missed: Callable[[Gap], None] = lambda _: None,
    tell: Callable[[int], object] = lambda _: None,
) -> Iterator[tuple[int, memoryview]]:
    """The strings of `strings_needles`, as `search` finds them, in lines: how many, and their text.

    Millions of strings take seconds so, and minutes one by one. The text is valid until the next is asked for.

    Parameters
    ----------
    form : how a line is written
    """
    needles = strings_needles(minimum)
    behind = [0] * len(needles)
    around = len(form.lead) + DIGITS + len(form.between) + 1
    text = memoryview(b"")
    for one in _windows(segments, blocks, needles, window, missed, tell):
        view, base = one.view, one.base
        narrow, wide = (
            needle.rows(view, max(one.start, after) - base, one.stop - base)
            for needle, after in zip(needles, behind, strict=True)
        )
        behind = [
            base + rows[-2] + rows[-1] if rows else after
            for rows, after in zip((narrow, wide), behind, strict=True)
        ]
        count = (len(narrow) + len(wide)) // 2
        if not count:
            continue
        # in a row strings do not overlap
        room = count * around + len(needles) * len(view) * max(len(form.tab), 1)
        if len(text) < room:
            text = memoryview(bytearray(room))
        used = scan.lines(view, narrow, wide, base, one.marks, *form, text)
        yield count, text[:used]
