"""Digests: stable, telling, and made again by one command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.analysis.golden import compare, load, refresh, write
from migstream.cli.group import cli
from migstream.errors import SourceError
from support.samples import Sample

Named = Callable[[str], Sample]


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_a_stream_fits_its_own_digest(own_sample: Sample, tmp_path: Path) -> None:
    golden = tmp_path / "golden.digest"
    assert run("digest", own_sample.path, "-o", golden).exit_code == 0
    first = golden.read_bytes()
    result = run("digest", own_sample.path, "--check", golden)
    assert (result.exit_code, result.stdout) == (0, f"{golden}: no difference\n")
    assert run("digest", "--refresh", golden).exit_code == 0
    assert golden.read_bytes() == first
    assert len(first) < 400_000


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_byte_changes_its_device(
    named_sample: Named, tmp_path: Path, data: st.DataObject
) -> None:
    sample = named_sample("q35-7.2.mig")
    golden = tmp_path / "golden.digest"
    raw = sample.read()
    with migstream.open(sample.path) as stream:
        if not golden.exists():
            write(stream, str(sample.path), golden, ram=False)
        device = data.draw(st.sampled_from([d for d in stream.devices if d.section.payload.size]))
        payload = device.section.payload
    flipped = bytearray(raw)
    flipped[data.draw(st.integers(payload.start, payload.stop - 1))] ^= 1
    with migstream.open(bytes(flipped)) as other:
        found = compare(other, golden)
    assert device.path in [one.path for one in found]
    assert {one.path.split("/")[0] for one in found} >= {device.path.split("/")[0]}


def test_the_first_fields_that_changed_are_named(named_sample: Named, tmp_path: Path) -> None:
    sample = named_sample("pc-7.2.mig")
    golden = tmp_path / "pc.digest"
    with migstream.open(sample.path) as stream:
        write(stream, str(sample.path), golden, ignore=("clocks", "cpu/env.regs[2]"))
        eip = stream.devices["cpu"]["env.eip"].span
        regs = stream.devices["cpu"]["env.regs"].span
        seconds = stream.devices["mc146818rtc"]["cmos_data"].span
    raw = bytearray(sample.read())
    raw[regs.start + 2 * 8] ^= 1
    raw[seconds.start] ^= 1
    target = tmp_path / "other.mig"
    target.write_bytes(raw)
    assert run("digest", target, "--check", golden).exit_code == 0
    raw[eip.stop - 1] ^= 1
    target.write_bytes(raw)
    result = run("digest", target, "--check", golden)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1] == "~ cpu[0]/env.eip  uint64 65520 → uint64 65521"
    table = json.loads(run("digest", target, "--check", golden, "--json").stdout)
    assert [one["path"] for one in table["differences"]] == ["cpu[0]", "cpu[0]/env.eip"]


def test_refresh_makes_each_again_as_it_was_made(named_sample: Named, tmp_path: Path) -> None:
    stream = tmp_path / "guest.mig"
    raw = bytearray(named_sample("pc-7.2.mig").read())
    stream.write_bytes(raw)
    files = [tmp_path / "one.digest", tmp_path / "two.digest"]
    assert run("digest", stream, "-o", files[0]).exit_code == 0
    assert run("digest", stream, "-o", files[1], "--no-ram", "--ignore", "timers").exit_code == 0
    with migstream.open(bytes(raw)) as old:
        raw[old.devices["cpu"]["env.eip"].span.stop - 1] ^= 1
    stream.write_bytes(raw)
    result = run("digest", "--refresh", *files)
    assert result.exit_code == 0
    assert result.stdout.count("cpu[0]/env.eip") == 2
    two = load(files[1])
    assert (two.stream, two.ignore, two.ram) == ("guest.mig", ("timers",), False)
    assert [refresh(file) for file in files] == [[], []]
    assert "ram/pc.ram" in load(files[0]).values
    assert "ram/pc.ram" not in two.values


def test_memory_counts_by_contents(named_sample: Named, tmp_path: Path) -> None:
    """A page of zeros is the same whether it was sent as one or in full; another byte is not."""
    sample = named_sample("pc-7.2.mig")
    golden = tmp_path / "pc.digest"
    with migstream.open(sample.path) as stream:
        write(stream, str(sample.path), golden)
        assert stream.ram is not None
        page = stream.ram["pc.bios"].read(0x3F000, 0x40000)
    raw = bytearray(sample.read())
    raw[raw.index(page)] ^= 1
    with migstream.open(bytes(raw)) as other:
        assert [one.path for one in compare(other, golden)] == ["ram/pc.bios"]


def test_a_damaged_stream_gets_no_digest(named_sample: Named, tmp_path: Path) -> None:
    stream, golden = tmp_path / "guest.mig", tmp_path / "guest.digest"
    raw = named_sample("pc-7.2.mig").read()
    stream.write_bytes(raw)
    assert run("digest", stream, "-o", golden).exit_code == 0
    kept = golden.read_bytes()
    stream.write_bytes(raw[:-4000])
    assert run("digest", stream, "-o", tmp_path / "other.digest").exit_code == 3
    assert run("digest", stream).exit_code == 3
    assert run("digest", stream, "--check", golden).exit_code == 3
    assert run("digest", "--refresh", golden).exit_code == 3
    assert golden.read_bytes() == kept
    assert not (tmp_path / "other.digest").exists()


@pytest.mark.parametrize("text", ["", "no digest", "migstream digest 2\n"])
def test_another_file_is_no_digest(text: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(SourceError, match="is no digest"):
        load(file)


def test_a_damaged_ignore_line_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("migstream digest 1\nstream a.mig\nignore a[9..1]\n")
    with pytest.raises(SourceError, match=r"9\.\.1"):
        load(file)


def test_wrong_usage(named_sample: Named, tmp_path: Path) -> None:
    path = named_sample("pc-7.2.mig").path
    assert run("digest", path, path).exit_code == 2
    assert run("digest", path, "--check", "a", "-o", "b").exit_code == 2
    assert run("digest", path, "--check", "a", "--no-ram").exit_code == 2
    assert run("digest", path, "--check", tmp_path / "none").exit_code == 5
