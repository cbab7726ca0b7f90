"""Bytes of two sides, those that differ marked: by brackets, and in colour.

    0x3a65a: b1 → b3  +bit 1
    - 0x3a650  00 00 00 00 00 00 00 00 00 06[0f]b1 00 00 00 00
    + 0x3a650  00 00 00 00 00 00 00 00 00 06[0e]b1 00 00 00 00

Offsets are each side's own; where they differ, that of the second side stands in brackets behind the
first one's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from migstream.analysis.diff.sides import Bit, Run, Sides, Stretch
from migstream.render.shown import Line, Mark, Text, added, dim, line, plain, removed
from migstream.render.text import LINE, grouped

__all__ = ["bits_text", "place_text", "run_line", "run_lines", "side_lines"]

FEW_BYTES = 8  # of a run that are written out
WIDTH = 72
FEW_BITS = 2  # without a name that are named one by one


def place_text(old: int, new: int) -> str:
    """An offset in both streams."""
    return f"{old:#x}" if old == new else f"{old:#x} ({new:#x})"


def run_line(sides: Sides, run: Stretch, *, everything: bool = False) -> Line:
    """Where the bytes are, what they were and what they are; of one byte, or of bits, which bits that is."""
    told = bits_text(sides.bits(run), everything=everything)
    return line(_run(sides, run, everything=everything), "  " if told else "", told)


def run_lines(sides: Sides, runs: Sequence[Stretch], *, everything: bool = False) -> Iterator[Line]:
    """The same of a number, which is short: as many runs in a line as there is room for, and then its bits."""
    told: Line | None = None
    for run in runs:
        one = _run(sides, run, everything=everything)
        if told is not None and len(plain(told)) + len(plain(one)) > WIDTH:
            yield told
            told = None
        told = one if told is None else line(told, ", ", one)
    bits = bits_text(sides.bits(), everything=everything)
    if told is not None and bits and len(plain(told)) + len(bits) > WIDTH:
        yield told
        told = None
    if told is not None or bits:
        yield line(told or "", "  " if told and bits else "", bits)


def _run(sides: Sides, run: Stretch, *, everything: bool) -> Line:
    starts = sides.old.span.start + run.start, sides.new.span.start + run.start
    size = run.stop - run.start
    some = size if everything else min(size, FEW_BYTES)
    old, new = (_hex(side.raw[run.start : run.start + some], size) for side in sides)
    long = f"+{size:#x}" if size > some else ""
    return line(dim(f"{place_text(*starts)}{long}: "), removed(old), " → ", added(new))


def bits_text(bits: Iterable[Bit], *, everything: bool = False) -> str:
    """`+IF -bit 3`: bits that the second side has more, and less; nothing where many have no name."""
    found = list(bits)
    nameless = sum(not bit.name for bit in found)
    return " ".join(map(str, found)) if everything or nameless <= FEW_BITS else ""


def side_lines(sides: Sides, runs: Sequence[Stretch], *, most: int | None) -> Iterator[Line]:
    """The lines of sixteen bytes in which some of the runs are, of both sides, at most so many of each.

    They begin with the value and not at a multiple of sixteen: so both sides have the same in a line.
    """
    rows = list(_rows(runs, sides.size))
    shown = len(rows) if most is None else most
    for row in rows[:shown]:
        for side, sign, mark in zip(sides, "-+", (removed, added), strict=True):
            start, stop = row * LINE, min((row + 1) * LINE, sides.size)
            marked = [Run(max(r.start, start), min(r.stop, stop)) for r in _in(runs, start, stop)]
            lead = line(mark(sign), " ", dim(f"{side.span.start + start:#x}"), " ")
            yield line(lead, *_bracketed(side.raw[start:stop], start, marked, mark))
    if left := len(rows[shown:]):
        yield line(dim(f"… {grouped(left)} more lines with a difference (--all)"))


def _rows(runs: Iterable[Stretch], size: int) -> Iterator[int]:
    """Numbers of the lines that hold any of the runs."""
    done = -1
    for run in runs:
        for row in range(max(run.start // LINE, done + 1), -(-min(run.stop, size) // LINE)):
            done = row
            yield row


def _in(runs: Sequence[Stretch], start: int, stop: int) -> Iterator[Stretch]:
    for run in islice(runs, bisect_right(runs, start, key=lambda one: one.stop), None):
        if run.start >= stop:
            return
        yield run


def _bracketed(
    raw: memoryview, base: int, marked: Iterable[Run], mark: Callable[[str], Mark]
) -> Iterator[Text]:
    """Two digits of each byte; the brackets stand where spaces would."""
    at, space = 0, " "
    for run in marked:
        first, last = run.start - base, run.stop - base
        if first > at:
            yield f"{space}{raw[at:first].hex(' ')}"
        yield mark(f"[{raw[first:last].hex(' ')}]")
        at, space = last, ""
    if at < len(raw):
        yield f"{space}{raw[at:].hex(' ')}"


def _hex(raw: memoryview, size: int) -> str:
    return f"{raw.hex(' ')}{' …' if len(raw) < size else ''}"
