"""Whole streams of real QEMUs: every byte accounted for, the same answer from both ends and from a pipe."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

import migstream
from migstream.errors import NoSuchPath
from migstream.stream import Stream, open_anything
from migstream.vmstate.values import Value
from migstream.wire.model import Command, Item, Section, SectionType, Span, flat
from support.samples import Sample

NOT_ALL_DESCRIBED = {"s390x-7.2.mig"}  # its array of pointers: see docs/architecture.md


class Unseekable:
    """A pipe that gives a little at a time."""

    name = "<pipe>"

    def __init__(self, sample: Sample, most: int = 70_001) -> None:
        self._file = sample.path.open("rb")
        self._most = most

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._most))

    def close(self) -> None:
        self._file.close()


def covered(items: tuple[Item, ...], size: int) -> None:
    """Every byte of the source is in exactly one item."""
    at = 0
    for item in items:
        assert item.span.start == at, item
        at = item.span.stop
        if isinstance(item, Section):
            assert item.span.start < item.payload.start <= item.payload.stop <= item.span.stop
            end = item.payload.stop if item.footer is None else item.footer.stop
            assert end == item.span.stop
        if isinstance(item, Command) and item.items:
            assert item.items[0].span.start == item.payload.stop
            assert item.items[-1].span.stop == item.span.stop
    assert at == size


def accounted(stream: Stream) -> None:
    """RAM records explain each byte of their payloads."""
    for section in stream.sections:
        if section.name == "ram":
            records = getattr(section.content, "records", section.content)
            assert records.unexplained == 0, section


def leaves_cover(stream: Stream) -> None:
    """The values of a described device explain its payload, byte for byte."""
    for device in stream.devices:
        at = device.section.payload.start
        for value in device.value.children:
            assert value.span.start == at, value
            at = value.span.stop
        assert at == device.section.payload.stop, device


def test_every_byte_is_in_exactly_one_item_and_both_ends_agree(sample: Sample) -> None:
    """The walk covers the file; device state from the tail is the walk's, without reading RAM."""
    with migstream.open(sample.path) as stream:
        tail = tree(stream, list(stream.devices))
        if stream.description is not None and sample.name not in NOT_ALL_DESCRIBED:
            assert "items" not in vars(stream), "guest memory was walked for device state"
            assert all(d.described for d in stream.devices)
        covered(stream.items, sample.path.stat().st_size)
        assert tree(stream, list(stream._walked)) == tail
        accounted(stream)
        leaves_cover(stream)
        assert stream.damage == []


def test_channels_open_in_the_same_way(channel_sample: Sample) -> None:
    with migstream.open(channel_sample.path) as stream:
        covered(stream.items, channel_sample.path.stat().st_size)
        accounted(stream)
        leaves_cover(stream)
        assert stream.damage == []
        assert len(stream.devices) >= 28


def tree(stream: Stream, devices: list[migstream.Device]) -> list[tuple[str, Span, object]]:
    return [(d.path, d.section.span, d.layout) for d in devices]


def test_a_pipe_gives_what_the_file_gives(own_sample: Sample) -> None:
    sample = own_sample
    pipe = Unseekable(sample)
    with migstream.open(sample.path) as whole, migstream.open(pipe) as piped:  # type: ignore[arg-type]
        assert [(i.label, i.span) for i in piped.items] == [(i.label, i.span) for i in whole.items]
        assert piped.machine == whole.machine
        assert [d.value.plain() for d in piped.devices] == [d.value.plain() for d in whole.devices]
        assert (piped.ram.blocks, piped.ram.rounds) == (whole.ram.blocks, whole.ram.rounds)
    pipe.close()


def test_damage_is_found_where_qemu_found_it(broken_sample: Sample) -> None:
    """The section that QEMU names is the one we name; what it accepts with its devices is read."""
    with open_anything(broken_sample.path) as stream:
        covered(stream.items, broken_sample.path.stat().st_size)
        damage = stream.damage
        for error in damage:
            assert error.at is not None
            assert 0 <= error.at <= broken_sample.path.stat().st_size
        said = broken_sample.meta["said"]
        where = broken_sample.name.removeprefix("broken-").rpartition("-")[0]
        if said.startswith("accepted") and not where.startswith("trunc") and "vmdesc" not in where:
            assert damage == []
        if said.startswith("exit"):
            assert damage, said
            named = {
                s.name for s in stream.sections if f"'{s.name}'" in said or f"for {s.name}" in said
            }
            if named and where not in {"crlf", "removed"}:
                assert any(
                    s.name in named for s in stream.sections for e in damage if e.at in span_of(s)
                )


def span_of(section: Section) -> Span:
    return Span(section.span.start, section.span.stop + 1)


def test_without_description_sections_are_split_by_footers(
    named_sample: Callable[[str], Sample],
) -> None:
    sample = named_sample("pc-novmdesc-7.2.mig")
    with migstream.open(sample.path) as stream:
        assert stream.description is None
        assert stream.machine == "pc-i440fx-7.2"
        assert {d.name for d in stream.devices} >= {"timer", "cpu", "i8254", "globalstate"}
        assert not any(d.described for d in stream.devices)


def test_like_takes_the_description_from_another_stream(
    named_sample: Callable[[str], Sample],
) -> None:
    bare, other = named_sample("pc-novmdesc-7.2.mig"), named_sample("pc-7.2.mig")
    with migstream.open(bare.path, like=other.path) as stream:
        described = [d for d in stream.devices if d.described]
        assert len(described) >= len(stream.devices) - 1
        assert stream.devices["globalstate", 0]["runstate"].text.endswith('"prelaunch"')


def test_packages_hold_sections(channel_sample: Sample) -> None:
    if "postcopy" not in channel_sample.name:
        return
    with migstream.open(channel_sample.path) as stream:
        package = next(i for i in stream.items if isinstance(i, Command) and i.name == "PACKAGED")
        names = [i.name for i in flat(package.items) if isinstance(i, Command)]
        assert names[0] == "POSTCOPY_LISTEN"
        assert names[-1] == "POSTCOPY_RUN"
        assert all(i.type == SectionType.FULL for i in package.items if isinstance(i, Section))


def test_device_values_equal_the_description_of_the_bytes(
    named_sample: Callable[[str], Sample],
) -> None:
    sample = named_sample("pc-7.2.mig")
    data = sample.read()
    with migstream.open(data) as stream:
        value = stream.devices["cpu", 0]["env.regs[4]"]
        assert value.type == "uint64"
        assert value.value == int.from_bytes(data[value.span.start : value.span.stop], "big")
        regs = stream.devices["cpu", 0]["env.regs"]
        assert regs.value.shape == (16,)
        assert int(regs.value[4]) == value.value
        found = stream.at(value.span.start + 3)
        assert isinstance(found, Value)
        assert found.path == "cpu[0]/env.regs[4]"
        for item in flat(stream.items):
            assert item.span.start in stream.at(item.span.start).span
        assert stream.at(0) is stream.items[0]
        with pytest.raises(NoSuchPath):
            stream.at(stream.size)
        assert [v.path for v in stream.find(f"@{value.span.start:#x}")] == ["cpu[0]/env.regs[4]"]
        assert json.dumps(stream.devices["i8254", 0].value.plain())
