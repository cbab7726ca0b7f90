"""Annotations become fields: what is wrong with one is said when the class is made."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from migstream.vmstate.declared import codecs
from migstream.vmstate.declared.annotations import Spec, Wire
from migstream.vmstate.declared.fields import Codec, Field, Out
from migstream.vmstate.declared.interpreter import Subsection, VMStateDescription
from migstream.vmstate.declared.written import RELEASES
from migstream.vmstate.types import TYPES

__all__ = ["check_counts", "check_namespace", "hints", "make_field", "make_subsection"]


def hints(cls: type) -> dict[str, Any]:
    """The class's own annotations with their types, class variables left out."""
    own = inspect.get_annotations(cls)
    spaces = vars(sys.modules[cls.__module__])
    probe = type(cls.__name__, (), {"__annotations__": own})
    try:
        hints = typing.get_type_hints(probe, spaces, vars(cls), include_extras=True)
    except NameError as error:
        raise TypeError(
            f"{cls.__name__}: {error}; annotations see the names of the module only"
        ) from None
    return {
        name: hint
        for name, hint in hints.items()
        if hint is not ClassVar and typing.get_origin(hint) is not ClassVar
    }


def check_namespace(cls: type) -> None:
    """Raises TypeError where the class has a value that looks like a field and would not be saved."""
    annotated = inspect.get_annotations(cls)
    for name, value in vars(cls).items():
        if name in annotated or name.startswith("_") or name.isupper():
            continue
        if isinstance(value, Spec) or not (callable(value) or hasattr(value, "__get__")):
            raise TypeError(
                f"{cls.__name__}.{name} has no annotation, so it would not be saved:"
                f" write `{name}: U8 = ...` (or another type), or `{name}: ClassVar = ...`"
            )


def check_counts(cls: type, specs: Mapping[str, Spec], known: Iterable[str]) -> None:
    """Raises TypeError where a count or a size is the name of nothing that an object has."""
    there = {*known, *(name for base in cls.__mro__ for name in inspect.get_annotations(base))}
    for attribute, spec in specs.items():
        for name in (spec.count, spec.size):
            if isinstance(name, str) and name not in there and not hasattr(cls, name):
                from difflib import get_close_matches

                near = get_close_matches(name, there, 3)
                raise TypeError(
                    f"{cls.__name__}.{attribute}: {name!r} is not a field, nor a local() or property,"
                    f" of {cls.__name__}{': did you mean ' + ' or '.join(near) + '?' if near else ''}"
                )


def make_field(attribute: str, hint: Any, spec: Spec, where: str) -> Field:
    """The field of an annotation; raises TypeError where that says too little, or a default is wrong."""
    name = attribute if spec.name is None else spec.name
    element = _element(hint, spec, where)
    codec = codecs.Nothing() if spec.kind == "validate" else _codec(element, spec, where)
    _check_default(codec, spec, where)
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


def _check_default(codec: Codec, spec: Spec, where: str) -> None:
    """A default has to fit wherever the type alone says what fits."""
    known = isinstance(codec, codecs.Scalar | codecs.Raw | codecs.Bitmap)
    if spec.default is None or not known or not isinstance(spec.size, int | None):
        return
    try:
        codec.save(Out(RELEASES[-1]), spec.default, None)
    except (ValueError, TypeError) as error:
        raise TypeError(
            f"{where}: the default {spec.default!r} is not a {codec.type}: {error}"
        ) from None


def make_subsection(attribute: str, hint: Any, spec: Spec, where: str) -> Subsection:
    """The subsection of an annotation; raises TypeError where that is not a VMState."""
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
    inner = _description(element)
    if inner is not None:
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
    found = _description(hint)
    if found is None:
        raise TypeError(f"{where}: {hint} is not a VMState")
    return found


def _description(hint: Any) -> VMStateDescription | None:
    """What a VMState that was made already saves; None of any other type."""
    found = getattr(hint, "vmstate", None) if isinstance(hint, type) else None
    return found if isinstance(found, VMStateDescription) else None
