"""The JSON description that a source appends to its stream, as a typed model.

Written by QEMU's migration/savevm.c (qemu_savevm_state_complete_precopy_non_iterable) and
migration/vmstate.c (vmsd_desc_field_start, vmsd_desc_field_end). Keys may occur more than once in
one object (lists describe each element with the same keys), so objects are read as pairs.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from migstream.errors import BadDescription
from migstream.names import brief

__all__ = ["EDITED", "Description", "Device", "Field", "Group", "parse_description"]

MAX_DEPTH = 64
# Characters of one name or type, and of all the names that lead to a value. What QEMU sends as a
# name is counted by one byte (migration/savevm.c), and the others are names in its sources.
MAX_WORD = 255
MAX_PATH = 1024
MAX_SIZE = 1 << 62
# A second VMState beside the first in one object: a list of several elements.
REPEATED = re.compile(rb'\] ?, ?"vmsd_name"')
ROOT_KEYS = {"configuration", "page_size", "devices"}
# A key beside them, which no QEMU reads or writes: who changed what, [{"by": ..., "changes": [...]}, ...].
EDITED = "edited"
MOST_CHANGES = 64


class Group(msgspec.Struct, frozen=True):
    """A VMState as it was written: its name, its version, its fields, then its subsections."""

    vmsd_name: str
    version: int
    fields: tuple[Field, ...]
    subsections: tuple[Group, ...] = ()

    def __repr__(self) -> str:
        return brief("Group", self.vmsd_name, f"v{self.version}", f"{len(self.fields)} fields")


class Field(msgspec.Struct, frozen=True):
    """One entry of `fields`. `size` is in bytes and that of the first element.

    `array_len` is None for a single value; `struct` is the nested VMState of a struct; `inline`
    holds the VMStates that lists, trees and `tmp` put beside the entry's own keys.
    """

    name: str
    type: str
    size: int
    array_len: int | None = None
    struct: Group | None = None
    inline: tuple[Group, ...] = ()


class Device(msgspec.Struct, frozen=True):
    """One device section. `size` is given for old-style devices only (one raw `data` buffer)."""

    name: str
    instance_id: int
    group: Group
    size: int | None = None

    def __repr__(self) -> str:
        return brief("Device", f"{self.name}[{self.instance_id}]", self.group)

    @property
    def key(self) -> tuple[str, int]:
        return self.name, self.instance_id


class Description(msgspec.Struct, frozen=True):
    """The whole: `page_size` is the target page size in bytes, `text` the JSON as it was read.

    `changed` is what somebody who changed the stream added of that, a line each.
    """

    page_size: int
    devices: tuple[Device, ...]
    configuration: Group | None
    text: bytes
    changed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return brief("Description", f"{len(self.devices)} devices,", f"{len(self.text)} bytes")


class _Pairs(dict[str, Any]):
    """A JSON object in which a key occurs more than once; the pairs are kept as written."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else _Pairs(pairs)


def _bad(message: str, at: int | None = None, hint: str = "") -> BadDescription:
    return BadDescription(message, at=at, path=["description"], hint=hint)


def _get(table: Any, key: str, kind: type, what: str, default: Any = None) -> Any:
    if not isinstance(table, dict):
        raise _bad(f"{what} is not an object")
    value = table.get(key, default)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _bad(f"{what} has no {kind.__name__} {key!r}")
    if isinstance(value, int) and not 0 <= value <= MAX_SIZE:
        raise _bad(f"{what}: {key} is {'negative' if value < 0 else 'more than 2^62'}")
    if isinstance(value, str) and len(value) > MAX_WORD:
        raise _bad(f"{what}: a {key} of {len(value)} characters")
    return value


def _groups(table: dict[str, Any], depth: int, room: int) -> tuple[Group, ...]:
    """The VMStates inlined in a field entry; the same keys once for each of them."""
    if not isinstance(table, _Pairs):
        return (_group(table, depth, room),) if "fields" in table else ()
    found: list[dict[str, Any]] = []
    for key, value in table.pairs:
        if key == "vmsd_name":
            found.append({})
        if found and key in {"vmsd_name", "version", "fields", "subsections"}:
            found[-1][key] = value
    return tuple(_group(one, depth, room) for one in found)


def _changed(edited: Any) -> tuple[str, ...]:
    """Who changed what, a line each; whatever has another shape says nothing."""
    told = [
        f"{entry.get('by')}: {change}"[:MAX_PATH]
        for entry in (edited if isinstance(edited, list) else ())
        if isinstance(entry, dict) and isinstance(changes := entry.get("changes"), list)
        for change in changes
        if isinstance(change, str)
    ]
    return tuple(told[:MOST_CHANGES])


def _field(table: Any, depth: int, room: int) -> Field:
    name = _get(table, "name", str, "a field")
    room -= len(name) + 1
    array_len = table.get("array_len")
    if array_len is not None:
        array_len = _get(table, "array_len", int, f"field {name!r}")
    struct = table.get("struct")
    return Field(
        name=name,
        type=_get(table, "type", str, f"field {name!r}"),
        size=_get(table, "size", int, f"field {name!r}"),
        array_len=array_len,
        struct=None if struct is None else _group(struct, depth + 1, room),
        inline=_groups(table, depth + 1, room),
    )


