"""Taking away a device, a live section, a subsection or a RAM block, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.edit import memory
from migstream.names import many
from migstream.vmstate.jsontext import objects
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.edit.targets import Target
    from migstream.edit.workbench import Workbench

__all__ = ["drop"]


def drop(bench: Workbench, target: Target) -> None:
    """Take a target away.

    Raises
    ------
    Unsupported : what is around it cannot be described without it
    """
    if target.block is not None:
        memory.drop_block(bench.stream, bench.rewrite, target.block)
        span = next(b.span for b in bench.stream.blocks if b.name == target.block)
        _note(bench, target, span)
    elif target.configuration is not None:
        bench.rewrite.replace(*target.configuration.span, b"")
        _undescribe(bench, target.configuration.name)
        _note(bench, target, target.configuration.span)
    elif target.live:
        for section in target.live:
            bench.rewrite.replace(*section.span, b"")
            _note(bench, target, section.span)
    elif target.device is not None and target.value is None:
        bench.description.remove(target.device)
        bench.rewrite.replace(*target.device.section.span, b"")
        _note(bench, target, target.device.section.span)
    elif target.device is not None and target.value is not None:
        span = target.value.span
        trail = bench.description.trail(target.device, span)
        growth = bench.rewrite.growth(span)
        trail.grow(-span.size - growth)
        trail.remove()
        bench.rewrite.replace(*span, b"")
        _note(bench, target, span)
    bench.dropped.add(target.path)


def _note(bench: Workbench, target: Target, span: Span) -> None:
    bench.note("drop", target.path, many(span.size, "byte"), "", span)


def _undescribe(bench: Workbench, name: str) -> None:
    """Take a subsection of the configuration out of the description."""
    entry = bench.description.configuration
    siblings = None if entry is None else entry.get("subsections")
    if entry is None or not isinstance(siblings, list):
        return
    gone = {id(one) for one in objects(siblings) if one.get("vmsd_name") == name}
    siblings[:] = [one for one in siblings if id(one) not in gone]
    if not siblings:
        entry.remove(siblings)
