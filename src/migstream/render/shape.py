"""The whole device state: what `decode` prints (docs/decode.md)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from migstream.render.answer import Answer, Pair
from migstream.render.written import Written
from migstream.stream import Device, Stream
from migstream.vmstate.values import Value
from migstream.wire.model import Configuration

__all__ = ["Decoded", "Folder", "decoded", "device"]


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration section: the machine type, and each subsection that was sent by its name."""

    span: Pair
    machine: str
    subsections: dict[str, Any]


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item of the stream; of one that is a device, all that is in it.

    `vmsd_name` is null, and `state` one buffer, where the device is not described. With `--meaning` a
    blob in `state` whose parts are known is an object of them, and a number that has a name an object of
    `value`, `symbol` and `description`, the last two where there is one.
    """

    kind: str
    span: Pair
    name: str | msgspec.UnsetType = msgspec.UNSET
    instance_id: int | msgspec.UnsetType = msgspec.UNSET
    version_id: int | msgspec.UnsetType | None = msgspec.UNSET
    section_id: int | msgspec.UnsetType = msgspec.UNSET
    vmsd_name: str | msgspec.UnsetType | None = msgspec.UNSET
    state: Any = msgspec.UNSET


class Decoded(Answer, tag="decode", frozen=True, kw_only=True):
    """The whole device state, without guest memory.

    `from` is "tail" where guest memory was not walked: `items` are then what precedes it, the
    devices, and the description.
    """

    file: str
    size: int
    read_from: Literal["walk", "tail"] = msgspec.field(name="from")
    machine: str | None
    configuration: Configured | None
    page_size: int | None
    items: list[Part]


class Folder(Written, tag="decode", frozen=True, kw_only=True):
    """The folder that `--full` made, and the size of the stream that is in it."""


def _configured(item: Configuration | None) -> Configured | None:
    if item is None:
        return None
    return Configured(
        span=item.span,
        machine=item.machine,
        subsections={s.name: s.value for s in item.subsections},
    )


def device(one: Device, *, meaning: bool = False) -> Part:
    """One device with its state; with `meaning` what the values mean as well."""
    section = one.section
    return Part(
        kind="device",
        span=section.span,
        name=section.name,
        instance_id=section.instance_id,
        version_id=section.version_id,
        section_id=section.section_id,
        vmsd_name=one.layout.vmsd_name if one.layout is not None else None,
        state=_told(one.value) if meaning else one.value.plain(),
    )


def _told(value: Value) -> Any:
    from migstream.vmstate.meaning.told import told

    return told(value)


def decoded(stream: Stream, *, meaning: bool = False) -> Decoded:
    """The whole device state; with `meaning` what the values mean as well."""
    devices = [device(one, meaning=meaning) for one in stream.devices]
    located = {one.span for one in devices}
    others = [
        Part(kind=item.label, span=item.span) for item in stream.head if item.span not in located
    ]
    description = stream.description
    tail = stream.description_span
    if tail is not None:
        others.append(Part(kind="description", span=tail))
    unique = {(i.span, i.kind): i for i in [*others, *devices]}
    return Decoded(
        file=stream.name,
        size=stream.size,
        read_from="walk" if stream.walked else "tail",
        machine=stream.machine,
        configuration=_configured(stream.configuration),
        page_size=description.page_size if description is not None else None,
        items=sorted(unique.values(), key=lambda i: i.span[0]),
    )
