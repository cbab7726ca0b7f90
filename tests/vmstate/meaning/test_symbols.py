from __future__ import annotations

import struct

import pytest

import migstream
from migstream.vmstate.meaning.symbols import SYMBOLS, bits, enumeration, words
from support.meaning import device
from support.samples import Sample
from support.virtio import core, pci


def virtio() -> bytes:
    head = struct.pack(">I", 2) + pci(vectors=2) + bytes(16)
    table = bytes(12) + b"\1\0\0\0" + bytes(16) + b"\0" + b"\xff\xff"
    return head + table + core(align=False, vector=True, device=b"", tail=b"", features=1 << 29)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("status", "15 (0xf) ACKNOWLEDGE DRIVER DRIVER_OK FEATURES_OK"),
        ("isr", "1 QUEUE"),
        ("guest_features", "536870912 (0x20000000) RING_EVENT_IDX"),
        ("config_vector", "65535 (0xffff) NO_VECTOR"),
        ("queues[1]/vector", "1"),
        ("config/vendor_id", "6900 (0x1af4) REDHAT_QUMRANET (virtio)"),
        ("config/command", "1287 (0x507) IO MEMORY MASTER SERR INTX_DISABLE"),
        ("config/status", "16 (0x10) CAP_LIST"),
        ("config/class", "0"),
        ("config/msix_98/control", "1"),
        ("msix/table[0]/control", "1 MASKED"),
        ("msix/table[1]/control", "0"),
    ],
)
def test_a_virtio_devices_registers_by_name(path: str, text: str) -> None:
    value = device("virtio", virtio(), field="virtio")["virtio"][path]
    assert value.text == text


def test_number_symbol_and_description_are_had_one_by_one() -> None:
    value = device("virtio", virtio(), field="virtio")["virtio/config/vendor_id"]
    assert int(value) == 0x1AF4
    assert (value.symbol, value.description) == ("REDHAT_QUMRANET", "virtio")
    plain = device("virtio", virtio(), field="virtio")["virtio/config/device_id"]
    assert (plain.symbol, plain.description, plain.text) == ("", "", "4096 (0x1000)")


def test_bits_behind_the_last_name_keep_their_number() -> None:
    assert bits("A - B")(0b11111, "").name == "A bit 1 B bit 3 bit 4"
    assert bits("X", 14)(0xFFFF, "").name == "X bit 15"
    assert enumeration({1: ("ONE", "the first")})(1, "") == ("ONE", "the first")
    assert words({"on": "is on"})(b"on\0junk", "") == ("on", "is on")


@pytest.mark.parametrize("known", SYMBOLS.values(), ids=map("/".join, SYMBOLS))
@pytest.mark.parametrize("value", [0, 1, -1, 1 << 64, b"", b"x\0", None, (1, 2), 1.5, "text"])
def test_what_is_of_another_type_has_no_name_and_breaks_nothing(
    known: object, value: object
) -> None:
    name, description = known(value, "virtio-net")  # type: ignore[operator]
    assert isinstance(name, str)
    assert isinstance(description, str)


def test_a_real_machine_says_that_it_has_not_started(named_sample: object) -> None:
    sample = named_sample("q35-7.2.mig")  # type: ignore[operator]
    assert isinstance(sample, Sample)
    with migstream.open(sample.path) as stream:
        state = stream["globalstate[0]/runstate"]
        assert (state.symbol, state.description) == ("prelaunch", "not yet started")
        assert state.text.startswith("prelaunch (not yet started), 100 bytes, ")
        bridge = stream.devices["0000:00:00.0/mch"]
        [config] = (v for v in bridge.value.leaves() if v.path.endswith("config[0]/class"))
        assert config.text == "6 BRIDGE (bridge to another bus, or the host)"
