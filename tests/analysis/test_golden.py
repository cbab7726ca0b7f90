"""Digests: stable, telling, and made again by one command."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream.analysis.check import check
from migstream.analysis.digest import Opening
from migstream.analysis.golden import compare, load, refresh, write
from migstream.cli.group import cli
from migstream.errors import SourceError
from migstream.vmstate.layout import subsection_header
from migstream.vmstate.values import Value
from migstream.wire.model import Span
from support.samples import Sample

Named = Callable[[str], Sample]


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def test_a_stream_fits_its_own_digest(own_sample: Sample, tmp_path: Path) -> None:
    golden = tmp_path / "golden.digest"
    assert run("digest", own_sample.path, "-o", golden).exit_code == 0
    first = golden.read_bytes()
    result = run("check", own_sample.path, "--golden", golden, "--select", "MS58")
    assert (result.exit_code, result.stdout) == (0, f"{own_sample.path}: nothing found\n")
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
    at = data.draw(st.integers(payload.start, payload.stop - 1))
    flipped[at] ^= 1
    with migstream.open(bytes(flipped)) as other:
        found = compare(other, load(golden))
    assert found
    assert {one.device for one in found} == {device.path}
    assert all(one.span is None or at in one.span for one in found)


def test_the_first_fields_that_changed_are_named(named_sample: Named, tmp_path: Path) -> None:
    sample = named_sample("pc-7.2.mig")
    golden = tmp_path / "pc.digest"
    with migstream.open(sample.path) as stream:
        write(stream, str(sample.path), golden, ignore=("clocks", "cpu/env.regs[2]"))
        eip = stream.devices["cpu"]["env.eip"].span
        regs = stream.devices["cpu"]["env.regs"].span
        seconds = stream.devices["mc146818rtc"]["cmos_data"].span
    raw = bytearray(sample.read())
    raw[regs.start + 2 * 8 + 7] ^= 1
    raw[seconds.start] ^= 1
    target = tmp_path / "other.mig"
    target.write_bytes(raw)
    assert run("check", target, "--golden", golden).exit_code == 0
    raw[eip.stop - 1] ^= 1
    raw[regs.start + 3 * 8 + 7] = 9
    target.write_bytes(raw)
    result = run("check", target, "--golden", golden)
    assert result.exit_code == 1
    third = regs.start + 3 * 8
    assert result.stdout.splitlines() == [
        f"{target}:{third:#x} cpu[0]/env.regs[3]: warning MS581: changed since {golden}",
        "  expected 0, found 9",
        f"{target}:{eip.start:#x} cpu[0]/env.eip: warning MS581: changed since {golden}",
        "  expected uint64 65520, found uint64 65521",
        f"{target}: 2 warnings",
    ]
    assert run("check", target, "--golden", golden, "--ignore", "MS58").exit_code == 0
    piped = CliRunner().invoke(cli, ["check", "-", "--golden", str(golden)], input=bytes(raw))
    assert piped.stdout.replace("<stdin>", str(target)) == result.stdout


def test_every_format_has_what_changed(named_sample: Named, tmp_path: Path) -> None:
    sample = named_sample("pc-7.2.mig")
    golden = tmp_path / "pc.digest"
    assert run("digest", sample.path, "-o", golden).exit_code == 0
    text = golden.read_text()
    gone = (
        "0000:00:09.0/gone[0] = version 1, 4 bytes, sha256:0011223344556677\n  field = uint32 7\n"
    )
    golden.write_text(
        text.replace("uint64 65520", "uint64 1").replace("ram/pc.rom =", gone + "ram/pc.rom =")
    )
    words = ["check", sample.path, "--golden", golden]
    table = json.loads(run(*words, "--json").stdout)["findings"]
    with migstream.open(sample.path) as stream:
        eip = stream.devices["cpu"]["env.eip"].span
    assert [(f["code"], f["path"], f["section"], f["span"]) for f in table] == [
        ("MS581", "cpu[0]/env.eip", "cpu[0]", list(eip)),
        ("MS582", "0000:00:09.0/gone[0]", "0000:00:09.0/gone[0]", None),
    ]
    assert (table[0]["expected"], table[0]["found"]) == ("uint64 1", "uint64 65520")
    for form in ("ndjson", "sarif", "junit"):
        result = run(*words, "-f", form)
        assert result.exit_code == 1
        assert all(
            word in result.stdout for word in ("MS581", "MS582", "cpu[0]/env.eip", "gone[0]")
        )


def _digest_of(name: str, tmp_path: Path, named_sample: Named) -> Path:
    golden = tmp_path / f"{name}.digest"
    assert run("digest", named_sample(name).path, "-o", golden, "--no-ram").exit_code == 0
    return golden


def test_a_device_is_named_and_not_what_is_in_it(named_sample: Named, tmp_path: Path) -> None:
    """Gone, new, of another size: one finding each."""
    golden = _digest_of("pc-7.2.mig", tmp_path, named_sample)
    lines = golden.read_text().splitlines(keepends=True)
    head = next(n for n, line in enumerate(lines) if line.startswith("i8254[0] = "))
    stop = next(n for n in range(head + 1, len(lines)) if not lines[n].startswith("  "))
    golden.write_text("".join(lines[:head] + lines[stop:]))
    path = named_sample("pc-7.2.mig").path
    with migstream.open(path) as stream:
        assert [(d.path, d.old) for d in compare(stream, load(golden))] == [("i8254[0]", None)]
    version = lines[head].replace("version 3,", "version 2,")
    assert version != lines[head]
    golden.write_text("".join([*lines[:head], version, *lines[head + 2 :]]))
    with migstream.open(path) as stream:
        one, two = compare(stream, load(golden))
    assert (one.path, one.old and one.old.split(",")[0]) == ("i8254[0]", "version 2")
    assert (two.device, two.old) == ("i8254[0]", None)


def test_a_long_list_is_cut(named_sample: Named, tmp_path: Path) -> None:
    golden = _digest_of("pseries-7.2.mig", tmp_path, named_sample)
    words = ["check", named_sample("pc-7.2.mig").path, "--golden", golden, "--select", "MS58"]
    short, long = run(*words), run(*words, "-v")
    assert short.stdout.count("MS583:") == 20
    assert "more of MS583 (--all)" in short.stdout
    assert long.stdout.count("MS583:") > 20
    assert "(-v" not in long.stdout


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
    assert result.stdout.count("~ cpu[0]/env.eip  uint64 65520 → uint64 65521") == 2
    two = load(files[1])
    assert (two.stream, two.ignore, two.ram) == ("guest.mig", ("timers",), False)
    assert [refresh(file) for file in files] == [[], []]
    assert "ram/pc.ram" in load(files[0]).entries
    assert "ram/pc.ram" not in two.entries


def test_memory_counts_by_contents(named_sample: Named, tmp_path: Path) -> None:
    """A page of zeros is the same whether it was sent as one or in full; another byte is not."""
    sample = named_sample("pc-7.2.mig")
    golden = tmp_path / "pc.digest"
    with migstream.open(sample.path) as stream:
        write(stream, str(sample.path), golden)
        page = stream.ram["pc.bios"].read(0x3F000, 0x40000)
    raw = bytearray(sample.read())
    raw[raw.index(page)] ^= 1
    with migstream.open(bytes(raw)) as other:
        assert [one.path for one in compare(other, load(golden))] == ["ram/pc.bios"]
        assert [f.code for f in check(other, golden=load(golden)).findings] == ["MS584"]


def test_a_damaged_stream_gets_no_digest(named_sample: Named, tmp_path: Path) -> None:
    stream, golden = tmp_path / "guest.mig", tmp_path / "guest.digest"
    raw = named_sample("pc-7.2.mig").read()
    stream.write_bytes(raw)
    assert run("digest", stream, "-o", golden).exit_code == 0
    kept = golden.read_bytes()
    stream.write_bytes(raw[:-4000])
    assert run("digest", stream, "-o", tmp_path / "other.digest").exit_code == 3
    assert run("digest", stream).exit_code == 3
    cut = run("check", stream, "--golden", golden)
    assert cut.exit_code == 3
    assert "MS582" not in cut.stdout  # what is cut off is not gone
    assert run("digest", "--refresh", golden).exit_code == 3
    assert golden.read_bytes() == kept
    assert not (tmp_path / "other.digest").exists()


@pytest.mark.parametrize("text", ["", "no digest", "migstream digest 2\n"])
def test_another_file_is_no_digest(text: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(SourceError, match="is not a digest"):
        load(file)


def test_a_damaged_ignore_line_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("migstream digest 1\nstream a.mig\nignore a[9..1]\n")
    with pytest.raises(SourceError, match=r"9\.\.1"):
        load(file)


def test_wrong_usage(named_sample: Named, tmp_path: Path) -> None:
    path = named_sample("pc-7.2.mig").path
    assert run("digest", path, path).exit_code == 2
    assert run("digest", path, "--refresh", "-o", "b").exit_code == 2
    assert run("digest", path, "--refresh", "--no-ram").exit_code == 2
    assert run("check", path, "--golden", tmp_path / "none").exit_code == 5
    assert run("check", path, "--golden", path).exit_code == 5
    assert run("check", path, "--report", tmp_path / "report.txt").exit_code == 2


def test_a_report_goes_to_files_too(named_sample: Named, tmp_path: Path) -> None:
    path = named_sample("pc-7.2.mig").path
    for suffix, form in (
        ("json", "json"),
        ("ndjson", "ndjson"),
        ("sarif", "sarif"),
        ("xml", "junit"),
    ):
        file = tmp_path / f"report.{suffix}"
        result = run("check", path, "--report", file)
        assert (result.exit_code, result.stdout) == (0, f"{path}: nothing found\n")
        assert file.read_text() == run("check", path, "-f", form).stdout


def test_a_subsection_inside_a_blob_is_one_thing(named_sample: Named, tmp_path: Path) -> None:
    sample = named_sample("q35-7.2.mig")
    golden = tmp_path / "golden.digest"
    with migstream.open(sample.path) as stream:
        write(stream, str(sample.path), golden, ram=False)
        virtio = stream.devices["0000:00:04.0/virtio-rng", 0]
        at = virtio.section.payload.start
    raw = bytearray(sample.read())
    name = raw.index(b"virtio/64bit_features", at)
    raw[name + len("virtio/")] ^= 1
    with migstream.open(bytes(raw)) as other:
        gone, new = compare(other, load(golden))
    assert gone.path == f"{virtio.path}/virtio/virtio/64bit_features"
    assert gone.new is None
    assert new.path == f"{virtio.path}/virtio/virtio/74bit_features"
    assert new.old is None
    assert new.span is not None
    assert name in new.span


# --- how it was opened, and what is said of it ---------------------------------------------------

names = st.none() | st.text(min_size=1)


@given(
    inside=names, container=names, like=names, offset=st.integers(0, 1 << 63),
    channels=st.lists(st.text(min_size=1), max_size=3).map(tuple),
)  # fmt: skip
def test_how_a_stream_was_opened_is_read_again(**how: Any) -> None:
    """Whatever the names hold; in the midst of the other lines of a head."""
    opening = Opening(**how)
    lines = ["stream x", "no-ram", *opening.lines]
    assert Opening.read(lines) == opening
    assert not any(" = " in line or "\n" in line for line in lines)


def test_a_refresh_opens_the_stream_as_it_was(named_sample: Named, tmp_path: Path) -> None:
    """A snapshot in an image, by its name; a stream behind something else; another's description."""
    image, behind, golden = (tmp_path / name for name in ("d.qcow2", "b.mig", "x.digest"))
    packed = Path(__file__).parents[1] / "containers" / "disk.qcow2.xz"
    image.write_bytes(lzma.decompress(packed.read_bytes()))
    good, bare = (named_sample(name).path for name in ("pc-7.2.mig", "pc-novmdesc-7.2.mig"))
    behind.write_bytes(bytes(0x45C) + good.read_bytes())
    for source, option, word in (
        (image, "inside", "after"),
        (behind, "offset", "0x45c"),
        (good, "container", "none"),
        (bare, "like", good),
    ):
        made = run("digest", source, "--no-ram", "-o", golden, "--force", f"--{option}", word)
        assert made.exit_code == 0, made.output
        first = golden.read_text()
        assert f"\n{option} " in first.partition(" = ")[0]
        golden.write_text(first.replace("env.eip = uint64 ", "env.eip = uint64 1"))
        again = run("digest", "--refresh", golden)
        assert (again.exit_code, "1 difference" in again.stdout) == (0, True), again.output
        assert golden.read_text() == first


