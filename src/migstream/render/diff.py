"""A comparison as a tree of `+ - ~ =` lines, or as objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from msgspec import to_builtins

from migstream.analysis.diff.model import Change, Diff, Range
from migstream.render.text import Palette, escape, prose

__all__ = ["FORMAT", "diff_json", "diff_lines"]

FORMAT = 1
FEW = 8
LONGEST = 72


def diff_lines(diff: Diff, palette: Palette, *, everything: bool) -> Iterator[str]:
    """The tree, and the summary.

    Parameters
    ----------
    everything : what is equal too, every range, and values in full length
    """
    for device, group in groupby(diff.changes, key=lambda change: change.device):
        changes = list(group)
        if device is None:
            for change in changes:
                yield from _change(change, change.path, "", palette, everything=everything)
            continue
        alone = changes[0].what == "device"
        yield f"{changes[0].mark if alone else '~'} {palette.head(escape(device))}" + (
            f"  {palette.dim(_sides(changes[0], everything=everything))}" if alone else ""
        )
        for change in [] if alone else changes:
            name = change.path.removeprefix(device).lstrip("/")
            yield from _change(change, name, "  ", palette, everything=everything)
    if everything:
        yield from (f"= {palette.dim(escape(path))}" for path in diff.alike)
    yield prose(diff.summary)


def _cut(text: str, *, everything: bool) -> str:
    text = prose(text)
    return text if everything or len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _sides(change: Change, *, everything: bool) -> str:
    old, new = (_cut(text, everything=everything) for text in (change.old_text, change.new_text))
    return {"+": new, "-": old}.get(change.mark, f"{old} → {new}")


def _change(
    change: Change, name: str, indent: str, palette: Palette, *, everything: bool
) -> Iterator[str]:
    label = escape(name) if name else change.what
    if change.what in {"version", "length", "order", "description", "vmsd"} and name:
        label = f"{label} ({change.what})"
    kind = f"  {palette.dim(escape(change.type))}" if change.type else ""
    if not change.ranges or change.what == "length":
        text = palette.value(_sides(change, everything=everything))
        yield f"{indent}{change.mark} {palette.name(label)}  {text}{kind}"
        return
    several = len(change.ranges) > 1
    if several:
        yield f"{indent}{change.mark} {palette.name(label)}{kind}"
    shown = change.ranges if everything else change.ranges[:FEW]
    for one in shown:
        place = _place(one, change)
        text = palette.value(_range_text(one, everything=everything))
        if several:
            yield f"{indent}    {palette.name(place)}  {text}"
        else:
            yield f"{indent}{change.mark} {palette.name(label + place)}  {text}{kind}"
    if len(shown) < len(change.ranges):
        more = f"… and {len(change.ranges) - len(shown)} more ranges (-v)"
        yield f"{indent}    {palette.dim(more)}"


def _place(one: Range, change: Change) -> str:
    if change.page is not None:
        return f"[{one.start:#x}:{one.stop:#x}]"
    return f"[{one.start}]" if one.stop == one.start + 1 else f"[{one.start}..{one.stop - 1}]"


def _range_text(one: Range, *, everything: bool) -> str:
    if one.old == one.new:  # pages of one kind
        return "differ"
    old, new = (_cut(_plain(side), everything=everything) for side in (one.old, one.new))
    return f"{old} → {new}"


def _plain(side: Any) -> str:
    return " ".join(map(str, side)) if isinstance(side, list) else str(side)


def diff_json(
    diff: Diff, names: tuple[str, str], missing: Sequence[list[dict[str, Any]]] = ([], [])
) -> dict[str, Any]:
    """The whole as an object.

    `missing` is what each stream lacks of its guest's memory (`render.missing.missing_table`).
    """
    return {
        "migstream": "diff",
        "format": FORMAT,
        "files": list(names),
        "same": not diff,
        "summary": diff.summary,
        "missing": list(missing),
        "changes": [_lean(change) for change in diff.changes],
        "alike": list(diff.alike),
    }


def _lean(change: Change) -> dict[str, Any]:
    """Without the texts, which are for people, and without what is not there."""
    table: dict[str, Any] = to_builtins(change)
    del table["old_text"], table["new_text"]
    return {key: value for key, value in table.items() if value not in (None, "", [], ())}
