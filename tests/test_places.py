"""One grammar for whatever a name can mean in a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import migstream
from migstream.errors import MigstreamError, NoSuchAddress, NoSuchPath
from migstream.places import contents, memory_range, places
from migstream.render.values import place_bytes
from migstream.stream import Stream
from support import build
from support.samples import Sample

Named = Callable[[str], Sample]


@pytest.fixture
def pc(named_sample: Named) -> Iterator[Stream]:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        yield stream


def kinds(stream: Stream, text: str) -> list[tuple[str, str]]:
    return [(place.kind, place.path) for place in places(stream, text)]


def test_every_kind_of_place(pc: Stream) -> None:
    assert kinds(pc, "cpu[0]/env.eip") == [("value", "cpu[0]/env.eip")]
    assert kinds(pc, "vmmouse") == [("value", "vmmouse[0]")]
    assert kinds(pc, "ram") == kinds(pc, "ram[0]") == [("live", "ram[0]")]
    assert kinds(pc, "ram/pc.bios") == [("memory", "ram/pc.bios")]
    assert kinds(pc, "ram/pc.bios@16-0x20") == [("memory", "ram/pc.bios@0x10-0x20")]
    assert kinds(pc, "@0x0-0x4") == [("bytes", "@0x0-0x4")]
    [eip] = places(pc, "cpu[0]/env.eip")
    assert eip.span is not None
    assert kinds(pc, f"@{eip.span.start + 1}") == [("value", "cpu[0]/env.eip")]
    assert kinds(pc, "@0") == [("item", "@0")]
    [item] = places(pc, "@0")
    assert item.spans == (pc.items[0].span,)
    [live] = places(pc, "ram")
    assert {s.name for s in live.sections} == {"ram"}
    assert len(live.sections) == sum(s.name == "ram" for s in pc.sections)


def test_every_value_and_byte_is_found_by_the_name_it_is_given(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        for device in stream.devices:
            found = [p for p in places(stream, device.path) if p.device is not None]
            assert device.path in {p.path for p in found}
        for block in stream.blocks:
            [place] = places(stream, f"ram/{block.name}")
            assert (place.block, place.whole) == (block.name, True)
        for item in stream.items[:: len(stream.items) // 20 + 1]:
            [place] = places(stream, f"@{item.span.start}")
            assert item.span.start in place.spans[0]


def test_memory_is_what_the_block_has(pc: Stream) -> None:
    bios = pc.ram["pc.bios"]
    [some] = places(pc, "ram/pc.bios@0x3fff0-0x3fff5")
    assert contents(pc, some) == bios.read(0x3FFF0, 0x3FFF5)
    [rest] = places(pc, "ram/pc.bios@0x1010")
    assert contents(pc, rest) == bios.read(0x1010, 0x2000)
    [low] = memory_range(pc, "pc.bios@0x10-0x20")
    [same] = memory_range(pc, "ram/pc.bios@0x10-0x20")
    assert low == same
    [address] = memory_range(pc, "0xfffffff0-0xffffffff")
    assert contents(pc, address) == pc.memory[0xFFFFFFF0:0xFFFFFFFF]


@pytest.mark.parametrize("text", ["ram", "ram[0]", "@0", "@0x30"])
def test_what_is_not_a_value_is_shown_and_not_got(pc: Stream, text: str) -> None:
    """A section may be all of guest memory: nobody who asks for a value wants that."""
    for place in places(pc, text):
        with pytest.raises(NoSuchPath, match="no value is at"):
            place_bytes(pc, place)


def test_a_name_with_an_at_sign_is_a_block(pc: Stream) -> None:
    name = next(b.name for b in pc.blocks if "@" in b.name)
    [whole] = places(pc, f"ram/{name}")
    [first] = places(pc, f"ram/{name}@0")
    assert (whole.block, whole.whole, first.block, first.start) == (name, True, name, 0)


def two(*names: str) -> bytes:
    """A stream with a device of one byte for each name."""
    entries = [build.device(name, [build.field("n", "uint8", 1)]) for name in names]
    sections = b"".join(
        build.full(3 + number, name, bytes([number])) for number, name in enumerate(names)
    )
    text = build.description(build.described(*entries))
    return build.HEADER + build.configuration() + sections + build.END + text


def test_a_device_goes_by_its_short_name_where_it_is_the_only_one() -> None:
    with migstream.open(
        two("0000:00:03.0/e1000", "0000:00:04.0/nic", "0000:00:05.0/nic")
    ) as stream:
        assert int(stream["e1000/n"]) == 0
        assert "e1000[0]/n" in stream
        assert "nic/n" not in stream
        with pytest.raises(NoSuchPath) as caught:
            stream["nic/n"]
        assert caught.value.hint == "2 devices end so: 0000:00:04.0/nic, 0000:00:05.0/nic"
        assert [p.path for p in places(stream, "*nic/n")] == [
            "0000:00:04.0/nic[0]/n",
            "0000:00:05.0/nic[0]/n",
        ]


def test_a_whole_name_comes_before_a_short_one() -> None:
    with migstream.open(two("0000:00:03.0/e1000", "e1000")) as stream:
        assert [p.path for p in places(stream, "e1000/n")] == ["e1000[0]/n"]


def test_a_device_is_had_by_its_short_name_from_python_too() -> None:
    with migstream.open(
        two("0000:00:03.0/e1000", "0000:00:04.0/nic", "0000:00:05.0/nic")
    ) as stream:
        assert stream.devices["e1000"] is stream.devices["e1000[0]"] is stream.devices[0]
        assert "e1000" in stream.devices
        assert "000" not in stream.devices
        with pytest.raises(NoSuchPath, match="2 devices are called 'nic'"):
            stream.devices["nic"]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("rip", "rip is a register: `migstream registers STREAM`"),
        ("EAX", "eax is a register"),
        ("cpu/eip", "; did you mean cpu[0]/env.eip or "),
        ("piix4_pm/sts", "did you mean 0000:00:01.3/piix4_pm[0]/ar.pm1.evt.sts or "),
        ("i8254/channels[0]/cuont", "did you mean i8254[0]/channels[0]/count?"),
        ("i8254/channels[3]/count", "i8254[0]/channels has 3 elements, counted from 0"),
        ("piix4_pm[0]/parent_obj/config[0]/vendor", "vendor_id"),
        ("piix4", "did you mean piix4_pm"),
        ("e1000", "there is timer[0], "),
    ],
)
def test_what_may_have_been_meant_is_said(pc: Stream, path: str, hint: str) -> None:
    """The end of a name, as deep as it lies; what comes close; how many elements; what shows registers."""
    with pytest.raises(NoSuchPath) as caught:
        places(pc, path)
    assert hint in caught.value.hint


def test_a_device_says_what_may_have_been_meant_in_it(pc: Stream) -> None:
    """From there on: as it is asked."""
    with pytest.raises(NoSuchPath) as caught:
        pc.devices["i8254"]["channels[0]/cuont"]
    assert caught.value.hint == "did you mean channels[0]/count?"
    with pytest.raises(NoSuchPath) as caught:
        pc.devices["i8254"]["channels[3]"]
    assert caught.value.hint == "channels has 3 elements, counted from 0"


def test_an_index_that_is_too_large_says_how_many_there_are(pc: Stream) -> None:
    with pytest.raises(NoSuchPath) as caught:
        places(pc, "cpu[0]/env.regs[99]")
    assert caught.value.hint == "cpu[0]/env.regs has 16 elements, counted from 0"


@pytest.mark.parametrize(
    "text",
    ["@", "@x", "@5-", "@9-3", "@0-0xffffffffffff", "nothing", "cpu[7]", "configuration/none", ""],
)
def test_what_is_not_a_place_says_so(pc: Stream, text: str) -> None:
    with pytest.raises(NoSuchPath):
        places(pc, text)


@pytest.mark.parametrize(
    "text",
    ["ram/none", "ram/none@0", "ram/pc.bios@0x40000", "ram/pc.bios@5-5", "ram/pc.bios@1-0x40001"],
)
def test_what_is_not_memory_says_so(pc: Stream, text: str) -> None:
    with pytest.raises(NoSuchAddress):
        places(pc, text)


@pytest.mark.parametrize("text", ["x", "-", "1-", "0x10-0x5", "0x50000000000-0x50000001000", ""])
def test_what_is_not_a_range_of_memory_says_so(pc: Stream, text: str) -> None:
    with pytest.raises(MigstreamError):
        list(memory_range(pc, text))