def test_a_digest_of_before_is_read_and_made_again(named_sample: Named, tmp_path: Path) -> None:
    """Where nothing was given nothing is said: such a digest is what it was."""
    golden = tmp_path / "pc.digest"
    path = named_sample("pc-7.2.mig").path
    run("digest", path, "-o", golden, "--no-ram", "--ignore", "clocks")
    head = golden.read_text().splitlines()[:5]
    assert [line.split()[0] for line in head] == [
        "migstream",
        "stream",
        "ignore",
        "no-ram",
        "machine",
    ]
    assert load(golden).opening == Opening()
    assert run("digest", "--refresh", golden).stdout == f"{golden}: no difference\n"


def test_a_digest_that_is_there_stays(named_sample: Named, tmp_path: Path) -> None:
    path, golden = named_sample("pc-7.2.mig").path, tmp_path / "pc.digest"
    first = run("digest", path, "-o", golden)
    size = golden.stat().st_size
    assert first.stdout.startswith(f"{golden}  ")
    assert first.stdout.endswith("of 30 devices, 6 RAM blocks\n")
    kept = golden.read_bytes()
    refused = run("digest", path, "-o", golden, "--no-ram")
    assert refused.exit_code == 5
    assert "--force" in refused.stderr
    assert golden.read_bytes() == kept
    made = json.loads(run("digest", path, "-o", golden, "--force", "--json").stdout)
    assert (made["output"], made["size"], made["devices"], made["blocks"]) == (
        str(golden),
        size,
        30,
        6,
    )
    lines = json.loads(run("digest", path, "--json").stdout)["lines"]
    assert lines == run("digest", path).stdout.splitlines()


def subsections(value: Value) -> Iterator[Value]:
    for child in value:
        if child.kind == "subsection":
            yield child
        if child.kind != "leaf":
            yield from subsections(child)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_wrong_header_of_a_subsection_is_named_to_the_byte(
    named_sample: Named, tmp_path: Path, data: st.DataObject
) -> None:
    """Also where it is no subsection of this name any more; `check --select MS58` has the exact bytes."""
    sample = named_sample("pc-7.2.mig")
    golden = tmp_path / "golden.digest"
    raw = sample.read()
    with migstream.open(sample.path) as stream:
        if not golden.exists():
            write(stream, str(sample.path), golden, ram=False)
        headers = {
            one.path: Span(one.span.start, one.span.start + subsection_header(one.name))
            for device in stream.devices
            for one in subsections(device.value)
        }
    path = data.draw(st.sampled_from(sorted(headers)))
    start, stop = headers[path]
    at = data.draw(st.integers(start, stop - 1))
    flipped = bytearray(raw)
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    with migstream.open(bytes(flipped)) as other:
        found = [one for one in compare(other, load(golden)) if one.path == path]
    assert [one.span for one in found] == [Span(at, at + 1)]
    assert found[0].new is not None
    assert flipped[start:stop].hex() in found[0].new
