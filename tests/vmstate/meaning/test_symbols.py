from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.vmstate.layout import Layout, Node
from migstream.vmstate.meaning.symbols import SYMBOLS
from migstream.vmstate.meaning.symbols.model import Symbol, address, bits, date, enumeration, words
from migstream.vmstate.values import Value, root
from migstream.wire.model import Span
from support import build
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
        ("config/device_id", "4096 (0x1000) VIRTIO_NET"),
        ("config/msix_98/control", "1 (2 vectors)"),
        ("config/msix_98/pba", "2049 (0x801) bar[1] offset 0x800"),
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
    assert (plain.symbol, plain.description, plain.text) == (
        "VIRTIO_NET",
        "",
        "4096 (0x1000) VIRTIO_NET",
    )


def somewhere() -> Value:
    return device("virtio", virtio(), field="virtio")["virtio/config/vendor_id"]


def test_bits_behind_the_last_name_keep_their_number() -> None:
    at = somewhere()
    assert bits("A - B")(0b11111, at).name == "A bit 1 B bit 3 bit 4"
    assert bits("X", 14)(0xFFFF, at).name == "X bit 15"
    assert bits("A . B:2 -:3 C")(0b11111111, at).name == "A B=3 bit 4 bit 5 bit 6 C"
    assert bits("A")(-1, at).name.endswith("bit 63")
    assert enumeration({1: ("ONE", "the first")})(1, at) == Symbol("ONE", "the first")
    assert words({"on": "is on"})(b"on\0junk", at) == Symbol("on", "is on")
    assert address("ENABLED", 6)(0x7FFE041, at) == Symbol("ENABLED at 0x7ffe040")
    assert date()(1795486428, at).description == "2026-11-24 02:13:48 UTC"


@given(st.text("AB", min_size=1, max_size=3), st.integers(0, (1 << 70) - 1))
def test_every_bit_is_said_by_name_or_number(spec: str, value: int) -> None:
    names = [f"{letter}{n}" for n, letter in enumerate(spec)]
    said = bits(" ".join(names))(value, somewhere()).name.split()
    assert said.count("bit") + sum(name in said for name in names) == value.bit_count()


KINDS = sorted(set(SYMBOLS.names()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "value", [0, 1, -1, 1 << 64, (1 << 64) - 1, b"", b"x\0", bytes(128), b"\xff" * 128, None, (1, 2), 1.5, "text"]
)  # fmt: skip
def test_what_is_of_another_type_has_no_name_and_breaks_nothing(kind: str, value: object) -> None:
    table = SYMBOLS.find(kind)
    assert table
    for known in table.values():
        for at in (somewhere(), somewhere().above):
            assert at is not None
            said = known(value, at)
            assert isinstance(said.name, str)
            assert isinstance(said.description, str)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cpu[0]/env.cr[0]", "1610612752 (0x60000010) ET NW CD"),
        ("cpu[0]/env.segs[1]/flags", "39680 (0x9b00) DPL=0 CODE16 READ ACCESSED PRESENT"),
        ("cpu[0]/env.pat", "1974748653749254 (0x7040600070406) WB WT UC- UC WB WT UC- UC"),
        ("cpu[0]/env.dr[6]", "4294905840 (0xffff0ff0)"),
        ("cpu[0]/env.mxcsr", "8064 (0x1f80) IM DM ZM OM UM PM"),
        ("apic[0]/lvt[0]", "65536 (0x10000) TIMER vector 0x0 FIXED ONE_SHOT MASKED"),
        ("ioapic[0]/ioredtbl[3]", "65536 (0x10000) vector 0x0 FIXED MASKED to physical 0x0"),
        ("apic[0]/apicbase", "4276095232 (0xfee00900) BSP ENABLE at 0xfee00000"),
        ("i8254[0]/channels[0]/count", "65536 (18.21 Hz)"),
        ("fdc[0]/state/msr", "128 (0x80) RQM"),
        ("cpu_common[0]/interrupt_request", "16 (0x10) POLL"),
    ],
)
def test_registers_of_a_pc_by_name(path: str, text: str, named_sample: object) -> None:
    sample = named_sample("pc-7.2.mig")  # type: ignore[operator]
    with migstream.open(sample.path) as stream:
        value = stream[path]
        assert value.text == text
        assert str(int(value)) == text.split(maxsplit=1)[0]  # the number is what it was


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


@pytest.mark.parametrize(
    ("expires", "now", "said"),
    [
        (-1, 5, ""),
        (7_500_000_000, 5_000_000_000, "2.500000 s left"),
        (5_000_000_000, 7_000_000_000, "2.000000 s overdue"),
        (5_000_000_000, None, ""),
        (1795486429325935000, 5, "2026-11-24 02:13:49 UTC"),
    ],
)
def test_what_is_left_of_a_timer(expires: int, now: int | None, said: str) -> None:
    layout = Layout("beacon", 1, 8, (Node("alarm", "timer", "leaf", 0, 8, stride=8),))
    raw = memoryview(struct.pack(">q", expires))
    one = root(layout, Span(0, 8), "beacon[0]", lambda a, b: raw[a:b], now=lambda: now)["alarm"]
    assert one.description == said
    assert one.value == expires


def test_the_time_is_that_of_the_section_which_has_it() -> None:
    """Whether it stands before or behind the device that has the timer."""
    clock = build.device(
        "timer",
        [build.field("cpu_ticks_offset", "int64", 8), build.field("cpu_clock_offset", "int64", 8)],
    )
    beacon = build.device("beacon", [build.field("alarm", "timer", 8)])
    sections = {
        "timer": build.full(3, "timer", build.be64(0) + build.be64(10**9)),
        "beacon": build.full(4, "beacon", build.be64(3 * 10**9)),
    }
    for order in (["timer", "beacon"], ["beacon", "timer"]):
        text = build.described(*({"timer": clock, "beacon": beacon}[name] for name in order))
        data = build.HEADER + build.configuration() + b"".join(sections[name] for name in order)
        with migstream.open(data + build.END + build.description(text)) as stream:
            assert stream["beacon[0]/alarm"].description == "2.000000 s left"
