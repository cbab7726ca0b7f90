"""What is written in the class of a device: wire types behind the colon, and what stands behind the =.

Each wire type is its Python type to a type checker. A plain value behind the = is the default.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from migstream.vmstate.declared.fields import Codec, Count

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
    "I32AtMost",
    "I32Equal",
    "Timer",
    "U8Equal",
    "U16Equal",
    "U32Equal",
    "U64Equal",
    "Unused",
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

Exists = Callable[[Any, int], bool]


class Wire(msgspec.Struct, frozen=True):
    """The wire type of an annotated Python type: a name of the table, or a codec of one's own.

    ``Annotated[bytes, Wire("pci config")]`` with ``buffer(256)``;
    ``Annotated[Mac, Wire(Info("mac", put, get))]``.
    """

    type: str | Codec


U8 = Annotated[int, Wire("uint8")]
U16 = Annotated[int, Wire("uint16")]
U32 = Annotated[int, Wire("uint32")]
U64 = Annotated[int, Wire("uint64")]
I8 = Annotated[int, Wire("int8")]
I16 = Annotated[int, Wire("int16")]
I32 = Annotated[int, Wire("int32")]
I64 = Annotated[int, Wire("int64")]
Bool = Annotated[bool, Wire("bool")]
Double = Annotated[float, Wire("CPU_Double_U")]
Timer = Annotated[int, Wire("timer")]
U8Equal = Annotated[int, Wire("uint8 equal")]
U16Equal = Annotated[int, Wire("uint16 equal")]
U32Equal = Annotated[int, Wire("uint32 equal")]
I32Equal = Annotated[int, Wire("int32 equal")]
U64Equal = Annotated[int, Wire("int64 equal")]  # unsigned, in spite of QEMU's name
I32AtMost = Annotated[int, Wire("int32 le")]
Buffer = Annotated[bytes, Wire("buffer")]
WritableBuffer = Annotated[bytearray, Wire("buffer")]
Bitmap = Annotated[int, Wire("bitmap")]
Unused = Annotated[None, Wire("unused_buffer")]
Check = Annotated[None, Wire("")]


# --- what stands behind the = -------------------------------------------------------------------


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What an annotation alone does not say of a field. `kind` tells the special ones."""

    kind: str = ""
    name: str | None = None
    since: int = 0
    exists: Exists | None = None
    default: Any = None
    count: Count | None = None
    size: Count | None = None
    version: int = 0
    marked: bool = False
    needed: Callable[[Any], bool] | None = None
    order: Callable[[Any], Any] | None = None


def field(
    *, name: str | None = None, since: int = 0, exists: Exists | None = None, default: Any = None
) -> Any:
    """A field with a name that is not an identifier, a version, or a condition.

    Parameters
    ----------
    name : as QEMU calls it, such as ``env.regs``; the attribute's own without it
    since : the version that has it first
    exists : whether it is there, of the object and the version in use; then `since` is not asked
    default : the value of a new object; stays when the stream has none
    """
    return Spec(name=name, since=since, exists=exists, default=default)


def since(version: int, *, default: Any = None, name: str | None = None) -> Any:
    """A field that older streams do not have (VMSTATE_UINT8_V and its kind)."""
    return Spec(name=name, since=version, default=default)


def array(
    count: Count,
    *,
    size: Count | None = None,
    name: str | None = None,
    since: int = 0,
    exists: Exists | None = None,
    default: Any = None,
) -> Any:
    """``list[...]`` of `count` elements: a number, an attribute's name, or a function of the object.

    `size` is that of an element which is a buffer or a bitmap, `default` each element's value in a
    new object.
    """
    return Spec(count=count, size=size, name=name, since=since, exists=exists, default=default)


