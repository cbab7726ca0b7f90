"""Edits that leave guest memory alone: the same file as where all is read, without reading it.

`CHEAP` is what a stream has to be larger than to be read from its end; here it is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.cli.group import cli
from migstream.edit import records
from migstream.edit.change import Edit
from migstream.edit.records import Record, page_size, ram_sections, runs, section_records
from migstream.errors import Unsupported
from migstream.source import kernel_copy, pieces
from migstream.stream import Stream, open_anything
from migstream.wire.model import Span
from support.faulty import write_wrongly
from support.samples import Sample

Named = Callable[[str], Sample]
Make = Callable[[Edit], object]
EIP = "cpu[0]/env.eip"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stream is read from its end, and the kernel is asked for every piece."""
    monkeypatch.setattr("migstream.stream.bare.CHEAP", 0)
    monkeypatch.setattr(pieces, "MANY", 1)
    monkeypatch.setattr(kernel_copy, "STEP", 1 << 16)


def some_value(stream: Stream) -> str:
    """A plain number of the last device that has one."""
    for device in reversed(stream.devices):
        for child in device.value.children if device.described else ():
            if child.kind == "leaf" and child.count is None and isinstance(child.value, int):
                return child.path
    pytest.skip("no number in any device")


def last_device(stream: Stream) -> str:
    return stream.devices[-1].path


EDITS: dict[str, Callable[[Edit], object]] = {
    "set": lambda edit: edit.set(some_value(edit.stream), 1),
    "drop": lambda edit: edit.drop(last_device(edit.stream)),
    "rename": lambda edit: edit.rename(last_device(edit.stream), "another-name[7]"),
    "order": lambda edit: edit.order([d.path for d in edit.stream.devices[-2:]][::-1]),
    "machine": lambda edit: edit.machine("another-machine"),
    "block": lambda edit: edit.rename(f"ram/{edit.stream.blocks[0].name}", "another.block"),
}


def saved(source: Path, target: Path, make: Make, *, walk: bool) -> tuple[str | bytes, bool]:
    """The file that an edit makes, or why it makes none; whether all of the source was read for it."""
    with open_anything(source, spool=True, later=True, walk=walk) as stream:
        edit = Edit(stream)
        try:
            make(edit)
            edit.save(target)
        except (Unsupported, ValueError) as error:
            return str(error), stream.walked
        return target.read_bytes(), stream.walked


@pytest.mark.parametrize("what", EDITS)
@pytest.mark.usefixtures("quick")
def test_the_same_file_as_of_a_stream_that_is_walked(
    own_sample: Sample, what: str, tmp_path: Path
) -> None:
    with migstream.open(own_sample.path) as stream:
        if not stream.devices or (what == "block" and not stream.blocks):
            pytest.skip("nothing to change")
        believed = not stream.walked
    one, read = saved(own_sample.path, tmp_path / "one", EDITS[what], walk=False)
    other, _ = saved(own_sample.path, tmp_path / "other", EDITS[what], walk=True)
    assert one == other
    if isinstance(one, bytes) and believed and what in {"set", "drop", "rename"}:
        assert not read


@pytest.mark.usefixtures("quick")
def test_what_is_wrong_behind_guest_memory_is_what_a_walk_finds_there(own_sample: Sample) -> None:
    with migstream.open(own_sample.path) as stream:
        start = stream.read_from
        if start is None:
            pytest.skip("it is walked")
        found = [str(error) for error in stream.damage_behind]
        assert found == [str(error) for error in stream.damage if (error.at or start) >= start]


