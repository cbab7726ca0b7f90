"""`static-checker` held against what QEMU's own script says of the same schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.schemas import Complaint, check_schemas
from migstream.cli.group import cli
from migstream.stream import open_stream
from migstream.vmstate.schema import Schema, open_schema, parse_schema
from support import samples

LOADS = samples.SHARED / "loads"
needs_loads = pytest.mark.skipif(not LOADS.exists(), reason="the collection of loads is not here")
# The types that vmstate-static-checker.py of 10.0 complains of, 19 and 32 times in all.
TO_10_0 = {
    "e1000e",
    "acpi-ged",
    "serial-mm",
    "sysbus-ahci",
    "acpi-ged-x86",
    "virtio-vga-gl-base-type",
    "pci-piix3",
    "am53c974",
    "hpet",
    "pci-qxl",
    "sysbus-esp",
    "qxl",
    "virtio-vga-gl",
    "qxl-vga",
    "PIIX3-xen",
    "dc390",
}
TO_11_1 = TO_10_0 | {"nvme", "imx.usbphy", "isa-vga", "pvscsi"}
# That script also compares the versions of fields, which no stream carries.
FIELD_VERSIONS_ONLY = {"mc146818rtc"}


def _file(release: str) -> Path:
    return LOADS / "dump-vmstate" / f"pc72-{release}.json.zst"


@cache
def _schema(release: str) -> Schema:
    return open_schema(_file(release))


@needs_loads
@pytest.mark.parametrize(("release", "types"), [("10.0", TO_10_0), ("11.1", TO_11_1)])
def test_lists_what_qemus_script_lists(release: str, types: set[str]) -> None:
    report = check_schemas(_schema("7.2"), _schema(release))
    found = {c.type for c in report.complaints}
    assert types <= found
    assert not FIELD_VERSIONS_ONLY & found
    classes = {(c.type, c.verdict) for c in report.complaints}
    assert ("hpet", "same bytes") in classes
    assert ("hpet", "break") not in classes
    assert ("e1000e", "break") not in classes
    assert ("qxl", "break") in classes


@needs_loads
@pytest.mark.parametrize("release", ["10.0", "11.1"])
def test_none_of_it_fails_for_a_stream_that_both_load(release: str) -> None:
    folder = LOADS / "streams"
    with (
        open_stream(folder / "pc72-7.2.mig.zst", spool=True) as stream,
        open_stream(folder / f"pc72-{release}.mig.zst", spool=True) as other,
    ):
        for there in (None, other):
            report = compat(stream, Destination(_schema(release), there))
            assert report.accepted
            assert not [v for v in report.verdicts if v.word in {"fails", "loses"}]


@needs_loads
@pytest.mark.parametrize("release", ["5.2", "7.2", "10.0", "11.1"])
def test_a_schema_has_nothing_against_itself(release: str) -> None:
    name = "pc52" if release == "5.2" else "pc72"
    schema = open_schema(LOADS / "dump-vmstate" / f"{name}-{release}.json.zst")
    assert check_schemas(schema, schema).complaints == ()


@needs_loads
def test_command() -> None:
    arguments = ["static-checker", "-s", str(_file("10.0")), "-d", str(_file("7.2"))]
    run = CliRunner().invoke(cli, [*arguments, "--reverse"])
    assert run.exit_code == 1
    assert "Real breaks" in run.output
    assert "qxl-vga" in run.output
    run = CliRunner().invoke(cli, [*arguments, "--reverse", "--json"])
    assert json.loads(run.output)["source_machine"] == "pc-i440fx-7.2"
    same = ["static-checker", "-s", str(_file("7.2")), "-d", str(_file("7.2"))]
    assert CliRunner().invoke(cli, same).exit_code == 0


def _schema_of(fields: str, version: int = 1, minimum: int = 1, more: str = "") -> Schema:
    numbered = '{"field": "n", "version_id": 0, "field_exists": false, "num": 2, "size": 1}'
    text = (
        '{"vmschkmachine": {"Name": "none"}, "t": {"Name": "t", "Description": {"name": "t",'
        f' "version_id": {version}, "minimum_version_id": {minimum},'
        f' "Fields": [{numbered}{"," if fields else ""}{fields}]{more}' + "}}}"
    )
    return parse_schema(text.encode())


def _field(name: str, size: int, *, exists: bool = False) -> str:
    condition = str(exists).lower()
    return f'{{"field": "{name}", "version_id": 0, "field_exists": {condition}, "size": {size}}}'


def _complaints(ours: Schema, theirs: Schema) -> list[Complaint]:
    return list(check_schemas(ours, theirs).complaints)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (_field("a", 4), _field("b", 4), "same bytes"),
        (_field("a", 4), _field("unused", 4), "same bytes"),
        (_field("a", 4), f"{_field('b', 2)},{_field('c', 2)}", "same bytes"),
        (_field("a", 4), _field("a", 8), "break"),
        (_field("a", 4), "", "break"),
        (_field("a", 4), f"{_field('a', 4)},{_field('b', 1)}", "break"),
        (_field("a", 4), f"{_field('a', 4)},{_field('b', 1, exists=True)}", "depends"),
    ],
)
def test_fields_count_by_their_bytes(ours: str, theirs: str, verdict: str) -> None:
    assert [c.verdict for c in _complaints(_schema_of(ours), _schema_of(theirs))] == [verdict]


def test_versions_and_subsections() -> None:
    field = _field("a", 4)
    newer = _complaints(_schema_of(field, version=2), _schema_of(field))
    assert [(c.kind, c.verdict) for c in newer] == [("version", "break")]
    older = _complaints(_schema_of(field), _schema_of(field, version=3, minimum=2))
    assert [(c.kind, c.verdict) for c in older] == [("version", "break")]
    more = ', "Subsections": [{"name": "t/more", "version_id": 1, "minimum_version_id": 1}]'
    gone = _complaints(_schema_of(field, more=more), _schema_of(field))
    assert [(c.kind, c.state) for c in gone] == [("subsection", "t/more")]
    assert not _complaints(_schema_of(field), _schema_of(field, more=more))
