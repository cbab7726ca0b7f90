"""Acme's dumps: a magic and how many RAM blocks there are, then their contents one behind the other."""

from __future__ import annotations

from migstream.export.extract import Part, Plan
from migstream.ram.image import Ram
from migstream.stream import Stream


def plan(stream: Stream, ram: Ram, /) -> Plan:
    """What goes where in the file (protocol: migstream.export.Export)."""
    blocks = [block for block in ram.values() if block.elsewhere is None]
    head = b"ACMEDUMP" + len(blocks).to_bytes(4, "big")
    parts, at = [], len(head)
    for block in blocks:
        parts.append(Part(at, block.name, 0, block.size))
        at += block.size
    return Plan(size=at, heads=((0, head),), parts=tuple(parts))
