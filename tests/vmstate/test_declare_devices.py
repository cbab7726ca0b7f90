"""Real devices declared with the API: their bytes and their description come out as QEMU wrote them."""

from __future__ import annotations

import pytest

import migstream
from migstream.vmstate import VMState
from migstream.vmstate.declared.fields import Out
from migstream.vmstate.declared.written import JSONWriter, release
from migstream.vmstate.description import Device as Described
from migstream.wire.cursor import Cursor
from support.declared_machine import release_of
from support.qemu_devices import PciBus, declared
from support.samples import Sample

X86 = "qemu-system-x86_64"


def _built(kind: type[VMState], raw: bytes) -> VMState:
    """The device as the machine has it before anything is loaded: sizes that must be equal are as in the stream."""
    return PciBus.blank(nirq=int.from_bytes(raw[:4], "big")) if kind is PciBus else kind()


def _written(kind: type[VMState], raw: bytes, version: int, device: Described, qemu: str) -> Out:
    style = release(qemu)
    subject = _built(kind, raw)
    cur = Cursor(raw)
    kind.vmstate.load(cur, subject, version)
    assert not cur.left
    json = JSONWriter(style.style)
    out = Out(style, json)
    json.start_object()
    json.string("name", device.name)
    json.number("instance_id", device.instance_id)
    kind.vmstate.save(out, subject)
    json.end_object()
    return out


def _kinds(device: Described, sample: Sample) -> list[type[VMState]]:
    """The classes of a device: `cpu` is declared for x86 only, two serial ports have one name."""
    kinds = declared(device.group.vmsd_name, release_of(sample.meta["qemu"]))
    if device.group.vmsd_name == "cpu" and sample.meta["binary"] != X86:
        return []
    inner = {field.name for field in device.group.fields}
    return [kind for kind in kinds if inner <= {*kind.vmstate.labels}]


def test_bytes_and_description_are_those_of_qemu(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        description = stream.description
        if description is None:
            pytest.skip("nothing is described")
        described = {device.key: device for device in description.devices}
        for device in stream.devices:
            entry = described[device.name, device.instance_id]
            for kind in _kinds(entry, sample):
                raw = bytes(device.value.raw)
                version = device.section.version_id or 0
                out = _written(kind, raw, version, entry, sample.meta["qemu"])
                assert out.data == raw, device.path
                assert out.json is not None
                assert out.json.getvalue() in description.text, device.path
