"""A comparison as a tree of `+ - ~ =` lines, and as an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeVar

import msgspec

from migstream.analysis.diff.memory import NOTHING
from migstream.analysis.diff.model import Change, Diff, Mark, PartName, Range
from migstream.analysis.diff.sides import Sides, Stretch
from migstream.names import many
from migstream.render.answer import Answer, Pair, Printed
from migstream.render.answer import Line as JsonLine
from migstream.render.marked import bits_text, run_line, run_lines, side_lines
from migstream.render.missing import Missing
from migstream.render.shown import (
    Line,
    Part,
    Text,
    added,
    dim,
    head,
    indented,
    line,
    name,
    plain,
    removed,
    value,
)
from migstream.render.text import escape, prose

__all__ = [
    "ChangeAnswer",
    "DiffAnswer",
    "DiffLine",
    "LackingLine",
    "Look",
    "diff_answer",
    "diff_lines",
    "diff_parts",
]

T = TypeVar("T")

FEW = 8
FEW_OF_A_PAGE = 4
LONGEST = 72
WIDTH = 68  # of label, both values and type in one line
INDENT, DEEP = 2, 4
SHORT = 8  # bytes of which no hexdump is shown: their place and they themselves are enough
TEXT = "text"
SAID = frozenset({"version", "length", "order", "description", "vmsd"})  # the path does not say it


class Differing(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that differ, without one between them that does not: where, in each stream, and what they are.

    Those of guest memory are in their RAM block.
    """

    old_span: Pair
    new_span: Pair
    old: str
    new: str


class RangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Part [start, stop) of an array (elements), a buffer or guest memory (bytes) that differs.

    `old` and `new` are the elements, the bytes in hexadecimal, for memory what the pages are:
    "data", "zero", "absent", "unplugged"; null where one side has no such elements. `bytes` are those
    of them that differ; there is no such key of guest memory.
    """

    start: int
    stop: int
    old: Any = None
    new: Any = None
    bytes: tuple[Differing, ...] | msgspec.UnsetType = msgspec.UNSET


class ChangeAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One difference; what there is nothing to say of has no key.

    `mark` is "+" (only in the second stream), "-" (only in the first) or "~" (otherwise); `part` is
    "values", "schema" or "memory". `what` says what differs: machine, configuration, capability,
    header, device, order, version, vmsd, field, subsection, type, length, bytes, description, block,
    pages, section, commands. The symbols say what `old` and `new` are called, where that is known. `device` is the path of the device that it is in, or is. `ranges` are
    the elements, or bytes, that differ; `page` is the size of the pages of guest memory that do. Each
    span is in its own stream: `old_span` and `new_span` are those of the whole value. `bytes` are the
    bytes of it that differ, where there are `ranges` each of these has its own; of guest memory they
    are in `bytes`, those of the first page that differs and that both have.
    """

    mark: Mark
    part: PartName
    what: str
    path: str
    device: str | None = None
    type: str = ""
    old: Any = None
    new: Any = None
    old_symbol: str = ""
    new_symbol: str = ""
    ranges: tuple[RangeAnswer, ...] = ()
    page: int | None = None
    old_span: Pair | None = None
    new_span: Pair | None = None
    bytes: tuple[Differing, ...] = ()


class DiffAnswer(Answer, tag="diff", frozen=True, kw_only=True):
    """What changed from the first stream to the second.

    `missing` is for each of the two what it lacks of its guest's memory, empty where memory was not
    compared; `alike` are the paths of the devices that both have and that do not differ.
    """

    files: tuple[str, str]
    same: bool
    summary: str
    missing: tuple[list[Missing], list[Missing]]
    changes: list[ChangeAnswer]
    alike: tuple[str, ...]


class DiffLine(JsonLine, tag="diff", frozen=True, kw_only=True):
    """One difference from `file` to `other`."""

    other: str


class LackingLine(JsonLine, tag="diff", frozen=True, kw_only=True):
    """Behind the differences, told by its `kind`: what `file`, one of the two, lacks of its guest's memory."""


def diff_lines(
    diff: Diff, files: tuple[str, str], missing: tuple[list[Missing], list[Missing]]
) -> Iterator[Printed]:
    """The differences, then what was not there to be compared, a line each."""
    begun = DiffLine(file=files[0], other=files[1])
    for change in diff.changes:
        yield begun, _answer(change)
    for file, entries in zip(files, missing, strict=True):
        for one in entries:
            yield LackingLine(file=file), one


def diff_answer(
    diff: Diff, files: tuple[str, str], missing: tuple[list[Missing], list[Missing]]
) -> DiffAnswer:
    """The whole, of the two `files` and what each is `missing`."""
    return DiffAnswer(
        files=files,
        same=not diff,
        summary=diff.summary,
        missing=missing,
        changes=[_answer(change) for change in diff.changes],
        alike=diff.alike,
    )


