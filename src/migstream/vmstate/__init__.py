"""Device state: read through a description, declared, saved and loaded.

from migstream.vmstate import U8, U16, VMState, since

class Serial(VMState, name="serial", version=3):
divider: U16
rbr: U8
fcr_vmstate: U8 = since(3, default=0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migstream.vmstate.declared.annotations import I8 as I8
    from migstream.vmstate.declared.annotations import I16 as I16
    from migstream.vmstate.declared.annotations import I32 as I32
    from migstream.vmstate.declared.annotations import I64 as I64
    from migstream.vmstate.declared.annotations import U8 as U8
    from migstream.vmstate.declared.annotations import U16 as U16
    from migstream.vmstate.declared.annotations import U32 as U32
    from migstream.vmstate.declared.annotations import U64 as U64
    from migstream.vmstate.declared.annotations import Bitmap as Bitmap
    from migstream.vmstate.declared.annotations import Bool as Bool
    from migstream.vmstate.declared.annotations import Buffer as Buffer
    from migstream.vmstate.declared.annotations import Check as Check
    from migstream.vmstate.declared.annotations import Double as Double
    from migstream.vmstate.declared.annotations import I32AtMost as I32AtMost
    from migstream.vmstate.declared.annotations import I32Equal as I32Equal
    from migstream.vmstate.declared.annotations import Timer as Timer
    from migstream.vmstate.declared.annotations import U8Equal as U8Equal
    from migstream.vmstate.declared.annotations import U16Equal as U16Equal
    from migstream.vmstate.declared.annotations import U32Equal as U32Equal
    from migstream.vmstate.declared.annotations import U64Equal as U64Equal
    from migstream.vmstate.declared.annotations import Unused as Unused
    from migstream.vmstate.declared.annotations import Wire as Wire
    from migstream.vmstate.declared.annotations import WritableBuffer as WritableBuffer
    from migstream.vmstate.declared.annotations import array as array
    from migstream.vmstate.declared.annotations import bitmap as bitmap
    from migstream.vmstate.declared.annotations import buffer as buffer
    from migstream.vmstate.declared.annotations import field as field
    from migstream.vmstate.declared.annotations import gtree as gtree
    from migstream.vmstate.declared.annotations import local as local
    from migstream.vmstate.declared.annotations import pointers as pointers
    from migstream.vmstate.declared.annotations import qlist as qlist
    from migstream.vmstate.declared.annotations import qtailq as qtailq
    from migstream.vmstate.declared.annotations import since as since
    from migstream.vmstate.declared.annotations import subsection as subsection
    from migstream.vmstate.declared.annotations import tmp as tmp
    from migstream.vmstate.declared.annotations import unused as unused
    from migstream.vmstate.declared.annotations import validate as validate
    from migstream.vmstate.declared.annotations import vstruct as vstruct
    from migstream.vmstate.declared.classes import VMState as VMState
    from migstream.vmstate.declared.codecs import Info as Info
    from migstream.vmstate.declared.fields import Field as Field
    from migstream.vmstate.declared.interpreter import Subsection as Subsection
    from migstream.vmstate.declared.interpreter import VMStateDescription as VMStateDescription

__all__ = [
    "I8",
    "I16",
    "I32",
    "I64",
    "U8",
    "U16",
    "U32",
    "U64",
    "Bitmap",
    "Bool",
    "Buffer",
    "Check",
    "Double",
    "Field",
    "I32AtMost",
    "I32Equal",
    "Info",
    "Subsection",
    "Timer",
    "U8Equal",
    "U16Equal",
    "U32Equal",
    "U64Equal",
    "Unused",
    "VMState",
    "VMStateDescription",
    "Wire",
    "WritableBuffer",
    "array",
    "bitmap",
    "buffer",
    "field",
    "gtree",
    "local",
    "pointers",
    "qlist",
    "qtailq",
    "since",
    "subsection",
    "tmp",
    "unused",
    "validate",
    "vstruct",
]

_HOMES = {
    "Info": "codecs",
    "Field": "fields",
    "Subsection": "interpreter",
    "VMState": "classes",
    "VMStateDescription": "interpreter",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use: reading streams needs none of the declarations."""
    if name not in __all__:
        raise AttributeError(f"module 'migstream.vmstate' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"migstream.vmstate.declared.{_HOMES.get(name, 'annotations')}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    """The promised names, used or not."""
    return sorted(__all__)
