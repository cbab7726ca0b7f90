"""Another name for a device, a live section, a subsection or a RAM block."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migstream.edit import memory
from migstream.errors import Unsupported
from migstream.wire.model import Section, Span
from migstream.wire.write import counted

if TYPE_CHECKING:
    from migstream.edit.change import Edit
    from migstream.edit.targets import Target
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["rename"]

INSTANCE = re.compile(r"^(.+)\[(\d+)\]$")
NAME_AT = 5  # of a section's header: behind type and section id


def rename(edit: Edit, target: Target, new: str) -> str:
    """Rename a target; the path under which it is found in the result.

    Raises
    ------
    ValueError : the name is empty or longer than 255 bytes
    Unsupported : a subsection of the configuration; or there is something of that name
    """
    if target.block is not None:
        return _block(edit, target.block, new)
    if target.device is not None and target.value is not None:
        return _subsection(edit, target.device, target.value, new)
    if target.device is not None:
        return _section(edit, target.device.section, new, target.device)
    if target.live:
        return _section(edit, target.live[0], new, None)
    raise Unsupported(f"{target.path} has a name that every QEMU knows; it can only be dropped")


def _block(edit: Edit, name: str, new: str) -> str:
    if any(block.name == new for block in edit.stream.blocks):
        raise Unsupported(f"there is a RAM block {new} already")
    memory.rename_block(edit.stream, edit.rewrite, name, new)
    span = next(b.span for b in edit.stream.blocks if b.name == name)
    edit.note("rename", f"ram/{name}", name, new, Span(span.start, span.start + 1 + len(name)))
    return f"ram/{new}"


def _section(edit: Edit, section: Section, new: str, device: Device | None) -> str:
    """The header of START and FULL (migration/savevm.c: save_section_header)."""
    name, instance = new, section.instance_id
    if given := INSTANCE.match(new):
        name, instance = given.group(1), int(given.group(2))
    if instance >= 1 << 32:
        raise ValueError(f"an instance id of 32 bits, not {instance}")
    if (section.type, name, instance) in edit.taken:
        raise Unsupported(f"there is a section {name}[{instance}] already")
    start = section.span.start + NAME_AT
    old = len(counted(section.name))
    span = Span(start, start + old + 4)
    edit.rewrite.replace(*span, counted(name) + instance.to_bytes(4, "big"))
    entry = None if device is None else edit.described.entry(device)
    if entry is not None:
        entry.put("name", name)
        entry.put("instance_id", instance)
    path = f"{name}[{instance}]"
    edit.note("rename", section.path, section.path, path, span)
    return path


def _subsection(edit: Edit, device: Device, value: Value, new: str) -> str:
    """Its name stands behind its type byte (migration/vmstate.c: vmstate_subsection_save)."""
    trail = edit.described.trail(device, value.span)
    raw = counted(new)
    trail.rename(value.name, new)
    start = value.span.start + 1
    span = Span(start, start + len(counted(value.name)))
    edit.rewrite.replace(*span, raw)
    edit.note("rename", value.path, value.name, new, span)
    return value.path.removesuffix(value.name) + new
