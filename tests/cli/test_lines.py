"""--ndjson: a line of JSON for each thing, as it is found, each as the schema of a line says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from migstream.cli.common import Out, Verb
from migstream.cli.group import COMMANDS, VERBS, cli
from migstream.render.answer import Line, line_text
from support import examples
from support.samples import Sample
from support.terminal import MIGSTREAM

Named = Callable[[str], Sample]
# A command, and the list of its document that the lines are the entries of; what follows them.
LISTS = (
    ("ls guest.mig", "items", None),
    ("ls guest.mig --devices", "items", None),
    ("find disk.img", "found", None),
    ("mem guest.mig", "ranges", None),
    ("mem guest.mig --text SeaBIOS", "hits", "missing"),
    ("mem guest.mig --strings --block pc.bios", "hits", "missing"),
    ("history live.mig 0x10000", "versions", None),
    ("history live.mig 0x10000 --diff 0 2", "changes", None),
    ("check bad.mig", "findings", None),
    ("diff good.mig bad.mig", "changes", None),
)
WHOLE = ("mem guest.mig 0xf0000 -n 32", "history live.mig 0x10000 --dump 1")


class Begun(Line, tag="begun", frozen=True, kw_only=True):
    """How a line begins."""


class Thing(msgspec.Struct, frozen=True):
    """What follows."""

    name: str
    value: int | None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, named_sample: Named) -> Path:
    made = tmp_path_factory.mktemp("lines")
    examples.fill(made, named_sample)
    return made


def run(line: str, folder: Path) -> tuple[int, list[Any]]:
    """Status, and the documents on standard output, one a line."""
    done = subprocess.run(
        [*MIGSTREAM, *line.split()], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, [json.loads(text) for text in done.stdout.splitlines()]


def schema_of(verb: str) -> Draft202012Validator:
    ended = CliRunner().invoke(cli, ["schema", verb, "--ndjson"])
    assert ended.exit_code == 0, ended.output
    schema = json.loads(ended.stdout)
    assert schema["title"] == f"migstream {verb} --ndjson"
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _known(schema: dict[str, Any]) -> list[set[str]]:
    """The keys of each kind of line."""
    refs = [one["$ref"] for one in schema.get("anyOf", [schema])]
    return [{*schema["$defs"][ref.rpartition("/")[2]]["properties"]} for ref in refs]


@pytest.mark.parametrize(("line", "key", "behind"), LISTS, ids=[one[0] for one in LISTS])
def test_lines_are_the_entries_of_the_list(
    line: str, key: str, behind: str | None, folder: Path
) -> None:
    verb = line.split(maxsplit=1)[0]
    status, lines = run(f"{line} --ndjson", folder)
    done = subprocess.run(
        [*MIGSTREAM, *line.split(), "--json"], cwd=folder, capture_output=True, check=False
    )
    document = json.loads(done.stdout)
    assert status == done.returncode
    entries = [*document[key], *(document[behind] if behind else ())]
    assert len(lines) == len(entries) > 0
    schema = schema_of(verb)
    for one, entry in zip(lines, entries, strict=True):
        schema.validate(one)
        assert any(one.keys() <= known for known in _known(schema.schema))
        assert list(one)[:3] == ["migstream", "format", "file"]
        assert (one["migstream"], one["format"]) == (verb, 1)
        assert one.items() >= entry.items()


@pytest.mark.parametrize("line", WHOLE)
def test_what_is_one_thing_is_one_line(line: str, folder: Path) -> None:
    _, [one] = run(f"{line} --ndjson", folder)
    document = subprocess.run(
        [*MIGSTREAM, *line.split(), "--json"], cwd=folder, capture_output=True, check=False
    )
    assert one == json.loads(document.stdout)
    schema_of(line.split(maxsplit=1)[0]).validate(one)


def test_both_forms_of_check_are_one(folder: Path) -> None:
    assert run("check bad.mig --ndjson", folder) == run("check bad.mig -f ndjson", folder)


def test_two_forms_at_once_are_refused(folder: Path) -> None:
    assert run("ls guest.mig --ndjson --json", folder) == (2, [])


def test_a_line_is_there_before_the_next_is_looked_for() -> None:
    """A reader at the other end of a pipe has it, while the search goes on."""
    reader, writer = os.pipe()
    kept, sys.stdout = sys.stdout, os.fdopen(writer, "w")
    try:

        def search() -> Iterator[tuple[Begun, Thing]]:
            for number in range(3):
                yield Begun(file="x"), Thing("thing", number)
                # asked for the next one: this one has come through
                assert json.loads(os.read(reader, 1 << 16))["value"] == number

        out = Out(as_json=False, ndjson=True, color="never", verbose=False)
        out.lines(search())
    finally:
        sys.stdout.close()
        sys.stdout = kept
        os.close(reader)


@pytest.mark.parametrize("verb", VERBS)
def test_what_has_no_lines_says_so(verb: str) -> None:
    command = COMMANDS.find(verb)
    lines = isinstance(command, Verb) and bool(command.lines)
    ended = CliRunner().invoke(cli, ["schema", verb, "--ndjson"])
    assert ended.exit_code == (0 if lines else 2)
    assert lines is any("--ndjson" in one.opts for one in command.params if verb != "schema")  # type: ignore[union-attr]


@given(st.text(), st.text(), st.none() | st.integers())
def test_any_two_are_one_object(file: str, name: str, value: int | None) -> None:
    text = line_text((Begun(file=file), Thing(name, value)))
    assert b"\n" not in text
    table = json.loads(text)
    assert list(table) == ["migstream", "format", "file", "name", "value"]
    assert table["value"] == value
