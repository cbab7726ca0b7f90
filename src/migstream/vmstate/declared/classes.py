"""Device state declared as classes: fields are annotations, in the order of the wire.

    class Serial(VMState, name="serial", version=3):
        "16550A UART. Reference: hw/char/serial.c, ``vmstate_serial``."
        divider: U16
        rbr: U8
        fcr_vmstate: U8 = since(3, default=0)

    Serial.vmstate  # the VMStateDescription
    Serial(divider=12).rbr  # 0: what nobody set is zero

Each wire type is its Python type to a type checker. An attribute that is no state is declared
with `local()`, or set in a method without being declared.
"""

from __future__ import annotations

import copy
import inspect
import sys
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from migstream.vmstate.declared import codecs
from migstream.vmstate.declared.interpreter import (
    Codec,
    Count,
    Field,
    Subsection,
    VMStateDescription,
)
from migstream.vmstate.types import TYPES

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
    "VMState",
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


@dataclass(frozen=True)
class Wire:
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


@dataclass(frozen=True, kw_only=True)
class Spec:
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
    """A field with a name that is no identifier, a version, or a condition.

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
) -> Any:
    """``list[...]`` of `count` elements: a number, an attribute's name, or a function of the object.

    `size` is that of an element which is a buffer or a bitmap.
    """
    return Spec(count=count, size=size, name=name, since=since, exists=exists)


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
    size: Count, *, name: str | None = None, since: int = 0, exists: Exists | None = None
) -> Any:
    """Bytes: as many as `size` says (a number, an attribute's name, or a function of the object)."""
    return Spec(size=size, name=name, since=since, exists=exists)


def bitmap(
    bits: Count, *, name: str | None = None, since: int = 0, exists: Exists | None = None
) -> Any:
    """A number of `bits` bits."""
    return Spec(size=bits, name=name, since=since, exists=exists)


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


def subsection(*, needed: Callable[[Any], bool] | None = None) -> Any:
    """A VMState that is written after the fields when it is needed.

    ``Other | None``: needed when it is not None. ``Other``: when `needed` says so of this object,
    or without that the method `needed` of the other class.
    """
    return Spec(kind="subsection", needed=needed)


def validate(check: Exists, *, name: str) -> Any:
    """``_: Check = validate(...)``: must hold when saving and loading comes to it
    (VMSTATE_VALIDATE).
    """
    return Spec(kind="validate", exists=check, name=name)


def local(default: Any = None) -> Any:
    """An attribute that is no state: neither saved nor loaded."""
    return Spec(kind="local", default=default)


# --- the class -----------------------------------------------------------------------------------


class VMState:
    """Base of declared state. Keywords of the class: `name`, `version`, `minimum_version`,
    `priority`, `early_setup`, as in VMStateDescription; without a name it is the class's own.

    The hooks may be overridden. One that raises ValueError while loading refuses the stream, and
    the object is as before.
    """

    vmstate: ClassVar[VMStateDescription]
    _locals: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        version: int = 1,
        minimum_version: int = 0,
        priority: int = 0,
        early_setup: bool = False,
    ) -> None:
        super().__init_subclass__()
        inherited: VMStateDescription | None = getattr(cls, "vmstate", None)
        fields = list(inherited.fields) if inherited else []
        subsections = list(inherited.subsections) if inherited else []
        cls._locals = dict(cls._locals)
        for attribute, hint in _hints(cls).items():
            spec = cls.__dict__.get(attribute)
            where = f"{cls.__name__}.{attribute}"
            if isinstance(spec, Spec):
                delattr(cls, attribute)
            elif spec is not None:
                raise TypeError(f"{where} is no field: write field(default=...) or local(...)")
            else:
                spec = Spec()
            if spec.kind == "local":
                cls._locals[attribute] = spec.default
            elif spec.kind == "subsection":
                subsections.append(_subsection(attribute, hint, spec, where))
            else:
                fields.append(_field(attribute, hint, spec, where))
        cls.vmstate = VMStateDescription(
            name=cls.__name__ if name is None else name,
            version_id=version,
            minimum_version_id=minimum_version,
            fields=tuple(fields),
            subsections=tuple(subsections),
            priority=priority,
            early_setup=early_setup,
            factory=cls,
            **_hooks(cls),
        )

    def __init__(self, **values: Any) -> None:
        for name, value in self._locals.items():
            setattr(self, name, copy.copy(value))
        known = self._attributes()
        for name, value in values.items():
            if name not in known and name not in self._locals:
                raise TypeError(f"{type(self).__name__} has no field {name!r}")
            setattr(self, name, value)
        # counts come before what they count
        fields = self.vmstate.fields
        for each in sorted(fields, key=lambda each: not isinstance(each.count, int | None)):
            if each.attribute and each.attribute not in values:
                setattr(self, each.attribute, each.initial(self))
        for sub in self.vmstate.subsections:
            if sub.attribute and sub.attribute not in values:
                made = None if sub.optional else sub.description.make()
                setattr(self, sub.attribute, made)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._state().items())
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VMState) or type(self) is not type(other):
            return NotImplemented
        return self._state() == other._state()

    def _state(self) -> dict[str, Any]:
        """All that is saved, by attribute, as it is written."""
        fields = {each.attribute: each.written(self) for each in self.vmstate.fields}
        return {
            name: fields[name] if name in fields else getattr(self, name)
            for name in self._attributes()
        }

    @classmethod
    def _attributes(cls) -> list[str]:
        fields = [each.attribute for each in cls.vmstate.fields]
        subsections = [each.attribute for each in cls.vmstate.subsections]
        return [name for name in (*fields, *subsections) if name is not None]

    def needed(self) -> bool:
        """Whether the section or subsection is written."""
        return True

    def pre_save(self) -> None:
        """Called before the fields are written."""

    def post_save(self) -> None:
        """Called after the fields were written, or could not be."""

    def pre_load(self) -> None:
        """Called before the fields are read."""

    def post_load(self, version: int) -> None:
        """Called after the fields and subsections were read, with the version that was read."""


