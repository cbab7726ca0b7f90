"""Live and old-style sections other than RAM: which codec reads a section of which name."""

from __future__ import annotations

from migstream.plugins import Registry
from migstream.wire.registry import Factory

__all__ = ["SECTIONS"]

SECTIONS: Registry[Factory] = Registry(
    "migstream.sections",
    {
        "ram": "migstream.ram.codec:RamCodec",
        "spapr/htab": "migstream.iterable.htab:Htab",
        "s390-storage_attributes": "migstream.iterable.stattrib:StorageAttributes",
        "s390-skeys": "migstream.iterable.skeys:StorageKeys",
        "dirty-bitmap": "migstream.iterable.bitmap:DirtyBitmap",
        "block": "migstream.iterable.block:Block",
        "vfio": "migstream.iterable.vfio:Vfio",
        "*/vfio": "migstream.iterable.vfio:Vfio",
        "pbs-state": "migstream.iterable.pbs:PbsState",
    },
)