@pytest.fixture
def source(named_sample: Named) -> Path:
    return named_sample("pc-7.2.mig").path


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("late", [True, False], ids=["device", "memory"])
def test_a_fault_of_ours_is_found_wherever_it_is(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    with migstream.open(source) as stream:
        at = stream[EIP].span.start if late else stream.head[-1].span.stop
    write_wrongly(monkeypatch, at)
    with migstream.edit(source) as edit, pytest.raises(Unsupported, match="does not read as it"):
        edit.set("timer/cpu_ticks_offset", 5).save(tmp_path / "new.mig")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("quick")
def test_a_footer_that_is_not_its_sections_is_found(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no value of a device is: it is found although guest memory is not walked."""
    with migstream.open(source) as stream:
        footer = stream.devices[3].section.footer
        assert footer is not None
    write_wrongly(monkeypatch, footer.start + 1, b"\xff\xff")
    with migstream.edit(source) as edit, pytest.raises(Unsupported):
        edit.set("timer/cpu_ticks_offset", 5).save(tmp_path / "new.mig")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("quick")
def test_damage_in_guest_memory_goes_over_and_is_told_by_a_walk(
    source: Path, tmp_path: Path
) -> None:
    with migstream.open(source) as stream:
        at = stream.head[-1].span.stop + 5  # behind a PART's type and id: the first record's word
    raw = bytearray(source.read_bytes())
    raw[at + 6 : at + 8] = b"\xff\xff"
    damaged = tmp_path / "damaged.mig"
    damaged.write_bytes(raw)
    made = []
    for more, status in (([], 0), (["--walk"], 3)):
        target = tmp_path / f"{status}.mig"
        words = ["set", str(damaged), f"{EIP}=0x7c00", "-o", str(target), *more]
        assert CliRunner().invoke(cli, words).exit_code == status
        made.append(target.read_bytes())
    assert made[0] == made[1] != raw


def test_an_end_that_turns_out_to_be_anothers_is_not_edited(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was believed before guest memory was read is not what is changed."""
    with migstream.edit(source) as edit:
        edit.set(EIP, 1)
        monkeypatch.setattr(Stream, "description_span", Span(1, 2))
        with pytest.raises(Unsupported, match="belongs to another stream"):
            edit.save(tmp_path / "new.mig")
    assert not list(tmp_path.iterdir())


# --- page records in runs ----------------------------------------------------------------------------


def one_by_one(stream: Stream) -> Iterator[Record]:
    block = ""
    for section in ram_sections(stream):
        for record in section_records(
            stream, section, section.payload.stop, page_size(stream), block
        ):
            yield record
            block = record.block


@pytest.mark.parametrize("few", [1, 1 << 16])
def test_runs_are_the_records(
    own_sample: Sample, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "FEW", few)
    monkeypatch.setattr(records, "ROWS", 3 if few == 1 else 1 << 13)
    with migstream.open(own_sample.path) as stream:
        if not stream.ram or stream.ram.page_size is None:
            pytest.skip("no page was sent")
        every = {record.start: record for record in one_by_one(stream)}
        for first, stop in runs(stream):
            at, block = first.start, first.block
            assert every[at] == first
            while at < stop:
                record = every.pop(at)
                assert record.block == block
                assert at == first.start or not record.named
                at = record.stop
            assert at == stop
        assert not every


# --- copied by the kernel ------------------------------------------------------------------------------

BLOCK = 1 << 12


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    data=st.lists(st.tuples(st.booleans(), st.integers(1, 3 * BLOCK)), max_size=8),
    cut=st.tuples(st.integers(0, 6 * BLOCK), st.integers(0, 9 * BLOCK)),
    to=st.integers(0, 2 * BLOCK),
)
def test_any_range_is_copied(
    data: list[tuple[bool, int]], cut: tuple[int, int], to: int, tmp_path: Path
) -> None:
    raw = b"".join((b"x" if full else b"\0") * size for full, size in data)
    with (tmp_path / "from").open("w+b") as one, (tmp_path / "to").open("w+b") as other:
        at = 0
        for full, size in data:
            if full:
                one.seek(at)
                one.write(b"x" * size)
            at += size
        one.truncate(at)
        one.flush()
        one.seek(min(3, at))
        start, stop = min(cut[0], at), min(sum(cut), at)
        told: list[int] = []
        done, written = kernel_copy.copy_range(
            one.fileno(), start, other.fileno(), to, stop - start, told.append
        )
        assert done == sum(told) == stop - start
        assert written <= done
        other.truncate(to + done)
        other.seek(0)
        assert other.read() == bytes(to) + raw[start:stop]
        assert one.tell() == min(3, at)
