"""What an edit changed, as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from migstream.render.text import escape, prose

if TYPE_CHECKING:
    from migstream.edit.change import Change

__all__ = ["change_json", "change_lines"]


def change_lines(changes: Sequence[Change]) -> Iterator[str]:
    """One line for each change: where it was and is, what was done, before and after."""
    for change in changes:
        where = f"{change.span.start:#x} -> {change.at:#x}"
        values = " -> ".join(part for part in (change.before, change.after) if part)
        told = f"  {prose(values)}" if values else ""
        yield f"{where:<24}  {change.what:<6}  {escape(change.path)}{told}"
    if not changes:
        yield "nothing is changed"


def change_json(change: Change) -> dict[str, Any]:
    """All that is known of a change; offsets and sizes in bytes."""
    return {
        "what": change.what,
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "offset": change.span.start,
        "size": change.span.size,
        "new_offset": change.at,
    }
