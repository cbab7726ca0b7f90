"""`check`: silent on good streams, and for every kind of damage a finding at its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migstream
from migstream import errors
from migstream.analysis.check import Report, check
from migstream.analysis.codes import ERRORS, page, pages
from migstream.analysis.findings import SEVERITIES, Finding, worst
from migstream.analysis.rules.registry import rules
from migstream.cli.group import cli
from migstream.stream import Stream
from migstream.wire.model import Section, flat
from support.damage import KINDS, Good
from support.samples import Packed, Sample, broken_streams

Named = Callable[[str], Sample]
Unpack = Callable[[Packed], Sample]
PC = "pc-7.2.mig"


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def examine(data: bytes | str) -> Report:
    return check(data)


# --- good streams ------------------------------------------------------------------------------------


def test_no_good_stream_has_an_error(sample: Sample) -> None:
    report = examine(str(sample.path))
    assert report.complete
    assert [f for f in report.findings if f.severity == "error"] == []


def test_what_good_streams_have_is_known(own_sample: Sample) -> None:
    """Warnings about a good stream are few, and each has a reason that its rule's page names."""
    expected = {
        "isapc-7.2.mig": {"MS501"},
        "pc-novmdesc-7.2.mig": {"MS506"},
        "pc-background-7.2.mig": {"MS503"},
        "pc-2.3-7.2.mig": {"MS509"},
    }
    found = {f.code for f in examine(str(own_sample.path)).findings}
    assert found == expected.get(own_sample.name, set())


def test_a_pipe_is_checked_too(named_sample: Named) -> None:
    done = CliRunner().invoke(cli, ["check", "-"], input=named_sample(PC).read())
    assert done.exit_code == 0, done.output


# --- damaged streams ---------------------------------------------------------------------------------


def _first_difference(good: bytes, bad: bytes) -> int:
    size = min(len(good), len(bad))
    if good[:size] == bad[:size]:
        return size
    low, high = 0, size
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good[low:middle] != bad[low:middle] else (middle, high)
    return low


def _label_and_span(stream: Stream, at: int) -> tuple[str, int, int]:
    """What the item at an offset of the good stream is called, and where it begins and ends."""
    for item in flat(stream.items):
        if at in item.span:
            name = item.path if isinstance(item, Section) else item.label
            return {"fileheader": "header"}.get(name, name), item.span.start, item.span.stop
    return "trailer", stream.size, stream.size


def _names(finding: Finding, label: str, start: int, stop: int) -> bool:
    """Whether a finding is about this item: by its name, or with its place in it where it has none."""
    assert finding.span is not None
    near = start <= finding.span.start <= stop
    return near and finding.section in {label, "", "opaque", "header"}


def test_damage_is_found_where_it_is(broken_sample: Sample, unpack: Unpack) -> None:
    base = broken_sample.meta["patch_from"]
    report = examine(str(broken_sample.path))
    if base is None and "good" in broken_sample.name:
        assert report.exit_status == 0
        return
    kept = {packed.name: packed for packed in broken_streams()}
    version = broken_sample.meta["qemu"]
    good = unpack(kept[base or f"broken-good-{version}.mig"])
    at = _first_difference(good.read(), broken_sample.read())
    with migstream.open(str(good.path)) as stream:
        label, start, stop = _label_and_span(stream, at)
    hits = [f for f in report.findings if f.span is not None and _names(f, label, start, stop)]
    assert hits, (label, at, report.findings)


@pytest.mark.parametrize("kind", ["flip", "page", "ramblock", "crlf", "subsection", "section"])
def test_damage_of_a_byte_is_found_at_that_byte(unpack: Unpack, kind: str) -> None:
    kept = {packed.name: packed for packed in broken_streams()}
    chosen = [p for name, p in kept.items() if name.startswith(f"broken-{kind}")]
    if not chosen:
        pytest.skip("the collection of damaged streams is not here")
    for packed in chosen:
        bad, good = unpack(packed), unpack(kept[packed.meta["patch_from"]])
        at = _first_difference(good.read(), bad.read())
        spans = [f.span for f in examine(str(bad.path)).findings if f.span is not None]
        assert any(span.start - 4 <= at <= span.stop + 4 for span in spans), (
            packed.name,
            at,
            spans,
        )


