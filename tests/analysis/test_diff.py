"""What `diff` finds between streams: nothing in one and the same, every byte that was changed."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.analysis.diff.sides import differing_ranges
from migstream.analysis.ignore import SETS, Ignore
from migstream.cli.group import cli
from migstream.stream import open_anything
from migstream.wire.model import Item, Section, SectionType, flat
from support.samples import Packed, Sample, channels

Named = Callable[[str], Sample]


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_a_stream_and_itself_are_the_same(sample: Sample) -> None:
    result = run("diff", sample.path, sample.path)
    assert (result.exit_code, result.stdout) == (0, "no difference\n"), result.output


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_changed_byte_of_a_device_is_found(own_sample: Sample, data: st.DataObject) -> None:
    """Either the comparison or the damage of the stream names the device."""
    raw = own_sample.read()
    with migstream.open(raw) as stream:
        device = data.draw(st.sampled_from([d for d in stream.devices if d.section.payload.size]))
        offset = data.draw(st.integers(*_inclusive(device.section.payload)))
        flipped = bytearray(raw)
        flipped[offset] ^= data.draw(st.integers(1, 255))
        with migstream.open(bytes(flipped)) as other:
            found = migstream.diff(stream, other, parts=["values", "schema"])
            named = {change.device for change in found}
            if device.path not in named:
                assert any(device.section.name in str(error) for error in other.damage)
            assert found.summary != "no difference" or other.damage


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_changed_byte_of_the_framing_is_found(
    own_sample: Sample, data: st.DataObject
) -> None:
    """Headers, footers, commands, configuration, live sections but RAM's pages, the description."""
    raw = own_sample.read()
    with migstream.open(raw) as stream:
        spans = [
            piece for item in flat(stream.items) for piece in _framing(item) if piece[0] < piece[1]
        ]
        offset = data.draw(st.sampled_from(spans).flatmap(lambda s: st.integers(*_inclusive(s))))
        flipped = bytearray(raw)
        flipped[offset] ^= data.draw(st.integers(1, 255))
        with open_anything(bytes(flipped)) as other:
            try:
                found = bool(migstream.diff(stream, other))
            except migstream.errors.MigstreamError:
                found = True
            assert found or other.damage, hex(offset)


def _framing(item: Item) -> list[tuple[int, int]]:
    """Bytes of an item that are no device's state and no page's.

    Not the type and id of a section: how live state is cut into pieces, and their numbers, mean nothing.
    """
    if not isinstance(item, Section):
        return [item.span]
    pieces = [(item.span.start + 5, item.payload.start), (item.payload.stop, item.span.stop)]
    if item.name != "ram" and item.type != SectionType.FULL:
        pieces.append(item.payload)
    return pieces


def _inclusive(span: tuple[int, int]) -> tuple[int, int]:
    return span[0], span[1] - 1


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("cpu[0]/env.eip", "~ env.eip  65520 (0xfff0) → 65521 (0xfff1)  uint64"),
        ("cpu[0]/env.regs[3]", "~ env.regs[3]  0 → 1 RBX  uint64[16]"),
        ("mc146818rtc[0]/update_timer", "~ update_timer  "),
    ],
)
def test_a_field_is_shown_with_both_values(named_sample: Named, path: str, shown: str) -> None:
    sample = named_sample("pc-7.2.mig")
    with migstream.open(sample.path) as stream:
        last = next(stream.find(path)).span.stop - 1
    result = _flipped(sample, last)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == f"~ {path.split('/', maxsplit=1)[0]}"
    assert lines[1].strip().startswith(shown)
    raw = sample.read()
    byte = f"{last:#x}: {raw[last]:02x} → {raw[last] ^ 1:02x}"
    assert lines[-2].startswith(f"      {byte}")
    assert lines[-1] == "1 device changed (1 field)"


def _flipped(sample: Sample, offset: int, *words: str) -> Result:
    raw = bytearray(sample.read())
    raw[offset] ^= 1
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "b.mig"
        other.write_bytes(raw)
        return run("diff", sample.path, other, *words)


