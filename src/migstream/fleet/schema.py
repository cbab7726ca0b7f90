"""The tables of a fleet: what a row of each has. docs/fleet.md and the Parquet files are made from this.

FORMAT grows when a column is renamed, removed, or means something else; what is added does not change it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

__all__ = [
    "FORMAT",
    "GONE",
    "TABLES",
    "Block",
    "Device",
    "Field",
    "Finding",
    "Key",
    "Saved",
    "State",
    "Verdict",
    "columns",
]

FORMAT = 1

GONE: Literal["gone"] = "gone"
State = Literal["whole", "damaged", "unproven", "unread", "gone"]


def _is(description: str) -> Meta:
    return Meta(description=description)


Text = str | None
Number = int | None  # not negative, of at most 64 bits


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of any table."""


class Key(Row, frozen=True):
    """How each row of each table begins: what was scanned, and when."""

    object: Annotated[str, _is("16 digits that stand for the full address: the same in every run")]
    scan: Annotated[
        str, _is("16 digits that stand for one scan of it: rows of one scan have the same")
    ]
    url: Annotated[
        Text, _is("its name or address, without secrets; null where names were left out")
    ]
    time: Annotated[datetime, _is("when the run that scanned it began, UTC")]


class Saved(Row, frozen=True):
    """`streams`: one object."""

    mark: Annotated[
        Number, _is("differs once the object, or what is asked, has changed; null: nobody can tell")
    ] = None
    size: Annotated[Number, _is("bytes of the object as it is stored")] = None
    etag: Annotated[Text, _is("the store's tag of this state of it")] = None
    mtime: Annotated[datetime | None, _is("when it was written last")] = None
    state: Annotated[
        State,
        _is(
            "whole, damaged: all of it was read; unproven: its end was, nothing speaks against it; unread: see `error`;"
            " gone, in `history` alone: it was not there any more"
        ),
    ] = "unread"
    container: Annotated[
        Text, _is("what the stream stands in, the innermost last: `gzip, qcow2`")
    ] = None
    inside: Annotated[Text, _is("what the innermost container says of itself")] = None
    domain: Annotated[Text, _is("libvirt's name of the guest")] = None
    uuid: Annotated[Text, _is("the guest's UUID, as the stream or libvirt has it")] = None
    machine: Annotated[Text, _is("the machine type")] = None
    architecture: Annotated[Text, _is("of its CPUs")] = None
    writer: Annotated[Text, _is("releases of QEMU that can have written it, in words")] = None
    writer_first: Annotated[Text, _is("the oldest of them")] = None
    writer_before: Annotated[Text, _is("the first release that can not")] = None
    distribution: Annotated[Text, _is("whose build of QEMU the machine type is of")] = None
    cpu: Annotated[Text, _is("the CPU's model, as its registers tell")] = None
    capabilities: Annotated[list[str], _is("migration capabilities that it records")] = []
    accelerator: Annotated[Text, _is("kvm or tcg")] = None
    vcpus: Annotated[Number, _is("virtual CPUs")] = None
    max_vcpus: Annotated[Number, _is("virtual CPUs that there can be")] = None
    memory: Annotated[Number, _is("bytes of machine RAM")] = None
    plugged: Annotated[Number, _is("bytes of DIMMs and NVDIMMs")] = None
    devices: Annotated[Number, _is("device sections")] = None
    device_bytes: Annotated[Number, _is("bytes of them")] = None
    ram_blocks: Annotated[Number, _is("RAM blocks")] = None
    ram_bytes: Annotated[Number, _is("bytes of them, as they were listed")] = None
    description_bytes: Annotated[
        Number, _is("bytes of the description; null where there is none")
    ] = None
    digest: Annotated[Text, _is("of machine type and all device state: equal where that is")] = None
    errors: Annotated[Number, _is("findings of severity error")] = None
    warnings: Annotated[Number, _is("findings of severity warning")] = None
    left_out: Annotated[int, _is("rows of other tables that were too many")] = 0
    error: Annotated[Text, _is("the code of the error that ended the scan, such as MS400")] = None
    place: Annotated[Text, _is("where that was, in the stream")] = None
    message: Annotated[Text, _is("what it says")] = None
    hint: Annotated[Text, _is("what to do next")] = None
    again: Annotated[bool, _is("it failed in passing: the next run tries again")] = False


