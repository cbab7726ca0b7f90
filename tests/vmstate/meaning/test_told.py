"""What `decode --meaning` writes: the state as it is without, and what the description leaves open."""

from __future__ import annotations

from typing import Any

import migstream
from migstream.vmstate.meaning.told import told
from support.samples import Sample

NAMED = {"value", "symbol"}, {"value", "description"}, {"value", "symbol", "description"}


def without(given: Any, plain: Any) -> Any:
    """`given` with numbers in place of named ones, and with the bytes of `plain` in place of parts."""
    if isinstance(given, dict) and set(given) in NAMED and not isinstance(plain, dict):
        return given["value"]
    if isinstance(given, dict) and isinstance(plain, dict):
        return {name: without(one, plain[name]) for name, one in given.items()}
    if isinstance(given, list) and isinstance(plain, list):
        return [without(one, other) for one, other in zip(given, plain, strict=True)]
    return plain if isinstance(given, dict) and isinstance(plain, str) else given


def test_no_value_is_renamed_or_lost(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        for device in stream.devices:
            plain = device.value.plain()
            assert without(told(device.value), plain) == plain


def test_parts_and_names(named_sample: Any) -> None:
    with migstream.open(named_sample("q35-7.2.mig").path) as stream:
        found = told(stream.devices["0000:00:01.0/virtio-net"].value)["virtio"]
    assert found["config"]["class"] == {
        "value": 2,
        "symbol": "NETWORK",
        "description": "network controller",
    }
    assert found["device"]["mac"] == {"value": "525400123456", "symbol": "52:54:00:12:34:56"}
    assert found["config"]["revision"] == 0


def test_without_meaning_it_is_plain(own_sample: Sample) -> None:
    with migstream.open(own_sample.path, meaning=False) as stream:
        for device in stream.devices:
            assert told(device.value) == device.value.plain()
