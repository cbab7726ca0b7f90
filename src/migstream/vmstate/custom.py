"""Insides of composite wire types that the description shows as one blob.

An expander gives the parts of a blob, which cover it exactly, or nothing where the bytes are not
as it knows them; it never raises.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

__all__ = ["EXPANDERS", "Part"]


class Part(msgspec.Struct, frozen=True):
    """A part of a blob: `offset` from its start, `size` of all `count` elements, in bytes."""

    name: str
    type: str
    offset: int
    size: int
    count: int = 1
    children: tuple[Part, ...] = ()


PCI_HEADER = (
    ("vendor", 2), ("device", 2), ("command", 2), ("status", 2), ("revision", 1), ("class", 3),
    ("cache_line", 1), ("latency", 1), ("header_type", 1), ("bist", 1),
)  # fmt: skip


def _pci_config(raw: memoryview) -> list[Part]:
    """Configuration space: the common header by name, the rest as bytes (little-endian inside)."""
    if len(raw) not in {256, 4096}:
        return []
    parts, at = [], 0
    for name, size in PCI_HEADER:
        parts.append(Part(name, "buffer", at, size))
        at += size
    parts.append(Part("rest", "buffer", at, len(raw) - at))
    return parts


EXPANDERS: dict[str, Callable[[memoryview], list[Part]]] = {"pci config": _pci_config}