def test_a_cut_anywhere_is_said(named_sample: Named) -> None:
    data = named_sample(PC).read()
    for part in range(1, 20):
        report = examine(data[: len(data) * part // 20])
        assert not report.complete
        assert report.exit_status == 3
        assert worst(list(report.findings)) == "error"


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(kind=st.sampled_from(sorted(KINDS)), seed=st.integers(0, 1 << 32))
def test_damage_of_any_kind_is_found_near_its_place(
    own_sample: Sample, kind: str, seed: int
) -> None:
    """There is a finding, at the damage or in the section (or a neighbour) that it is in."""
    data = own_sample.read()
    with migstream.open(data) as stream:
        good = Good(data, stream)
        damaged = KINDS[kind](good, Random(seed))  # noqa: S311 - reproducible damage
        if damaged is None:
            return
        bad, at = damaged
        places = [_label_and_span(stream, place) for place in (at, max(at - 1, 0))]
    found = examine(bad).findings
    assert any(f.severity != "note" for f in found), at
    labels = {label for label, _, _ in places}
    assert any(
        f.section in labels or (f.span is not None and f.span.start - 8 <= at <= f.span.stop + 8)
        for f in found
    ), (hex(at), labels, [(f.code, f.section, f.span) for f in found])


# --- each rule ---------------------------------------------------------------------------------------

# Stream, path of a value, offset in it, bytes to put there, the rule that must see them.
CHANGES = [
    (PC, "mc146818rtc[0]/cmos_data", 0, b"\x7f", "MS562"),
    (PC, "globalstate[0]/runstate", 0, b"R", "MS561"),
    (PC, "globalstate[0]/size", 3, b"\x63", "MS561"),
    (PC, "0000:00:01.3/piix4_pm[0]/parent_obj/irq_state", 3, b"\x02", "MS541"),
    (PC, "0000:00:01.3/piix4_pm[0]/parent_obj/version_id", 3, b"\x63", "MS542"),
    (PC, "0000:00:01.3/piix4_pm[0]/parent_obj/config[0]", 4, b"\x40", "MS543"),
    (PC, "0000:00:01.3/piix4_pm[0]/parent_obj/config[0]", 0, b"\x00", "MS120"),
    (PC, "cpu[0]/env.eip", 0, b"\x80", "MS563"),
    ("q35-7.2.mig", "0000:00:01.0/virtio-net[0]/virtio/queues[0]/num", 2, b"\x08", "MS552"),
    (
        "q35-7.2.mig",
        "0000:00:01.0/virtio-net[0]/virtio/queues[0]/last_avail_idx",
        0,
        b"\x01",
        "MS552",
    ),
    ("q35-7.2.mig", "0000:00:01.0/virtio-net[0]/virtio/queues[0]/num", 0, b"\x7f", "MS552"),
    ("q35-7.2.mig", "0000:00:01.0/virtio-net[0]/virtio/status", 0, b"\x20", "MS553"),
    ("q35-7.2.mig", "0000:00:01.0/virtio-net[0]/virtio/msix/table[0]/control", 2, b"\x40", "MS544"),
]


@pytest.mark.parametrize(("name", "path", "at", "new", "code"), CHANGES)
def test_a_value_that_cannot_be_is_found(
    named_sample: Named, name: str, path: str, at: int, new: bytes, code: str
) -> None:
    data = bytearray(named_sample(name).read())
    with migstream.open(bytes(data)) as stream:
        [value] = stream.find(path)
        device = value.path.partition("]")[0] + "]"
    start = value.span.start + at
    data[start : start + len(new)] = new
    found = [f for f in examine(bytes(data)).findings if f.code == code]
    assert [f.section for f in found] == [device], found
    assert found[0].span is not None
    assert start in range(*found[0].span)


@pytest.mark.parametrize("name", [b"env.efer", b"env.eip", b"env.regs"])
def test_a_register_whose_type_is_damaged_is_not_taken_for_a_number(
    named_sample: Named, name: bytes
) -> None:
    field = b'{"name": "%s", ' % name
    head, found, tail = named_sample(PC).read().partition(field)
    assert found
    for new in (b'"uint6\x20"', b'"timer\x20"', b'"buffer"'):
        assert examine(head + field + tail.replace(b'"uint64"', new, 1)).complete


@pytest.mark.parametrize(("kind", "code"), [("bool", "MS531"), ("unused_buffer", "MS532")])
def test_a_value_that_its_type_cannot_have_is_found(
    named_sample: Named, kind: str, code: str
) -> None:
    data = bytearray(named_sample(PC).read())
    with migstream.open(bytes(data)) as stream:
        leaves = (v for d in stream.devices for v in d.value.leaves())
        value = next(v for v in leaves if v.type == kind and v.span.size)
    data[value.span.start] = 7
    found = [f for f in examine(bytes(data)).findings if f.code == code]
    assert [f.span and f.span.start for f in found] == [value.span.start]
    assert found[0].found == "07"


def _cut_out(data: bytes, name: str) -> bytes:
    with migstream.open(data) as stream:
        span = next(s.span for s in stream.sections if s.name == name)
    return data[: span.start] + data[span.stop :]


def test_a_missing_device_is_found(named_sample: Named) -> None:
    data = _cut_out(named_sample(PC).read(), "i8254")
    found = {f.code: f for f in examine(data).findings}
    assert found["MS511"].section == "i8254[0]"


def test_a_missing_cpu_is_found(named_sample: Named) -> None:
    found = {f.code for f in examine(_cut_out(named_sample("q35-7.2.mig").read(), "apic")).findings}
    assert {"MS511", "MS564"} <= found


def test_a_section_that_comes_twice_is_found(named_sample: Named) -> None:
    data = named_sample(PC).read()
    with migstream.open(data) as stream:
        span = next(s.span for s in stream.sections if s.name == "i8254")
    twice = data[: span.stop] + data[span.start :]
    assert {"MS501", "MS502"} <= {f.code for f in examine(twice).findings}


def test_sections_in_another_order_are_found(named_sample: Named) -> None:
    data = named_sample(PC).read()
    with migstream.open(data) as stream:
        full = [s.span for s in stream.sections if s.type.name == "FULL"]
    one, two = full[-2], full[-1]
    swapped = (data[: one.start] + data[two.start : two.stop] + data[one.start : one.stop]) + data[
        two.stop :
    ]
    assert "MS512" in {f.code for f in examine(swapped).findings}


def test_pages_that_were_never_sent_are_found(named_sample: Named) -> None:
    data = named_sample(PC).read()
    with migstream.open(data) as stream:
        ram = [s for s in stream.sections if s.name == "ram"]
    start, end = ram[0], ram[-1]
    without = data[: start.span.stop] + data[end.span.start :]
    assert "MS572" in {f.code for f in examine(without).findings}


@pytest.mark.parametrize("tail", [b"\0" * 512, b"something else"])
def test_what_follows_is_found(named_sample: Named, tail: bytes) -> None:
    data = named_sample(PC).read()
    report = examine(data + tail)
    code = "MS507" if not any(tail) else "MS508"
    assert [(f.code, f.span) for f in report.findings] == [(code, (len(data), len(data + tail)))]


def test_text_mode_copies_are_found(named_sample: Named) -> None:
    data = named_sample(PC).read()
    assert "MS521" in {f.code for f in examine(data.replace(b"\n", b"\r\n")).findings}
    recoded = data.decode("utf-8", "replace").encode()
    assert "MS522" in {f.code for f in examine(recoded).findings}


# --- codes, pages, formats ---------------------------------------------------------------------------


def test_every_code_has_a_page() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    codes = {k.code for k in kinds if issubclass(k, errors.MigstreamError)}
    assert codes == set(ERRORS)
    for one in pages():
        assert one.title
        assert one.text
        assert one.severity in SEVERITIES
        assert page(one.code.lower()) == one
        shown = run("explain", one.code)
        assert shown.exit_code == 0
        assert one.title in shown.stdout
    assert len({r.code for r in rules()}) == len(rules())


def _damaged(tmp_path: Path, named_sample: Named) -> Path:
    data = bytearray(named_sample(PC).read())
    with migstream.open(bytes(data)) as stream:
        [value] = stream.find("globalstate[0]/runstate")
    data[value.span.start] = 0x52
    path = tmp_path / "damaged.mig"
    path.write_bytes(bytes(data) + b"\0" * 100)
    return path


def test_exit_status_and_selection(tmp_path: Path, named_sample: Named) -> None:
    path = _damaged(tmp_path, named_sample)
    assert run("check", named_sample(PC).path).exit_code == 0
    assert run("check", path).exit_code == 1
    assert run("check", path, "--ignore", "ms56").exit_code == 0
    assert run("check", path, "--select", "MS507").exit_code == 0
    shown = run("check", path, "--select", "MS507,MS561")
    assert shown.exit_code == 1
    assert "MS507" in shown.stdout
    path.write_bytes(named_sample(PC).read()[:5000])
    cut = run("check", path)
    assert cut.exit_code == 3
    assert "[MS101]" in cut.stderr


def test_formats(tmp_path: Path, named_sample: Named) -> None:
    path = _damaged(tmp_path, named_sample)
    table = json.loads(run("check", path, "--json").stdout)
    assert table["complete"]
    assert [f["code"] for f in table["findings"]] == ["MS561", "MS507"]
    lines = run("check", path, "-f", "ndjson").stdout.splitlines()
    assert [json.loads(line)["code"] for line in lines] == ["MS561", "MS507"]
    [sarif] = json.loads(run("check", path, "-f", "sarif").stdout)["runs"]
    assert [r["level"] for r in sarif["results"]] == ["error", "note"]
    assert {r["id"] for r in sarif["tool"]["driver"]["rules"]} == {"MS561", "MS507"}
    region = sarif["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region["byteOffset"] == table["findings"][0]["span"][0]
    suite = ET.fromstring(run("check", path, "-f", "junit").stdout)  # noqa: S314 - our own text
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    text = run("check", path, "-v").stdout
    assert f"{table['findings'][0]['span'][0]:#x}" in text
    assert "migstream explain MS561" in text


def test_the_code_names_no_stream() -> None:
    """Rules hold for any stream: none of them knows the collection's files."""
    folder = Path(migstream.__file__).parent / "analysis"
    text = "".join(p.read_text() for p in folder.rglob("*.py"))
    for packed in broken_streams():
        assert packed.name.removesuffix(".mig") not in text
