"""Files that other tools open: which format is made by what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from migstream.plugins import Registry

if TYPE_CHECKING:
    from migstream.export.extract import Plan
    from migstream.ram.image import Ram
    from migstream.stream import Stream

__all__ = ["EXPORTS", "Export"]


class Export(Protocol):
    """Plans a file of one format: its heads, and which part of guest memory goes where.

    Raises
    ------
    Unsupported : the stream does not have what the format needs
    """

    def __call__(self, stream: Stream, ram: Ram, /) -> Plan: ...


EXPORTS: Registry[Export] = Registry(
    "migstream.exports",
    {
        "elf": "migstream.export.extract:elf_file",
        "elf-virtual": "migstream.export.extract:elf_virtual_file",
        "phys": "migstream.export.extract:phys_file",
        "lime": "migstream.export.extract:lime_file",
    },
)
