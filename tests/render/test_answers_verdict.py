"""What compat, static-checker, explain and minimise print with --json is what their schemas say."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from click.testing import CliRunner

from migstream.analysis.compat.machines import BinariesReport, MachineReport
from migstream.analysis.compat.model import Report
from migstream.analysis.compat.schemas import SchemaReport, check_schemas
from migstream.cli.common import Verb
from migstream.cli.explain import command as explain_verb
from migstream.cli.group import COMMANDS, cli
from migstream.cli.static_checker import StaticChecker
from migstream.names import json_text
from migstream.qemu.load import Verdict
from migstream.render import paint
from migstream.render.answer import Answer
from migstream.render.codes import CodePage, Codes
from migstream.render.compat import Compat, compat_answer
from migstream.render.explanation import BASIS, Explained
from migstream.render.healed import Healing
from migstream.render.machines import Machines, machine_parts, machines
from migstream.render.minimum import Minimised
from migstream.render.schemas import Schemas
from migstream.vmstate.schema import open_schema
from support.samples import Sample

Named = Callable[[str], Sample]
Kind = TypeVar("Kind", bound=Answer)
PC, Q35 = "pc-7.2.mig", "q35-7.2.mig"
VERBS = ("compat", "static-checker", "explain", "heal", "minimise")
LOG = """qemu-system-x86_64: VQ 0 size 0x100 < last_avail_idx 0xfff0 - used_idx 0x0
qemu-system-x86_64: error while loading state for instance 0x0 of device '0000:00:03.0/virtio-blk'
qemu-system-x86_64: load of migration failed: Operation not permitted
"""


def checked(data: bytes, kind: type[Kind]) -> Kind:
    """The document, which has all that its class says and nothing else, and begins with whose it is."""
    one = msgspec.json.decode(data, type=kind, strict=True)
    table = json.loads(data)
    assert list(table)[:2] == ["migstream", "format"]
    assert table["format"] == 1
    assert json.loads(json_text(one, pretty=False)) == table
    return one


def answer(kind: type[Kind], *words: object, status: int = 0, data: str | None = None) -> Kind:
    run = CliRunner().invoke(cli, [*map(str, words[:1]), "--json", *map(str, words[1:])], data)
    assert run.exit_code == status, run.output
    one = checked(run.stdout_bytes, kind)
    assert json.loads(run.stdout)["migstream"] == words[0]
    return one


@pytest.fixture
def schemas(tmp_path: Path) -> tuple[Path, Path]:
    """Two schemas of which the first breaks in the second."""

    def written(name: str, version: int) -> Path:
        numbers = {"version_id": version, "minimum_version_id": 1}
        toy = {"Name": "toy", **numbers, "Description": {"name": "toy", **numbers, "Fields": [
            {"field": "level", "version_id": 0, "field_exists": False, "size": 4 * version},
        ]}}  # fmt: skip
        path = tmp_path / name
        path.write_text(json.dumps({"vmschkmachine": {"Name": "pc-1.0"}, "toy": toy}))
        return path

    return written("two.json", 2), written("one.json", 1)


def test_each_verb_says_what_it_answers() -> None:
    for verb in VERBS:
        command = COMMANDS.find(verb)
        assert isinstance(command, Verb)
        assert command.answers
        run = CliRunner().invoke(cli, ["schema", verb])
        assert run.exit_code == 0, run.output
        assert json.loads(run.stdout)["title"] == f"migstream {verb} --json"
    assert set(explain_verb.answers) == {Explained, CodePage, Codes}


# --- compat --------------------------------------------------------------------------------------


def test_compat_of_a_stream(named_sample: Named, tmp_path: Path) -> None:
    one, other = named_sample(PC).path, named_sample(Q35).path
    same = answer(Compat, "compat", one, "--to-stream", one)
    assert same.accepted
    assert same.file == str(one)
    assert {device.verdict for device in same.devices} == {"loads"}
    assert same.tried is None
    told = answer(Compat, "compat", one, "--to-stream", other, status=1)
    assert told.problems
    assert told.missing
    assert told.problems[0].said
    breaks = tmp_path / "breaks.toml"
    breaks.write_text('[[break]]\ndevice = "*"\nkind = "section"\nreason = "none there"\n')
    words = ("--to-stream", other, "--accept", breaks)
    reasons = answer(Compat, "compat", one, *words, status=1).accepted_breaks
    assert {one.reason for one in reasons} == {"none there"}


def test_compat_of_two_schemas(schemas: tuple[Path, Path]) -> None:
    ours, theirs = schemas
    told = answer(Schemas, "compat", ours, "--to", theirs, status=1)
    assert told.source_machine == "pc-1.0"
    checker = answer(StaticChecker, "static-checker", "-s", ours, "-d", theirs, status=1)
    assert checker.complaints == told.complaints
    assert {c.verdict for c in told.complaints} >= {"break"}
    assert answer(StaticChecker, "static-checker", "-s", ours, "-d", ours).complaints == ()


def _binaries(found: SchemaReport, tried: Verdict | None, *problems: str) -> BinariesReport:
    """Two QEMUs of which one machine was tried, and one does not start."""
    report = Report(
        file="pc", destination="b", release="7.2", verdicts=(), problems=(), missing=problems
    )
    return BinariesReport(
        source="a",
        destination="b",
        machines=(
            MachineReport(machine="pc", report=report, tried=tried),
            MachineReport(machine="isapc", said="first\nno such machine"),
        ),
        gone=("old",),
        new=(),
        schemas=found,
    )


def test_compat_of_two_binaries(schemas: tuple[Path, Path]) -> None:
    ours, theirs = map(open_schema, schemas)
    for tried in (None, Verdict(True, ""), Verdict(False, "one\ntwo")):
        report = _binaries(check_schemas(ours, theirs), tried, "fdc[0]")
        told = checked(json_text(machines(report), pretty=True), Machines)
        good, silent = told.machines
        assert good.accepted is (tried is None or tried.accepted)
        assert good.report == compat_answer(report.machines[0].report, tried)  # type: ignore[arg-type]
        assert (silent.accepted, silent.report) == (None, None)
        assert told.schemas.complaints == report.schemas.complaints
        for verbose in (False, True):
            text = list(paint.text(machine_parts(report, verbose=verbose)))
            assert text[0].startswith("machine")
            assert text[-1].startswith("a → b: of 2 machine types")


# --- explain -------------------------------------------------------------------------------------


def test_explain_of_a_code() -> None:
    page = answer(CodePage, "explain", "ms103")
    assert page.code == "MS103"
    assert page.text
    listed = answer(Codes, "explain", "--list").codes
    assert page.title in {one.title for one in listed if one.code == "MS103"}


def test_explain_of_a_log(named_sample: Named) -> None:
    bare = answer(Explained, "explain", "-", data=LOG)
    assert bare.file is None
    assert bare.cause is not None
    assert (bare.device, bare.instance) == ("0000:00:03.0/virtio-blk", 0)
    assert bare.difference is None
    path = named_sample(PC).path
    told = answer(Explained, "explain", "Missing section footer for fdc", "--stream", path)
    assert told.file == str(path)
    assert told.spots
    nothing = answer(Explained, "explain", "the weather is fine", status=1)
    assert (nothing.messages, nothing.cause, nothing.silent) == ([], None, None)


def test_explain_with_both_sides(named_sample: Named) -> None:
    text = "Unknown savevm section or instance '0000:00:1f.2/ich9_ahci' 0."
    words = ("--stream", named_sample(Q35).path, "--to-stream", named_sample(PC).path)
    told = answer(Explained, "explain", text, *words)
    assert told.difference is not None
    reason = told.difference.differences[0]
    assert reason.kind == "section"
    assert reason.basis in BASIS
    assert reason.source.span is not None


def test_explain_with_what_is_wrong_with_the_stream(named_sample: Named, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mig"
    cut.write_bytes(named_sample(PC).read()[:240000])
    words = ("error while loading state for instance 0x0 of device 'cpu'", "--stream", cut)
    assert answer(Explained, "explain", *words).findings
    run = CliRunner().invoke(cli, ["explain", "the weather is fine", "--stream", str(cut)])
    assert run.stdout.startswith("What check finds in it\n")


# --- heal ----------------------------------------------------------------------------------------


def test_heal(named_sample: Named, tmp_path: Path) -> None:
    source, out = named_sample("pc-7.2.mig").path, tmp_path / "healed.mig"
    told = answer(
        *(Healing, "heal", source, "--to", "10.0", "-o", out),
        *("--", "-nodefaults", "-M", "pc-i440fx-7.2", "-m", "32"),
    )
    assert (told.loads, told.as_it_is, told.tried, told.output) == (True, False, False, None)
    assert [one.where for one in told.changes] == ["destination"]
    assert told.arguments is not None
    assert told.command == " ".join(told.arguments)
    assert told.problem is not None
    assert told.left is None


# --- minimise ------------------------------------------------------------------------------------


def test_minimise(named_sample: Named, tmp_path: Path) -> None:
    source, out = named_sample("microvm-7.2.mig").path, tmp_path / "small.mig"
    script = "import sys; print('no'); sys.exit(3 * (b'apic' in open(sys.argv[1], 'rb').read()))"
    behind = ("--", sys.executable, "-c", script, "{}")
    told = answer(Minimised, "minimise", source, "-o", out, "--tries", 4, *behind)
    assert (told.file, told.output) == (str(source), str(out))
    assert told.size == out.stat().st_size < told.before == source.stat().st_size
    assert told.tries <= 4
    assert told.left
    assert told.failure.status == 3
    assert told.said == "no"