def test_what_is_ignored_is_no_difference(named_sample: Named) -> None:
    sample = named_sample("pc-7.2.mig")
    with migstream.open(sample.path) as stream:
        seconds = stream.devices["mc146818rtc"]["cmos_data"].span.start
        offset = stream.devices["cpu"]["env.regs"].span.start
    assert _flipped(sample, seconds).exit_code == 1
    assert _flipped(sample, seconds, "--ignore", "timers,clocks").exit_code == 0
    assert _flipped(sample, seconds + 20, "--ignore", "clocks").exit_code == 1
    assert _flipped(sample, offset, "--ignore", "cpu").exit_code == 0
    assert _flipped(sample, offset, "--ignore", "cpu/env.regs[0..3]").exit_code == 0
    assert _flipped(sample, offset, "--ignore", "cpu/env.regs[1..3]").exit_code == 1
    assert _flipped(sample, offset, "--schema", "--memory").exit_code == 0
    assert _flipped(sample, offset, "--values").exit_code == 1


def test_machines_devices_and_subsections(named_sample: Named) -> None:
    old, new = (named_sample(name).path for name in ("pc-7.2.mig", "pc-2.3-7.2.mig"))
    result = run("diff", old, new)
    assert result.exit_code == 1
    for line in (
        "- machine  pc-i440fx-7.2",
        "- PCIHost[0]  version 1, 4 bytes",
        "- fw_cfg/dma  version 0  subsection",
    ):
        assert line in [shown.strip() for shown in result.stdout.splitlines()]
    assert "2 devices removed" in result.stdout.splitlines()[-1]
    table = json.loads(run("diff", new, old, "--json").stdout)
    assert not table["same"]
    added = [c["path"] for c in table["changes"] if c["what"] == "device"]
    assert added == ["PCIHost[0]", "pcspk[0]"]
    assert {c["mark"] for c in table["changes"] if c["what"] == "device"} == {"+"}


def test_devices_without_description_are_compared_by_bytes(named_sample: Named) -> None:
    sample = named_sample("pc-novmdesc-7.2.mig")
    with migstream.open(sample.path) as stream:
        span = stream.devices["fw_cfg"].section.payload
    result = _flipped(sample, span.start + 3)
    assert [line.strip()[:9] for line in result.stdout.splitlines()[:2]] == [
        "~ fw_cfg[",
        "~ data[3]",
    ]


def test_a_stream_without_description_is_one_difference(named_sample: Named) -> None:
    old, new = (named_sample(name).path for name in ("pc-7.2.mig", "pc-novmdesc-7.2.mig"))
    found = migstream.diff(old, new, parts=["schema"])
    assert [(c.what, c.mark) for c in found if c.what == "description"] == [("description", "-")]


