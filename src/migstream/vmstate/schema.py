"""What `-dump-vmstate` prints: the VMStates of every device that a QEMU has, as its code declares them.

No types, no wire sizes, nothing of what is registered by hand (`ram`, `timer`, most of `cpu`); but versions,
minimum versions, and the subsections that a device would understand.
Reference: QEMU, migration/savevm.c: dump_vmstate_json_to_file, dump_vmstate_vmsd, dump_vmstate_vmsf.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from migstream.errors import BadDescription
from migstream.names import brief
from migstream.source.opened import Openable, open_source

__all__ = ["Schema", "SchemaField", "State", "Type", "is_schema", "open_schema", "parse_schema"]

MACHINE = "vmschkmachine"
LARGEST = 64 << 20
HEAD = 64  # bytes that tell it from a stream
CHUNK = 1 << 18


class SchemaField(msgspec.Struct, frozen=True, kw_only=True):
    """A field; `size` is that of one element in C, in bytes, and `num` how many (where written at all)."""

    name: str = msgspec.field(name="field")
    version_id: int = 0
    field_exists: bool = False
    num: int | None = None
    size: int = 0
    description: State | None = msgspec.field(name="Description", default=None)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A VMStateDescription; subsections have the same shape."""

    name: str
    version_id: int = 0
    minimum_version_id: int = 0
    fields: tuple[SchemaField, ...] = msgspec.field(name="Fields", default=())
    subsections: tuple[State, ...] = msgspec.field(name="Subsections", default=())

    def __repr__(self) -> str:
        version = f"version {self.version_id},"
        return brief("State", self.name, version, f"{len(self.fields)} fields")

    def states(self) -> Iterator[State]:
        """Itself and all inside it, subsections included."""
        yield self
        for field in self.fields:
            if field.description is not None:
                yield from field.description.states()
        for subsection in self.subsections:
            yield from subsection.states()


class Type(msgspec.Struct, frozen=True, kw_only=True):
    """A device type (QOM) with its VMState."""

    name: str = msgspec.field(name="Name")
    version_id: int = 0
    minimum_version_id: int = 0
    description: State | None = msgspec.field(name="Description", default=None)


class Schema:
    """One file. `types` are by QOM name, in the file's order."""

    def __init__(self, machine: str, types: dict[str, Type], name: str = "") -> None:
        self.machine = machine
        self.types = types
        self.name = name

    def __repr__(self) -> str:
        return brief("Schema", f"{self.name}:", self.machine, f"{len(self.types)} types")

    @cached_property
    def devices(self) -> dict[str, tuple[State, ...]]:
        """Devices' own VMStates by name; several types can have different ones of a name."""
        found: dict[str, list[State]] = {}
        for one in self.types.values():
            if one.description is not None:
                found.setdefault(one.description.name, []).append(one.description)
        return {name: tuple(states) for name, states in found.items()}

    @cached_property
    def states(self) -> dict[str, tuple[State, ...]]:
        """Every VMState by name, those inside others and subsections included."""
        found: dict[str, list[State]] = {}
        for one in self.types.values():
            for state in one.description.states() if one.description is not None else ():
                found.setdefault(state.name, []).append(state)
        return {name: tuple(states) for name, states in found.items()}

    @cached_property
    def numbered(self) -> bool:
        """Whether fixed arrays have their length (`num`: 10.0, not 7.2)."""
        return any(
            field.num is not None
            for states in self.states.values()
            for state in states
            for field in state.fields
        )


def parse_schema(text: bytes, name: str = "") -> Schema:
    """Read the JSON text of a `-dump-vmstate` file.

    Raises
    ------
    BadDescription : it is not a file of accepted breaks
    """
    try:
        table: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        head = table.pop(MACHINE)
        types = msgspec.convert(table, dict[str, Type])
        machine = msgspec.convert(head, _Machine).name
    except KeyError:
        raise BadDescription(
            f"it is not a -dump-vmstate file: it has no {MACHINE!r}",
            hint="qemu-system-… -M MACHINE -dump-vmstate FILE makes one",
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadDescription(f"it is not a -dump-vmstate file: {error}") from None
    return Schema(machine, types, name)


class _Machine(msgspec.Struct, frozen=True):
    name: str = msgspec.field(name="Name")


def is_schema(path: str) -> bool:
    """Whether a file, compressed or not, is JSON, which no stream is. What goes by once is not looked into.

    Raises
    ------
    SourceError : it cannot be read
    """
    if not Path(path).is_file():
        return False
    opened = open_source(path)
    try:
        return opened.head(HEAD).lstrip().startswith(b"{")
    finally:
        opened.close()


def open_schema(what: Openable) -> Schema:
    """Read a `-dump-vmstate` file, compressed or not.

    Raises
    ------
    SourceError : it cannot be read
    BadDescription : it is not a file of accepted breaks
    """
    opened = open_source(what)
    try:
        reader, text = opened.reader(), bytearray()
        while piece := reader.read(CHUNK):
            text += piece
            if len(text) > LARGEST:
                raise BadDescription("it is too large for a -dump-vmstate file")
        return parse_schema(bytes(text), opened.name)
    finally:
        opened.close()
