"""Taking away a device, a live section, a subsection or a RAM block, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.edit import memory
from migstream.vmstate.jsontext import objects
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.edit.change import Edit
    from migstream.edit.targets import Target

__all__ = ["drop"]


def drop(edit: Edit, target: Target) -> None:
    """Take a target away.

    Raises
    ------
    Unsupported : what is around it cannot be described without it
    """
    if target.block is not None:
        memory.drop_block(edit.stream, edit.rewrite, target.block)
        span = next(b.span for b in edit.stream.blocks if b.name == target.block)
        _note(edit, target, span)
    elif target.configuration is not None:
        edit.rewrite.replace(*target.configuration.span, b"")
        _undescribe(edit, target.configuration.name)
        _note(edit, target, target.configuration.span)
    elif target.live:
        for section in target.live:
            edit.rewrite.replace(*section.span, b"")
            _note(edit, target, section.span)
    elif target.device is not None and target.value is None:
        edit.described.remove(target.device)
        edit.rewrite.replace(*target.device.section.span, b"")
        _note(edit, target, target.device.section.span)
    elif target.device is not None and target.value is not None:
        span = target.value.span
        trail = edit.described.trail(target.device, span)
        growth = edit.rewrite.growth(span)
        trail.grow(-span.size - growth)
        trail.remove()
        edit.rewrite.replace(*span, b"")
        _note(edit, target, span)


def _note(edit: Edit, target: Target, span: Span) -> None:
    edit.note("drop", target.path, f"{span.size} bytes", "", span)


def _undescribe(edit: Edit, name: str) -> None:
    """Take a subsection of the configuration out of the description."""
    entry = edit.described.configuration
    siblings = None if entry is None else entry.get("subsections")
    if entry is None or not isinstance(siblings, list):
        return
    gone = {id(one) for one in objects(siblings) if one.get("vmsd_name") == name}
    siblings[:] = [one for one in siblings if id(one) not in gone]
    if not siblings:
        entry.remove(siblings)
