"""A comparison as a tree of `+ - ~ =` lines, and as an answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import msgspec

from migstream.analysis.diff.model import Change, Diff, Mark, PartName, Range
from migstream.render.answer import Answer, Pair, Printed
from migstream.render.answer import Line as JsonLine
from migstream.render.missing import Missing
from migstream.render.shown import Line, Part, dim, head, indented, line, name, value
from migstream.render.text import escape, prose

__all__ = [
    "ChangeAnswer",
    "DiffAnswer",
    "DiffLine",
    "LackingLine",
    "diff_answer",
    "diff_lines",
    "diff_parts",
]

FEW = 8
LONGEST = 72


class ChangeAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One difference; what there is nothing to say of has no key.

    `mark` is "+" (only in the second stream), "-" (only in the first) or "~" (otherwise); `part` is
    "values", "schema" or "memory". `what` says what differs: machine, configuration, capability,
    header, device, order, version, vmsd, field, subsection, type, length, bytes, description, block,
    pages, section, commands. `device` is the path of the device that it is in, or is. `ranges` are
    the elements, or bytes, that differ; `page` is the size of the pages of guest memory that do. Each
    span is in its own stream.
    """

    mark: Mark
    part: PartName
    what: str
    path: str
    device: str | None = None
    type: str = ""
    old: Any = None
    new: Any = None
    ranges: tuple[Range, ...] = ()
    page: int | None = None
    old_span: Pair | None = None
    new_span: Pair | None = None


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
    return ChangeAnswer(
        mark=change.mark,
        part=change.part,
        what=change.what,
        path=change.path,
        device=change.device,
        type=change.type,
        old=change.old,
        new=change.new,
        ranges=change.ranges,
        page=change.page,
        old_span=change.old_span,
        new_span=change.new_span,
    )


# --- for people ----------------------------------------------------------------------------------


def diff_parts(diff: Diff, *, everything: bool) -> Iterator[Part]:
    """The tree, and the summary.

    Parameters
    ----------
    everything : what is equal too, every range, and values in full length
    """
    for device, group in groupby(diff.changes, key=lambda change: change.device):
        changes = list(group)
        if device is None:
            for change in changes:
                yield from _change(change, change.path, everything=everything)
            continue
        alone = changes[0].what == "device"
        if alone:
            sides = dim(_sides(changes[0], everything=everything))
            yield line(f"{changes[0].mark} ", head(escape(device)), "  ", sides)
            continue
        yield line("~ ", head(escape(device)))
        for change in changes:
            inside = change.path.removeprefix(device).lstrip("/")
            yield from (indented(p, 2) for p in _change(change, inside, everything=everything))
    if everything:
        yield from (line("= ", dim(escape(path))) for path in diff.alike)
    yield prose(diff.summary)


def _cut(text: str, *, everything: bool) -> str:
    text = prose(text)
    return text if everything or len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _sides(change: Change, *, everything: bool) -> str:
    old, new = (_cut(text, everything=everything) for text in (change.old_text, change.new_text))
    return {"+": new, "-": old}.get(change.mark, f"{old} → {new}")


def _change(change: Change, path: str, *, everything: bool) -> Iterator[Part]:
    label = escape(path) if path else change.what
    if change.what in {"version", "length", "order", "description", "vmsd"} and path:
        label = f"{label} ({change.what})"
    lead = f"{change.mark} "
    kind = line("  ", dim(escape(change.type))) if change.type else Line()
    if change.whole:
        yield line(lead, name(label), "  ", value(_sides(change, everything=everything)), kind)
        return
    several = len(change.ranges) > 1
    if several:
        yield line(lead, name(label), kind)
    shown = change.ranges if everything else change.ranges[:FEW]
    for one in shown:
        place = change.place(one)
        text = value(_range_text(one, everything=everything))
        if several:
            yield line("    ", name(place), "  ", text)
        else:
            yield line(lead, name(label + place), "  ", text, kind)
    if len(shown) < len(change.ranges):
        yield line("    ", dim(f"… and {len(change.ranges) - len(shown)} more ranges (-v)"))


def _range_text(one: Range, *, everything: bool) -> str:
    if one.old == one.new:  # pages of one kind
        return "differ"
    old, new = (_cut(side, everything=everything) for side in one.texts)
    return f"{old} → {new}"
