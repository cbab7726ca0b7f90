"""The capabilities that a configuration records: its subsection, and what the description says of it.

Source: QEMU, migration/savevm.c (vmstate_capabilites, vmstate_configuration).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from migstream.vmstate.jsontext import Object, objects, read_text, write_text
from migstream.wire import write
from migstream.wire.write import counted

__all__ = ["CAPABILITIES", "ORDER", "capabilities_section", "describe", "described"]

CAPABILITIES = "configuration/capabilities"
ORDER = ("configuration/target-page-bits", CAPABILITIES, "configuration/uuid")
MOST = 256


def capabilities_section(names: Sequence[str]) -> bytes:
    """The subsection's bytes; none for no capabilities.

    Raises
    ------
    ValueError : too many, or names of more than 255 bytes
    """
    if len(names) > MOST:
        raise ValueError(f"{len(names)} capabilities")
    if not names:
        return b""
    head = write.subsection_header(counted(CAPABILITIES), 1)
    return head + len(names).to_bytes(4, "big") + b"".join(map(counted, names))


def describe(configuration: Object, names: Sequence[str]) -> None:
    """Have the description's `configuration` list these capabilities, and no others."""
    subsections = configuration.get("subsections")
    kept = [s for s in objects(subsections) if s.get("vmsd_name") != CAPABILITIES]
    if names:
        kept.append(_entry(names))
    if subsections is not None:
        configuration.remove(subsections)
    if kept:
        configuration.put("subsections", sorted(kept, key=_place))


def _place(subsection: Object) -> int:
    """Where QEMU sends it; what it does not know comes last."""
    name = subsection.get("vmsd_name")
    return ORDER.index(name) if name in ORDER else len(ORDER)


def described(text: bytes, names: Sequence[str]) -> bytes:
    """A description whose configuration has these capabilities.

    QEMU describes the configuration from 8.2 on; an older description stays as it is.
    """
    tree, style = read_text(text)
    configuration = tree.get("configuration") if isinstance(tree, Object) else None
    if not isinstance(configuration, Object):
        return text
    describe(configuration, names)
    return write_text(tree, style)


def _entry(names: Sequence[str]) -> Object:
    """What the description says of the subsection: the first element speaks for all."""
    array: list[tuple[str, Any]] = [("array_len", len(names))] if len(names) > 1 else []
    size = len(counted(names[0]))
    count = Object([("name", "caps_count"), ("type", "uint32"), ("size", 4)])
    each = [("name", "capabilities"), *array, ("type", "capability"), ("size", size)]
    return Object([("vmsd_name", CAPABILITIES), ("version", 1), ("fields", [count, Object(each)])])
