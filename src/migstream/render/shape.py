"""JSON: how documents are written, and the shape of `decode` (docs/decode.md)."""

from __future__ import annotations

from typing import Any

import msgspec

from migstream.render.text import escape
from migstream.stream import Device, Stream
from migstream.wire.model import Configuration

__all__ = ["FORMAT", "configuration", "decoded", "device", "to_json"]

FORMAT = 1


def _clean(thing: Any) -> Any:
    """The same with every text escaped: bytes that are not UTF-8 cannot stand in JSON."""
    if isinstance(thing, str):
        return thing.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(thing, dict):
        return {_clean(key): _clean(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [_clean(one) for one in thing]
    return thing


def to_json(thing: Any, *, pretty: bool) -> bytes:
    """UTF-8, in one line or indented by two."""
    try:
        data = msgspec.json.encode(thing)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_clean(thing))
    except OverflowError:  # a number of more than 64 bits
        import json

        return json.dumps(_clean(thing), indent=2 if pretty else None).encode()
    return msgspec.json.format(data, indent=2) if pretty else data


def configuration(item: Configuration | None) -> dict[str, Any] | None:
    """The configuration section: machine, and each subsection that was sent by its name."""
    if item is None:
        return None
    return {
        "span": list(item.span),
        "machine": item.machine,
        "subsections": {escape(s.name): s.value for s in item.subsections},
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