def pointers(
    count: Count,
    *,
    marked: bool = False,
    name: str | None = None,
    since: int = 0,
    exists: Exists | None = None,
) -> Any:
    """``list[... | None]``: an array of pointers (VMSTATE_ARRAY_OF_POINTER_TO_STRUCT).

    A null pointer is one byte. Which elements are there must be the same on both sides, unless
    they are `marked`: a byte before each element, written by QEMU 11.1 and later only, which a
    SaveVM is told with ``release="11.1"``.
    """
    return Spec(kind="pointers", count=count, marked=marked, name=name, since=since, exists=exists)


def buffer(
    size: Count,
    *,
    name: str | None = None,
    since: int = 0,
    exists: Exists | None = None,
    default: bytes | None = None,
) -> Any:
    """Bytes: as many as `size` says (a number, an attribute's name, or a function of the object)."""
    return Spec(size=size, name=name, since=since, exists=exists, default=default)


def bitmap(
    bits: Count,
    *,
    name: str | None = None,
    since: int = 0,
    exists: Exists | None = None,
    default: int | None = None,
) -> Any:
    """A number of `bits` bits."""
    return Spec(size=bits, name=name, since=since, exists=exists, default=default)


def unused(
    size: Count, *, name: str = "unused", since: int = 0, exists: Exists | None = None
) -> Any:
    """Padding where a field once was (VMSTATE_UNUSED)."""
    return Spec(size=size, name=name, since=since, exists=exists)


def tmp(*, name: str = "tmp", since: int = 0, exists: Exists | None = None) -> Any:
    """A VMState of an object made for the transfer; its `parent` is this object
    (VMSTATE_WITH_TMP).

    It is saved at its own version and loaded at this field's, which is `since`: 0 with that macro.
    """
    return Spec(kind="tmp", name=name, since=since, exists=exists)


def vstruct(
    version: int, *, name: str | None = None, since: int = 0, exists: Exists | None = None
) -> Any:
    """A nested VMState at a version that this one fixes (VMSTATE_VSTRUCT)."""
    return Spec(kind="vstruct", version=version, name=name, since=since, exists=exists)


def qtailq(*, name: str | None = None, since: int = 0, exists: Exists | None = None) -> Any:
    """``list[...]`` of any length (VMSTATE_QTAILQ_V).

    Elements are saved at their own version and loaded at the field's: the macro's, which is
    `since`. Without it, they are loaded at their own.
    """
    return Spec(kind="qtailq", name=name, since=since, exists=exists)


def qlist(*, name: str | None = None, since: int = 0, exists: Exists | None = None) -> Any:
    """``list[...]`` of any length (VMSTATE_QLIST_V); versions as with `qtailq`."""
    return Spec(kind="qlist", name=name, since=since, exists=exists)


def gtree(
    *,
    order: Callable[[Any], Any] | None = None,
    name: str | None = None,
    since: int = 0,
    exists: Exists | None = None,
) -> Any:
    """``dict[int, Value]``, or ``list[tuple[Key, Value]]`` where keys are VMStates
    (VMSTATE_GTREE_V); versions as with `qtailq`.

    It is written in the order of the keys, as a GTree is. `order` makes of a key what is compared
    (as ``key`` of `sorted`); without it numbers go up, and VMStates by their fields, the first one
    first.
    """
    return Spec(kind="gtree", name=name, since=since, exists=exists, order=order)


def subsection(
    *,
    needed: Callable[[Any], bool] | None = None,
    default: None = None,  # noqa: ARG001 - for type checkers
) -> Any:
    """A VMState that is written after the fields when it is needed.

    ``Other | None``: needed when it is not None. ``Other``: when `needed` says so of this object,
    or without that the method `needed` of the other class. ``default=None`` tells a type checker
    that it need not be given, which is so in any case.
    """
    return Spec(kind="subsection", needed=needed)


def validate(check: Exists, *, name: str) -> Any:
    """``_: Check = validate(...)``: must hold when saving and loading comes to it
    (VMSTATE_VALIDATE).
    """
    return Spec(kind="validate", exists=check, name=name)


def local(default: Any = None) -> Any:
    """An attribute that is not state: neither saved nor loaded."""
    return Spec(kind="local", default=default)