def _answer(change: Change) -> ChangeAnswer:
    """Without the texts, which are for people."""
    stride = 1 if change.sides is None else change.sides.stride
    of_ranges = bool(change.ranges) and change.page is None
    symbols = ("", "")
    if change.whole and change.sides is not None and change.part == "values":
        symbols = change.sides.old.symbol, change.sides.new.symbol
    return ChangeAnswer(
        mark=change.mark,
        part=change.part,
        what=change.what,
        path=change.path,
        device=change.device,
        type=change.type,
        old=change.old,
        new=change.new,
        old_symbol=symbols[0],
        new_symbol=symbols[1],
        ranges=tuple(
            RangeAnswer(
                start=one.start,
                stop=one.stop,
                old=one.old,
                new=one.new,
                bytes=_differing(change.sides, one.start * stride, one.stop * stride)
                if of_ranges
                else msgspec.UNSET,
            )
            for one in change.ranges
        ),
        page=change.page,
        old_span=change.old_span,
        new_span=change.new_span,
        bytes=() if of_ranges else _differing(change.sides),
    )


def _differing(
    sides: Sides | None, start: int = 0, stop: int | None = None
) -> tuple[Differing, ...]:
    if sides is None:
        return ()
    old, new = sides
    return tuple(
        Differing(
            old_span=(old.span.start + run.start, old.span.start + run.stop),
            new_span=(new.span.start + run.start, new.span.start + run.stop),
            old=old.raw[run.start : run.stop].hex(),
            new=new.raw[run.start : run.stop].hex(),
        )
        for run in sides.runs(start, stop)
    )


