"""`check`, `diff` and `digest` answer with the structs that their schemas are made of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest
from click.testing import CliRunner, Result

from migstream.cli.group import cli
from migstream.render.answer import Answer
from migstream.render.diff import DiffAnswer
from migstream.render.findings import Check, Found
from migstream.render.refreshed import Refreshed
from support.samples import Sample

Named = Callable[[str], Sample]
A = TypeVar("A", bound=Answer)


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def answered(kind: type[A], text: str, verb: str) -> A:
    """The document, which says first whose it is, and has no key that its class has not."""
    table = json.loads(text)
    assert list(table.items())[:2] == [("migstream", verb), ("format", 1)]
    answer = msgspec.json.decode(text, type=kind, strict=True)
    assert json.loads(msgspec.json.encode(answer)) == table
    return answer


@pytest.fixture
def cut(named_sample: Named, tmp_path: Path) -> Path:
    path = tmp_path / "cut.mig"
    path.write_bytes(named_sample("pc-7.2.mig").read()[:-40_000])
    return path


def test_check_of_every_stream(own_sample: Sample) -> None:
    one = answered(Check, run("check", own_sample.path, "--json").stdout, "check")
    assert one.file == str(own_sample.path)
    assert one.size == own_sample.path.stat().st_size
    assert one.complete


def test_check_says_the_same_in_each_form(cut: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    result = run("check", cut, "--json", "--report", report)
    one = answered(Check, result.stdout, "check")
    assert result.exit_code == 3
    assert not one.complete
    assert one.findings
    for text in (run("check", cut, "-f", "json").stdout, report.read_text()):
        assert text == result.stdout
    lines = [
        answered(Found, text, "check")
        for text in run("check", cut, "-f", "ndjson").stdout.splitlines()
    ]
    assert [line.file for line in lines] == [str(cut)] * len(one.findings)
    of = msgspec.structs.asdict
    for line, finding in zip(lines, one.findings, strict=True):
        assert of(line).items() >= of(finding).items()


@pytest.mark.parametrize("other", ["pc-2.3-7.2.mig", "pc-xbzrle-7.2.mig", "s390x-7.2.mig"])
@pytest.mark.parametrize("part", ["", "--values", "--schema", "--memory"])
def test_diff(other: str, part: str, named_sample: Named) -> None:
    paths = [str(named_sample(name).path) for name in ("pc-7.2.mig", other)]
    result = run("diff", *paths, "--json", *filter(None, [part]))
    one = answered(DiffAnswer, result.stdout, "diff")
    assert one.files == tuple(paths)
    assert one.same is (result.exit_code == 0)
    assert one.same is not bool(one.changes)
    assert run("diff", *paths, *filter(None, [part])).stdout.endswith(f"{one.summary}\n")
    parts = {change.part for change in one.changes}
    assert parts <= ({part[2:]} if part else {"values", "schema", "memory"})


def test_diff_of_equal_streams(named_sample: Named) -> None:
    path = named_sample("pc-7.2.mig").path
    one = answered(DiffAnswer, run("diff", path, path, "--json").stdout, "diff")
    assert (one.same, one.changes, one.summary) == (True, [], "no difference")
    assert "cpu[0]" in one.alike


def test_diff_says_what_memory_is_missing(named_sample: Named) -> None:
    paths = [named_sample(name).path for name in ("pc-7.2.mig", "pc-ignore-shared-7.2.mig")]
    result = run("diff", *paths, "--json")
    here, [gone] = answered(DiffAnswer, result.stdout, "diff").missing
    assert here == []
    assert (gone.block, gone.kind, gone.pages, gone.of) == ("ram0", "absent", 4096, 4096)
    assert f"{paths[1]}: ram0: " in result.stderr
    only = answered(DiffAnswer, run("diff", *paths, "--json", "--values").stdout, "diff")
    assert only.missing == ([], [])


def test_digest_refreshed(named_sample: Named, tmp_path: Path) -> None:
    stream, golden = tmp_path / "guest.mig", tmp_path / "guest.digest"
    stream.write_bytes(named_sample("pc-7.2.mig").read())
    run("digest", stream, "-o", golden)
    again = run("digest", "--refresh", golden, "--json").stdout
    assert answered(Refreshed, again, "digest") == Refreshed(
        file=str(golden), same=True, differences=[]
    )
    run("set", stream, "cpu[0]/env.eip=65521", "--in-place")
    one = answered(Refreshed, run("digest", "--refresh", golden, "--json").stdout, "digest")
    assert not one.same
    [found] = one.differences
    assert (found.path, found.old, found.new) == ("cpu[0]/env.eip", "uint64 65520", "uint64 65521")
    assert found.device == "cpu[0]"
    assert found.span is not None
    assert found.span.size == 8


def test_digests_refreshed_are_a_document_each(named_sample: Named, tmp_path: Path) -> None:
    path = named_sample("pc-7.2.mig").path
    goldens = [tmp_path / f"{n}.digest" for n in range(3)]
    for golden in goldens:
        run("digest", path, "-o", golden, "--no-ram")
    text = run("digest", "--refresh", *goldens, "--json").stdout
    decode, names = json.JSONDecoder().raw_decode, []
    while text:
        table, end = decode(text)
        names.append(answered(Refreshed, json.dumps(table), "digest").file)
        text = text[end:].lstrip()
    assert names == [str(golden) for golden in goldens]


@pytest.mark.parametrize("verb", ["check", "diff", "digest"])
def test_schemas(verb: str) -> None:
    table = json.loads(run("schema", verb).stdout)
    assert table["$defs"]
    for one in table["$defs"].values():
        assert one["description"]
