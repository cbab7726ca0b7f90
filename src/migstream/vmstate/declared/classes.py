"""Device state declared as classes: fields are annotations, in the order of the wire.

    class Serial(VMState, name="serial", version=3):
        "16550A UART. Reference: hw/char/serial.c, ``vmstate_serial``."
        divider: U16
        rbr: U8
        fcr_vmstate: U8 = since(3, default=0)

    Serial.vmstate  # the VMStateDescription
    Serial(divider=12).rbr  # 0: what nobody set is zero

Each wire type is its Python type to a type checker. An attribute that is not state is declared
with `local()`, or set in a method without being declared.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Self, dataclass_transform

from migstream.vmstate.declared.annotations import (
    Spec,
    array,
    bitmap,
    buffer,
    field,
    gtree,
    local,
    pointers,
    qlist,
    qtailq,
    since,
    subsection,
    tmp,
    unused,
    validate,
    vstruct,
)
from migstream.vmstate.declared.compiling import (
    check_counts,
    check_namespace,
    hints,
    make_field,
    make_subsection,
)
from migstream.vmstate.declared.interpreter import VMStateDescription

__all__ = ["VMState"]


@dataclass_transform(
    kw_only_default=True,
    field_specifiers=(
        array,
        bitmap,
        buffer,
        field,
        gtree,
        local,
        pointers,
        qlist,
        qtailq,
        since,
        subsection,
        tmp,
        unused,
        validate,
        vstruct,
    ),
)
class VMState:
    """Base of declared state. Keywords of the class: `name`, `version`, `minimum_version`,
    `priority`, `early_setup`, as in VMStateDescription; without a name it is the class's own.

    An object is made with its fields as keywords; those that are not given have their defaults, or
    zeros. A type checker wants all of those that have no default: `blank` makes an object without.

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
        specs = {}
        check_namespace(cls)
        for attribute, hint in hints(cls).items():
            spec = cls.__dict__.get(attribute)
            where = f"{cls.__name__}.{attribute}"
            if attribute in cls.__dict__:
                delattr(cls, attribute)
            if not isinstance(spec, Spec):
                spec = Spec(default=spec)
            specs[attribute] = spec
            if spec.kind == "local":
                cls._locals[attribute] = spec.default
            elif spec.kind == "subsection":
                subsections.append(make_subsection(attribute, hint, spec, where))
            else:
                fields.append(make_field(attribute, hint, spec, where))
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
        check_counts(cls, specs, {*cls._attributes(), *cls._locals})

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

    @classmethod
    def blank(cls, **values: Any) -> Self:
        """A new object in which nothing else is set."""
        return cls(**values)

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