# --- for people ----------------------------------------------------------------------------------


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How much to show.

    Attributes
    ----------
    everything : every range and byte, and values in full length
    alike : the devices that are equal, too
    hexadecimal : values in hexadecimal
    where : the bytes of each value, offset and length
    pages : both sides of a page of guest memory, by RAM block, offset and size; without it only the
        first page that differs is shown
    """

    everything: bool = False
    alike: bool = False
    hexadecimal: bool = False
    where: bool = False
    pages: Callable[[str, int, int], Sides] | None = None

    def some(self, things: Sequence[T], most: int = FEW) -> Sequence[T]:
        """As many of several as are shown."""
        return things if self.everything else things[:most]


def diff_parts(diff: Diff, look: Look) -> Iterator[Part]:
    """The tree, and the summary."""
    for device, group in groupby(diff.changes, key=lambda change: change.device):
        changes = list(group)
        if device is None:
            for change in changes:
                yield from _change(change, change.path, look)
            continue
        first = changes[0]
        if first.what == "device":
            where = _where(look, first.old_span, first.new_span)
            sides = _sides(first, look)
            yield line(_sign(first.mark), head(escape(device)), "  ", sides, where)
            continue
        yield line(_sign("~"), head(escape(device)))
        for change in changes:
            inside = change.path.removeprefix(device).lstrip("/")
            yield from (indented(p, INDENT) for p in _change(change, inside, look))
    if look.alike:
        yield from (line(_sign("="), dim(escape(path))) for path in diff.alike)
    yield prose(diff.summary)


def _sign(mark: str) -> Line:
    sign: Text = {"+": added("+"), "-": removed("-")}.get(mark, mark)
    return line(sign, " ")


def _cut(text: str, look: Look) -> str:
    text = prose(text)
    return text if look.everything or len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _sides(change: Change, look: Look) -> Line:
    old, new = (_cut(text, look) for text in (change.old_text, change.new_text))
    return {"+": line(added(new)), "-": line(removed(old))}.get(change.mark, _both(old, new))


def _both(old: str, new: str) -> Line:
    return line(removed(old), " → ", added(new))


def _where(look: Look, *spans: Pair | None) -> Line:
    """The bytes of a value in the stream that has it, or in both."""
    found = {f"{span[0]:#x}+{span[1] - span[0]:#x}": None for span in spans if span is not None}
    return line("  ", dim(f"at {', '.join(found)}")) if look.where and found else Line()


def _change(change: Change, path: str, look: Look) -> Iterator[Part]:
    label = escape(path) if path else change.what
    if change.within:
        label = f"{label} ({escape(change.within)})"
    if change.what in SAID and path:
        label = f"{label} ({change.what})"
    if change.what == "bytes" and change.part == "schema":
        label = f"{label} (header)"
    kind = line("  ", dim(escape(change.type))) if change.type else Line()
    behind = line(kind, _where(look, change.old_span, change.new_span))
    sides = change.sides
    if change.page is not None:
        yield from _pages(change, label, look)
    elif sides is None or (change.whole and len(sides.old.raw) != len(sides.new.raw)):
        yield _headed(change.mark, label, _sides(change, look), behind)
        if sides is not None:
            yield from _bytes(sides, sides.runs()[:1], look)
    elif change.whole:
        yield from _value(sides, label, behind, look)
    elif sides.by_bytes:
        yield from _octets(change, sides, label, behind, look)
    else:
        yield from _elements(change, sides, label, kind, look)


def _headed(mark: str, label: str, said: Text | Line, behind: Line) -> Line:
    told = line(said)
    return line(_sign(mark), name(label), "  " if told else "", told, behind)


def _value(sides: Sides, label: str, behind: Line, look: Look) -> Iterator[Part]:
    """A value of both sides, and which of its bytes and bits differ."""
    runs = sides.runs()
    if sides.by_bytes and sides.old.wire.kind != TEXT:
        yield _headed("~", label, "", behind)
        yield from _bytes(sides, runs, look)
        return
    old, new = (_cut(text, look) for text in _texts(sides, look))
    if len(label) + len(old) + len(new) + len(plain(behind)) > WIDTH:
        yield _headed("~", label, "", behind)
        yield line(" " * (DEEP + 2), removed(old))
        yield line(" " * DEEP, "→ ", added(new))
    else:
        yield _headed("~", label, _both(old, new), behind)
    yield from (indented(one, DEEP) for one in run_lines(sides, runs, everything=look.everything))


def _texts(sides: Sides, look: Look) -> tuple[str, str]:
    """Both as people read them; a signed number in hexadecimal, too, where few bits of it differ."""
    old, new = sides
    if look.hexadecimal:
        return old.hex, new.hex
    if old.text == new.text:  # bools other than 0 and 1, numbers that are no number
        return bytes(old.raw).hex(), bytes(new.raw).hex()
    if old.wire.kind == "int" and not (old.symbol or new.symbol) and bits_text(sides.bits()):
        return f"{old.text} ({old.hex})", f"{new.text} ({new.hex})"
    if old.symbol == new.symbol:  # which register it is: it stands once
        return old.text.removesuffix(f" {old.symbol}"), new.text
    return old.text, new.text


def _elements(change: Change, sides: Sides, label: str, kind: Line, look: Look) -> Iterator[Part]:
    """Elements of an array, one by one."""
    indexes = [index for one in change.ranges for index in range(one.start, one.stop)]
    shown = look.some(indexes)
    for index in shown:
        one = sides.element(index)
        behind = line(kind, _where(look, one.old.span, one.new.span))
        yield from _value(one, f"{label}[{index}]", behind, look)
    if len(shown) < len(indexes):
        yield line("  ", dim(f"… and {len(indexes) - len(shown)} more elements (--all)"))


def _octets(change: Change, sides: Sides, label: str, behind: Line, look: Look) -> Iterator[Part]:
    """Bytes of a buffer, those that are kept of a change."""
    if len(change.ranges) == 1:
        yield _headed("~", label + change.place(change.ranges[0]), "", behind)
    else:
        count = sum(one.stop - one.start for one in change.ranges)
        said = f"{count} of {many(sides.size, 'byte')}, in {len(change.ranges)} places"
        yield _headed("~", label, dim(said), behind)
    yield from _bytes(sides, change.ranges, look)


def _bytes(sides: Sides, runs: Sequence[Stretch], look: Look, most: int = FEW) -> Iterator[Part]:
    """Each run in a line; then, of what is long, the lines of a hexdump that have them."""
    shown = look.some(runs, most)
    for run in shown:
        yield indented(run_line(sides, run, everything=look.everything), DEEP)
    if len(shown) < len(runs):
        yield line(" " * DEEP, dim(f"… and {len(runs) - len(shown)} more places (--all)"))
    if sides.size > SHORT:
        lines = None if look.everything else most
        yield from (indented(one, DEEP) for one in side_lines(sides, shown, most=lines))


# --- guest memory --------------------------------------------------------------------------------


def _pages(change: Change, label: str, look: Look) -> Iterator[Part]:
    """How many pages, which ranges; the bytes of the first one, or of all."""
    size = change.page or 1
    if len(change.ranges) == 1:
        [one] = change.ranges
        yield _headed("~", label + change.place(one), value(_kinds(one)), _count([one], size))
    else:
        said = line(_count(change.ranges, size), dim(f" in {len(change.ranges)} ranges"))
        yield _headed("~", label, "", said)
        shown = look.some(change.ranges)
        for one in shown:
            place, count = name(change.place(one)), _count([one], size)
            yield line(" " * DEEP, place, "  ", value(_kinds(one)), count)
        if len(shown) < len(change.ranges):
            left = change.ranges[len(shown) :]
            text = f"… and {many(len(left), 'more range')} (--all)"
            yield line(" " * DEEP, dim(text), _count(left, size))
    for sides in _pages_shown(change, look):
        yield from _bytes(sides, sides.runs(), look, FEW_OF_A_PAGE)


def _pages_shown(change: Change, look: Look) -> Iterator[Sides]:
    if change.sides is None or not look.everything or look.pages is None:
        if change.sides is not None:
            yield change.sides
        return
    block = change.path.removeprefix("ram/")
    for one in change.ranges:
        if not NOTHING & {one.old, one.new}:
            for at in range(one.start, one.stop, change.page or 1):
                yield look.pages(block, at, change.page or 1)


def _kinds(one: Range) -> str:
    return "differ" if one.old == one.new else f"{one.old} → {one.new}"


def _count(ranges: Iterable[Range], page: int) -> Line:
    pages = sum(-(-(one.stop - one.start) // page) for one in ranges)
    return line("  ", dim(many(pages, "page")))
