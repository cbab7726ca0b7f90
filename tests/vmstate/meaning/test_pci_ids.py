"""What a PCI device's configuration space must say, on the streams of real devices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import migstream
from migstream.errors import StreamError
from migstream.vmstate.meaning.pci import config_space
from migstream.vmstate.meaning.pci_ids import IDS
from support.samples import Sample

Named = Callable[[str], Sample]


def config_at(data: bytes, name: str) -> int:
    """The offset of a device's configuration space."""
    with migstream.open(data) as stream:
        config = config_space(stream.devices[name].value)
        assert config is not None
        return config.span.start


def damage(data: bytes) -> list[StreamError]:
    with migstream.open(data) as stream:
        return stream.damage


def test_real_devices_are_what_the_table_says(sample: Sample) -> None:
    """No real stream contradicts the table, and the table knows most of what it meets."""
    with migstream.open(sample.path) as stream:
        found = {d.value.type for d in stream.devices if config_space(d.value) is not None}
        assert not [error for error in stream.damage if "PCI" in error.message]
    assert found - IDS.keys() <= {"ICH9LPC", "sm501"}


@pytest.mark.parametrize(
    ("stream", "device"),
    [
        ("pc-7.2.mig", "0000:00:00.0/I440FX"),
        ("pc-7.2.mig", "0000:00:01.1/ide"),
        ("q35-7.2.mig", "0000:00:1f.2/ich9_ahci"),
    ],
)
@pytest.mark.parametrize("register", [0, 1, 2, 3])
def test_a_wrong_id_is_damage_at_its_place(
    named_sample: Named, stream: str, device: str, register: int
) -> None:
    data = bytearray(named_sample(stream).read())
    at = config_at(bytes(data), device)
    data[at + register] ^= 0x40
    (error,) = damage(bytes(data))
    assert error.at == at + register // 2 * 2
    assert error.path[0].startswith(device)


def test_every_bit_of_a_virtio_vendor_counts(named_sample: Named) -> None:
    data = named_sample("q35-7.2.mig").read()
    with migstream.open(data) as stream:
        names = [d.name for d in stream.devices if "/virtio-" in d.name]
    assert names
    for name in names:
        at = config_at(data, name)
        for bit in range(16):
            edited = bytearray(data)
            edited[at + bit // 8] ^= 1 << bit % 8
            assert [error.at for error in damage(bytes(edited))] == [at]


def test_a_header_of_another_type_is_damage(named_sample: Named) -> None:
    data = bytearray(named_sample("pc-7.2.mig").read())
    at = config_at(bytes(data), "0000:00:01.1/ide") + 0x0E
    data[at] |= 2
    assert [error.at for error in damage(bytes(data))] == [at]
    data[at] ^= 2 | 0x80
    assert damage(bytes(data)) == []


def test_a_device_of_another_name_must_be_one_at_all(named_sample: Named) -> None:
    data = bytearray(named_sample("q35-7.2.mig").read())
    at = config_at(bytes(data), "0000:00:1f.0/ICH9LPC")
    data[at + 2] ^= 1
    assert damage(bytes(data)) == []
    data[at : at + 2] = b"\xff\xff"
    assert [error.at for error in damage(bytes(data))] == [at]
