"""Everything of one fixed form, written: beside `wire.frames`, which reads it.

Source: QEMU, migration/savevm.c, migration/qemu-file.c (qemu_put_counted_string).
"""

from __future__ import annotations

from migstream.names import encoded
from migstream.wire.frames import COMMANDS, MAGIC, VERSION
from migstream.wire.model import SectionType

__all__ = [
    "NUMBERS",
    "command",
    "counted",
    "description",
    "file_header",
    "footer",
    "named_header",
    "numbered_header",
    "subsection_header",
]

NUMBERS = {kind.name: number for number, kind in COMMANDS.items()}


def _be32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def counted(name: str) -> bytes:
    """A name as the stream has it: its length in one byte, then itself.

    Raises
    ------
    ValueError : it is empty, or longer than 255 bytes
    """
    raw = encoded(name)
    if not 0 < len(raw) < 256:
        raise ValueError(f"a name of {len(raw)} bytes; it may have 1 to 255")
    return bytes((len(raw),)) + raw


def file_header(version: int = VERSION) -> bytes:
    """Magic and version (qemu_savevm_state_header)."""
    return MAGIC + _be32(version)


def named_header(
    kind: SectionType, section_id: int, name: bytes, instance_id: int, version_id: int
) -> bytes:
    """The header of START and FULL; `name` is counted (save_section_header)."""
    return numbered_header(kind, section_id) + name + _be32(instance_id) + _be32(version_id)


def numbered_header(kind: SectionType, section_id: int) -> bytes:
    """The header of PART and END, with which that of START and FULL begins (save_section_header)."""
    return bytes((kind,)) + _be32(section_id)


def footer(section_id: int) -> bytes:
    """What ends a section (save_section_footer)."""
    return bytes((SectionType.FOOTER,)) + _be32(section_id)


def subsection_header(name: bytes, version_id: int) -> bytes:
    """What a subsection begins with; `name` is counted (vmstate.c: vmstate_subsection_save)."""
    return bytes((SectionType.SUBSECTION,)) + name + _be32(version_id)


def command(number: int, payload: bytes = b"") -> bytes:
    """A command; `NUMBERS` has its number by name (qemu_savevm_command_send)."""
    head = number.to_bytes(2, "big") + len(payload).to_bytes(2, "big")
    return bytes((SectionType.COMMAND,)) + head + payload


def description(text: bytes) -> bytes:
    """The description behind the end marker (qemu_savevm_state_complete_precopy)."""
    return bytes((SectionType.VMDESCRIPTION,)) + _be32(len(text)) + text