def _hooks(cls: type[VMState]) -> dict[str, Any]:
    """The hooks that a class overrides, as functions of the object."""
    names = ("needed", "pre_save", "post_save", "pre_load", "post_load")
    return {
        name: hook for name in names if (hook := getattr(cls, name)) is not getattr(VMState, name)
    }


def _hints(cls: type) -> dict[str, Any]:
    """The class's own annotations with their types, class variables left out."""
    own = inspect.get_annotations(cls)
    spaces = vars(sys.modules[cls.__module__])
    probe = types.SimpleNamespace(__annotations__=dict(own))
    try:
        hints = typing.get_type_hints(probe, spaces, vars(cls), include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{cls.__name__}: {error}; annotations see the names of the module only"
        ) from None
    return {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not ClassVar}


def _field(attribute: str, hint: Any, spec: Spec, where: str) -> Field:
    name = attribute if spec.name is None else spec.name
    element = _element(hint, spec, where)
    codec = codecs.Nothing() if spec.kind == "validate" else _codec(element, spec, where)
    kept = not isinstance(codec, codecs.Unused | codecs.Tmp | codecs.Nothing)
    return Field(
        name=name,
        codec=codec,
        attribute=attribute if kept else None,
        count=spec.count,
        since=spec.since,
        exists=spec.exists,
        pointers=spec.kind == "pointers",
        marked=spec.marked,
        must_exist=spec.kind == "validate",
        default=spec.default,
    )


def _subsection(attribute: str, hint: Any, spec: Spec, where: str) -> Subsection:
    inner, optional = _without_none(hint)
    return Subsection(
        description=_vmstate(inner, where),
        attribute=attribute,
        optional=optional,
        needed=spec.needed,
    )


def _without_none(hint: Any) -> tuple[Any, bool]:
    """The type of ``X | None``, and whether None was in it."""
    if typing.get_origin(hint) not in {types.UnionType, typing.Union}:
        return hint, False
    others = [arg for arg in typing.get_args(hint) if arg is not types.NoneType]
    return (others[0] if len(others) == 1 else hint), True


def _element(hint: Any, spec: Spec, where: str) -> Any:
    """The type of one element."""
    many = spec.count is not None or spec.kind in {"qtailq", "qlist"}
    is_list = typing.get_origin(hint) is list
    if spec.kind == "gtree":
        return hint
    if many != is_list:
        raise TypeError(
            f"{where}: a list is declared as array(...), pointers(...), qtailq() or qlist()"
            if is_list
            else f"{where}: an array is annotated as list[...]"
        )
    if not is_list:
        return hint
    [element] = typing.get_args(hint)
    return _without_none(element)[0] if spec.kind == "pointers" else element


def _codec(element: Any, spec: Spec, where: str) -> Codec:
    if spec.kind == "gtree":
        return _tree(element, spec, where)
    if isinstance(element, type) and issubclass(element, VMState):
        inner = element.vmstate
        match spec.kind:
            case "tmp":
                return codecs.Tmp(inner, spec.since)
            case "vstruct":
                return codecs.VStruct(inner, spec.version)
            case "qtailq" | "qlist":
                return codecs.Queue(spec.kind, inner, spec.since or None)
        return codecs.Struct(inner)
    wires = [each for each in getattr(element, "__metadata__", ()) if isinstance(each, Wire)]
    if not wires:
        raise TypeError(f"{where}: {element} says nothing of the wire; see U8, Buffer, local()")
    wire = wires[0].type
    return wire if isinstance(wire, Codec) else _named(wire, element.__origin__, spec, where)


def _named(name: str, python: type, spec: Spec, where: str) -> Codec:
    """The codec of a type by its name; those without a length of their own need a size."""
    known = TYPES.get(name)
    if known is not None and known.size is not None:
        return codecs.scalar(name)
    if spec.size is None:
        try:
            return codecs.scalar(name)
        except ValueError:
            raise TypeError(f"{where}: how many bytes? See buffer(), bitmap(), unused()") from None
    if name == "unused_buffer":
        return codecs.Unused(spec.size)
    if name == "bitmap":
        return codecs.Bitmap(spec.size)
    return codecs.Raw(name, spec.size, python)


def _tree(hint: Any, spec: Spec, where: str) -> Codec:
    args = typing.get_args(hint)
    version = spec.since or None
    if typing.get_origin(hint) is dict:
        return codecs.Tree(None, _vmstate(args[1], where), version, spec.order)
    pair = typing.get_args(args[0]) if typing.get_origin(hint) is list else ()
    if len(pair) != 2:
        raise TypeError(f"{where}: a tree is a dict[int, Value] or a list[tuple[Key, Value]]")
    return codecs.Tree(_vmstate(pair[0], where), _vmstate(pair[1], where), version, spec.order)


def _vmstate(hint: Any, where: str) -> VMStateDescription:
    if not (isinstance(hint, type) and issubclass(hint, VMState)):
        raise TypeError(f"{where}: {hint} is no VMState")
    return hint.vmstate