def _group(table: Any, depth: int, room: int = MAX_PATH) -> Group:
    if depth > MAX_DEPTH:
        raise _bad(f"structs are nested more than {MAX_DEPTH} deep")
    if room < 0:
        raise _bad(f"the names that lead to a struct have more than {MAX_PATH} characters")
    return Group(
        vmsd_name=_get(table, "vmsd_name", str, "a VMState", ""),
        version=_get(table, "version", int, "a VMState", 0),
        fields=tuple(_field(f, depth, room) for f in _get(table, "fields", list, "a VMState", [])),
        subsections=tuple(
            _subsection(s, depth + 1, room)
            for s in _get(table, "subsections", list, "a VMState", [])
        ),
    )


def _subsection(table: Any, depth: int, room: int) -> Group:
    name = _get(table, "vmsd_name", str, "a subsection", "")
    return _group(table, depth, room - len(name) - 1)


def _device(table: Any) -> Device:
    name = _get(table, "name", str, "a device")
    return Device(
        name=name,
        instance_id=_get(table, "instance_id", int, f"device {name!r}"),
        group=_group(table, 0),
        size=None if table.get("size") is None else _get(table, "size", int, f"device {name!r}"),
    )


# --- the usual text, all at once -----------------------------------------------------------------

_Size = Annotated[int, msgspec.Meta(ge=0, le=MAX_SIZE)]
_Word = Annotated[str, msgspec.Meta(max_length=MAX_WORD)]


class _WireGroup(msgspec.Struct, gc=False):
    """A VMState as the text has it."""

    vmsd_name: _Word = ""
    version: _Size = 0
    fields: list[_WireField] = []
    subsections: list[_WireGroup] = []


class _WireField(msgspec.Struct, gc=False):
    """A field with the keys of a VMState beside its own, if it has such."""

    name: _Word
    type: _Word
    size: _Size
    array_len: _Size | None = None
    struct: _WireGroup | None = None
    vmsd_name: _Word = ""
    version: _Size = 0
    fields: list[_WireField] | None = None
    subsections: list[_WireGroup] = []


class _WireDevice(msgspec.Struct, gc=False):
    name: _Word
    instance_id: _Size
    size: _Size | None = None
    vmsd_name: _Word = ""
    version: _Size = 0
    fields: list[_WireField] = []
    subsections: list[_WireGroup] = []


class _WireDescription(msgspec.Struct, gc=False):
    devices: list[_WireDevice]
    page_size: _Size = 0
    configuration: _WireGroup | None = None
    edited: Any = None


def _made(
    wire: _WireGroup | _WireField | _WireDevice,
    fields: list[_WireField],
    depth: int,
    room: int = MAX_PATH,
) -> Group:
    if depth > MAX_DEPTH or room < 0:
        raise RecursionError
    return Group(
        wire.vmsd_name,
        wire.version,
        tuple(
            [
                Field(
                    f.name,
                    f.type,
                    f.size,
                    f.array_len,
                    None
                    if f.struct is None
                    else _made(f.struct, f.struct.fields, depth + 1, room - len(f.name) - 1),
                    ()
                    if f.fields is None
                    else (_made(f, f.fields, depth + 1, room - len(f.name) - 1),),
                )
                for f in fields
            ]
        ),
        tuple(
            [_made(s, s.fields, depth + 1, room - len(s.vmsd_name) - 1) for s in wire.subsections]
        ),
    )


def _at_once(text: bytes) -> Description | None:
    """The model of a description that is as it should be; None where the plain way has to look."""
    if REPEATED.search(text):
        return None
    try:
        wire = msgspec.json.decode(text, type=_WireDescription)
        return Description(
            page_size=wire.page_size,
            devices=tuple(
                [Device(d.name, d.instance_id, _made(d, d.fields, 0), d.size) for d in wire.devices]
            ),
            configuration=None
            if wire.configuration is None
            else _made(wire.configuration, wire.configuration.fields, 0),
            text=text,
            changed=_changed(wire.edited),
        )
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def parse_description(text: bytes, at: int | None = None) -> Description:
    """The model of a description.

    Parameters
    ----------
    text : the JSON alone, without type byte and length
    at : absolute offset of its first byte, for errors

    Raises
    ------
    BadDescription : not JSON, not of the shape any QEMU writes, or nested without end
    """
    return _at_once(text) or _one_by_one(text, at)


def _one_by_one(text: bytes, at: int | None) -> Description:
    """The plain way: keeps keys that are repeated, and says what is wrong."""
    import json

    try:
        table = json.loads(text.decode("utf-8", "surrogateescape"), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise _bad(
            f"not JSON: {error.msg.lower()}",
            at=None if at is None else at + error.pos,
            hint="devices are shown without names of fields; --like OTHER takes them from another stream",
        ) from None
    except (RecursionError, ValueError) as error:
        # ValueError: an integer of thousands of digits, which Python refuses to convert
        raise _bad(
            f"not JSON: {type(error).__name__}, nested or long beyond reason", at=at
        ) from None
    try:
        if not isinstance(table, dict) or not ROOT_KEYS & table.keys():
            raise _bad("this JSON describes no migration stream")
        configuration = table.get("configuration")
        return Description(
            page_size=_get(table, "page_size", int, "the description", 0),
            devices=tuple(_device(d) for d in _get(table, "devices", list, "the description", [])),
            configuration=None if configuration is None else _group(configuration, 0),
            text=text,
            changed=_changed(table.get(EDITED)),
        )
    except BadDescription as error:
        error.at = at if error.at is None else error.at
        raise
