"""The shape of `decode` (docs/decode.md); documents are written as `migstream.names` has it."""

from __future__ import annotations

from typing import Any

from migstream.names import json_text as to_json
from migstream.stream import Device, Stream
from migstream.wire.model import Configuration

__all__ = ["FORMAT", "configuration", "decoded", "device", "to_json"]

FORMAT = 1


def configuration(item: Configuration | None) -> dict[str, Any] | None:
    """The configuration section: machine, and each subsection that was sent by its name."""
    if item is None:
        return None
    return {
        "span": list(item.span),
        "machine": item.machine,
        "subsections": {s.name: s.value for s in item.subsections},
    }


def device(one: Device) -> dict[str, Any]:
    """One device with its state."""
    section = one.section
    return {
        "kind": "device",
        "span": list(section.span),
        "name": section.name,
        "instance_id": section.instance_id,
        "version_id": section.version_id,
        "section_id": section.section_id,
        "vmsd_name": one.layout.vmsd_name if one.layout is not None else None,
        "state": one.value.plain(),
    }


def decoded(stream: Stream) -> dict[str, Any]:
    """The whole device state."""
    devices = [device(one) for one in stream.devices]
    located = {tuple(one["span"]) for one in devices}
    others = [
        {"kind": item.label, "span": list(item.span)}
        for item in stream.head
        if tuple(item.span) not in located
    ]
    description = stream.description
    tail = stream.description_span
    if tail is not None:
        others.append({"kind": "description", "span": list(tail)})
    unique = {(tuple(i["span"]), i["kind"]): i for i in [*others, *devices]}
    items = sorted(unique.values(), key=lambda i: i["span"][0])
    return {
        "migstream": "decode",
        "format": FORMAT,
        "file": stream.name,
        "size": stream.size,
        "from": "walk" if stream.walked else "tail",
        "machine": stream.machine,
        "configuration": configuration(stream.configuration),
        "page_size": description.page_size if description is not None else None,
        "items": items,
    }