class Device(Row, frozen=True):
    """`devices`: one device section."""

    path: Annotated[
        str, _is("name and instance id, as paths have it: `0000:00:03.0/virtio-net[0]`")
    ]
    name: Annotated[str, _is("its name without the place on a bus")]
    instance_id: Annotated[Number, _is("instance id")]
    version_id: Annotated[Number, _is("version")]
    size: Annotated[Number, _is("bytes of its payload")]
    described: Annotated[bool, _is("whether the stream says what its bytes are")]
    digest: Annotated[str, _is("of its bytes, as `migstream digest` has it")]


class Block(Row, frozen=True):
    """`blocks`: one RAM block."""

    name: Annotated[str, _is("its name")]
    kind: Annotated[str, _is("machine, plugged: machine RAM; rom; device: of one on a bus; other")]
    size: Annotated[Number, _is("bytes, as it was listed")]
    page_size: Annotated[Number, _is("of its pages, where the stream says it")]
    address: Annotated[Number, _is("guest-physical, where the stream says it")]
    unplugged: Annotated[Number, _is("bytes of it that a virtio-mem device has not plugged in")]


class Finding(Row, frozen=True):
    """`findings`: one thing that is wrong, or worth knowing."""

    code: Annotated[str, _is("`migstream explain CODE` prints its page")]
    severity: Annotated[str, _is("error, warning or note")]
    section: Annotated[str, _is("the section")]
    path: Annotated[str, _is("where in it")]
    start: Annotated[Number, _is("first byte")]
    stop: Annotated[Number, _is("the byte behind the last one")]
    message: Annotated[str, _is("what is wrong")]
    expected: Annotated[str, _is("what should be there")]
    found: Annotated[str, _is("what is")]


class Verdict(Row, frozen=True):
    """`verdicts`: the load in one release, foretold from its catalogue."""

    release: Annotated[str, _is("the release")]
    loads: Annotated[
        bool | None, _is("whether it loads; null where that cannot be told: see `message`")
    ] = None
    problems: Annotated[Number, _is("what the load would end on")] = None
    losing: Annotated[Number, _is("devices that load and lose state")] = None
    unknown: Annotated[Number, _is("devices of which nothing is known")] = None
    device: Annotated[Text, _is("the device at which the load ends")] = None
    path: Annotated[Text, _is("the field, or what else it is about")] = None
    kind: Annotated[Text, _is("what kind of problem that is")] = None
    message: Annotated[Text, _is("what it is")] = None
    said: Annotated[Text, _is("what QEMU would print")] = None


class Field(Row, frozen=True):
    """`fields`: one value that was asked for with --field."""

    asked: Annotated[str, _is("the path as it was asked for")]
    path: Annotated[str, _is("the path of the value")]
    type: Annotated[str, _is("its type")]
    value: Annotated[str, _is("the value as text")]
    number: Annotated[
        Annotated[int, Meta(extra={"arrow": "int64"})] | None,
        _is("the value, where it is a number of 64 bits with a sign"),
    ]
    symbol: Annotated[str, _is("what the number is called")]


TABLES: dict[str, type[Row]] = {
    "streams": Saved,
    "devices": Device,
    "blocks": Block,
    "findings": Finding,
    "verdicts": Verdict,
    "fields": Field,
}

_ARROW = {str: "string", bool: "bool", int: "uint64", datetime: "timestamp"}


def columns(table: str) -> Iterator[tuple[str, str, str]]:
    """Name, type and meaning of each column of a table; a type is a name of Arrow's, `list` is one of text."""
    for kind in (Key, TABLES[table]):
        for name, hint in get_type_hints(kind, include_extras=True).items():
            inner, meta = get_args(hint)
            yield name, _arrow(inner), meta.description


def _arrow(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return str(get_args(hint)[1].extra["arrow"])
    if get_origin(hint) is list:
        return "list"
    if get_origin(hint) is Literal:
        return "string"
    kinds = [one for one in get_args(hint) or (hint,) if one is not type(None)]
    return _arrow(kinds[0]) if get_origin(kinds[0]) is Annotated else _ARROW[kinds[0]]
