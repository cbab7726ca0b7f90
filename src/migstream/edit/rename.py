"""Another name for a device, a live section, a subsection or a RAM block."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migstream.edit import memory
from migstream.errors import Unsupported
from migstream.wire.model import Section, Span
from migstream.wire.write import counted

if TYPE_CHECKING:
    from migstream.edit.targets import Target
    from migstream.edit.workbench import Workbench
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["rename"]

INSTANCE = re.compile(r"^(.+)\[(\d+)\]$")
NAME_AT = 5  # of a section's header: behind type and section id


def rename(bench: Workbench, target: Target, new: str) -> None:
    """Rename a target.

    Raises
    ------
    ValueError : the name is empty or longer than 255 bytes
    Unsupported : a subsection of the configuration; or there is something of that name
    """
    bench.renamed[target.path] = _renamed(bench, target, new)


def _renamed(bench: Workbench, target: Target, new: str) -> str:
    """The path under which it is found in the result."""
    if target.block is not None:
        return _block(bench, target.block, new)
    if target.device is not None and target.value is not None:
        return _subsection(bench, target.device, target.value, new)
    if target.device is not None:
        return _section(bench, target.device.section, new, target.device)
    if target.live:
        return _section(bench, target.live[0], new, None)
    raise Unsupported(f"{target.path} has a name that every QEMU knows; it can only be dropped")


def _block(bench: Workbench, name: str, new: str) -> str:
    if any(block.name == new for block in bench.stream.blocks):
        raise Unsupported(f"there is a RAM block {new} already")
    memory.rename_block(bench.stream, bench.rewrite, name, new)
    span = next(b.span for b in bench.stream.blocks if b.name == name)
    bench.note("rename", f"ram/{name}", name, new, Span(span.start, span.start + 1 + len(name)))
    return f"ram/{new}"


def _section(bench: Workbench, section: Section, new: str, device: Device | None) -> str:
    """The header of START and FULL (migration/savevm.c: save_section_header)."""
    name, instance = new, section.instance_id
    if given := INSTANCE.match(new):
        name, instance = given.group(1), int(given.group(2))
    if instance >= 1 << 32:
        raise ValueError(f"an instance id of 32 bits, not {instance}")
    if (section.type, name, instance) in bench.taken:
        raise Unsupported(f"there is a section {name}[{instance}] already")
    start = section.span.start + NAME_AT
    old = len(counted(section.name))
    span = Span(start, start + old + 4)
    bench.rewrite.replace(*span, counted(name) + instance.to_bytes(4, "big"))
    entry = None if device is None else bench.description.entry(device)
    if entry is not None:
        entry.put("name", name)
        entry.put("instance_id", instance)
    path = f"{name}[{instance}]"
    bench.note("rename", section.path, section.path, path, span)
    return path


def _subsection(bench: Workbench, device: Device, value: Value, new: str) -> str:
    """Its name stands behind its type byte (migration/vmstate.c: vmstate_subsection_save)."""
    trail = bench.description.trail(device, value.span)
    raw = counted(new)
    trail.rename(value.name, new)
    start = value.span.start + 1
    span = Span(start, start + len(counted(value.name)))
    bench.rewrite.replace(*span, raw)
    bench.note("rename", value.path, value.name, new, span)
    return value.path.removesuffix(value.name) + new