def test_guest_memory_counts_by_contents(named_sample: Named) -> None:
    """The same guest, by other encodings: what differs is what the plain bytes say."""
    paths = [named_sample(name).path for name in ("pc-7.2.mig", "pc-xbzrle-7.2.mig")]
    with migstream.open(paths[0]) as a, migstream.open(paths[1]) as b:
        found = {c.path: c for c in migstream.diff(a, b, parts=["memory"]) if c.what == "pages"}
        for name in set(a.ram) & set(b.ram):
            size = min(a.ram[name].size, b.ram[name].size)
            one, two = (r[name].array(0, size).reshape(-1, 4096) for r in (a.ram, b.ram))
            wanted = set(np.flatnonzero((one != two).any(axis=1)).tolist())
            change = found.get(f"ram/{name}")
            ranges = change.ranges if change is not None else ()
            said = {
                page
                for r in ranges
                if "absent" not in {r.old, r.new}
                for page in range(r.start // 4096, r.stop // 4096)
            }
            assert said == wanted


def test_a_byte_of_guest_memory_is_found(named_sample: Named) -> None:
    sample = named_sample("pc-7.2.mig")
    with migstream.open(sample.path) as stream:
        page = stream.ram["pc.bios"].read(0x3F000, 0x40000)
    raw = bytearray(sample.read())
    raw[raw.index(page) + 0x234] ^= 0x10
    found = migstream.diff(sample.path, bytes(raw))
    (change,) = found
    assert (change.path, change.page) == ("ram/pc.bios", 4096)
    assert [(r.start, r.stop) for r in change.ranges] == [(0x3F000, 0x40000)]
    assert found.summary == "1 page of pc.bios"


def test_channels_of_both_streams(unpack: Callable[[Packed], Sample]) -> None:
    """Memory that went through multifd channels: the same with them, absent without."""
    by_main = {p.name.removesuffix(".main.mig"): p for p in channels(".main.mig")}
    for name, main in by_main.items():
        parts = [unpack(p).path for p in channels(".bin") if p.name.startswith(f"{name}.ch")]
        if not parts:
            continue
        path = unpack(main).path
        own = [word for part in parts for word in ("--channel", part)]
        others = [word for part in parts for word in ("--other-channel", part)]
        result = run("diff", path, path, *own, *others)
        assert (result.exit_code, result.stdout) == (0, "no difference\n"), name
        alone = run("diff", path, path, *own, "--memory")
        assert alone.exit_code in {1, 3}, name
        assert "→ absent" in alone.stdout


def test_damage_is_the_answer(named_sample: Named, tmp_path: Path) -> None:
    sample = named_sample("pc-7.2.mig")
    cut = tmp_path / "cut.mig"
    cut.write_bytes(sample.read()[:-4000])
    assert run("diff", sample.path, cut).exit_code == 3
    assert run("diff", cut, sample.path).exit_code == 3
    assert run("diff", sample.path, tmp_path / "none.mig").exit_code == 5
    assert run("diff", sample.path, sample.path, "--ignore", "cpu[9..1]").exit_code == 2


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_only_our_errors_come_out_of_garbage(named_sample: Named, data: st.DataObject) -> None:
    raw = named_sample("isapc-7.2.mig").read()
    broken = bytearray(raw)
    for _ in range(data.draw(st.integers(1, 20))):
        broken[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(migstream.errors.MigstreamError):
        migstream.diff(raw, bytes(broken))


# --- pieces ----------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=12), st.integers(1, 5))
def test_ranges_are_those_of_a_plain_loop(pieces: list[tuple[bool, int]], stride: int) -> None:
    same = [alike for alike, count in pieces for _ in range(count)]
    a = bytes(stride * len(same))
    b = b"".join(bytes(stride - 1) + bytes([not alike]) for alike in same)
    said = [
        i for start, stop in differing_ranges(memoryview(a), memoryview(b), stride)
        for i in range(start, stop)
    ]  # fmt: skip
    assert said == [i for i, alike in enumerate(same) if not alike]


@pytest.mark.parametrize(
    ("glob", "path", "covered"),
    [
        ("cpu", "cpu[0]/env.eip", True),
        ("cpu[1]", "cpu[0]/env.eip", False),
        ("cpu/env.*", "cpu[3]/env.eip", True),
        ("cpu/*", "cpu_common[0]/halted", False),
        ("**/halted", "cpu_common[0]/halted", True),
        ("**/halted", "cpu_common[0]/halted_too", False),
        ("a/b[*]/c", "a[0]/b[17]/c", True),
        ("a/b[2..4]/c", "a[0]/b[5]/c", False),
        ("a/b[2..4]/c", "a[0]/b[4]/c", True),
        ("config[1]", "config[1]", True),
        ("**/virtio-net/virtio", "0000:00:03.0/virtio-net[0]/virtio/status", True),
        ("ram/pc.ram", "ram/pc.ram", True),
        ("*net/virtio", "0000:00:03.0/virtio-net[0]/virtio/status", True),
        ("*/halted", "cpu[0]/other/halted", False),
        ("*/halted", "cpu[0]/halted", True),
    ],
)
def test_globs(glob: str, path: str, covered: bool) -> None:
    assert Ignore([glob]).covers(path) is covered


def test_every_rule_of_a_set_says_where_it_is_from() -> None:
    assert set(SETS) == {"clocks", "timers", "counters"}
    for rules in SETS.values():
        assert all(rule.why and (rule.type or rule.glob != "**") for rule in rules)
        Ignore(rule.glob for rule in rules)
