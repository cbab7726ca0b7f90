"""One object scanned says what the verbs say of it, reads little, gives nothing away, and never raises."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.cli.group import cli
from migstream.fleet.marks import Mark
from migstream.fleet.scan import Questions, Scan, scan, state_of
from migstream.fleet.schema import TABLES, columns
from support import build
from support.fleet import KINDS, WHEN, objects
from support.samples import REPOSITORY, Sample

ALL = Questions(to=("11.1",), fields=("cpu[*]/env.eip", "globalstate/runstate"), check=True)


def said(*words: str) -> Any:
    return json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)


def test_it_says_what_the_verbs_say(own_sample: Sample) -> None:
    path = str(own_sample.path)
    rows = scan(path, questions=ALL)
    info, check = said("info", path), said("check", path)
    saved = rows.saved
    told = {
        "machine": saved.machine,
        "qemu_hint": saved.writer,
        "capabilities": saved.capabilities,
        "distribution": saved.distribution,
        "cpu": saved.cpu,
        "vcpus": saved.vcpus,
        "max_vcpus": saved.max_vcpus,
        "memory": saved.memory,
        "accelerator": saved.accelerator,
        "uuid": saved.uuid,
        "description_size": saved.description_bytes,
        "device_count": saved.devices,
        "device_bytes": saved.device_bytes,
    }
    assert told == {name: info[name] for name in told}
    assert [(d.path, d.version_id, d.size, d.described) for d in rows.devices] == [
        (d["path"], d["version_id"], d["size"], d["described"]) for d in info["devices"]
    ]
    blocks = info["ram"]["blocks"] if info["ram"] else []
    assert [(b.name, b.size, b.unplugged) for b in rows.blocks] == [
        (b["name"], b["size"], b["unplugged"]) for b in blocks
    ]
    assert [(f.code, f.severity, f.path) for f in rows.findings] == [
        (f["code"], f["severity"], f["path"]) for f in check["findings"]
    ]
    assert saved.state == ("damaged" if info["damage"] else "whole")
    digest = CliRunner().invoke(cli, ["digest", path]).stdout.splitlines()
    for device in rows.devices:
        assert any(
            line.startswith(f"{device.path} = ") and line.endswith(device.digest) for line in digest
        )


def test_the_load_is_what_compat_foretells(named_sample: Callable[[str], Sample]) -> None:
    for name in ("pc-7.2.mig", "pc-xbzrle-7.2.mig", "arm-virt-7.2.mig", "isapc-7.2.mig"):
        path = str(named_sample(name).path)
        [verdict] = scan(path, questions=ALL).verdicts
        told = CliRunner().invoke(cli, ["compat", path, "--to", "11.1", "--json"])
        if verdict.loads is None:
            assert verdict.message is not None
            assert verdict.message in told.stderr
            continue
        answer = json.loads(told.stdout)
        assert verdict.loads == answer["accepted"]
        assert verdict.problems == len(answer["problems"])
        first = next(iter(answer["problems"]), None)
        assert verdict.message == (first["message"] if first else None)


def test_values_that_were_asked_for(named_sample: Callable[[str], Sample]) -> None:
    rows = scan(str(named_sample("pc-7.2.mig").path), questions=ALL)
    [eip, state] = rows.fields
    assert (eip.asked, eip.path, eip.number) == ("cpu[*]/env.eip", "cpu[0]/env.eip", 0xFFF0)
    assert (state.asked, state.number) == ("globalstate/runstate", None)


def test_rows_are_plain_and_can_be_sent(named_sample: Callable[[str], Sample]) -> None:
    rows = scan(str(named_sample("pc-7.2.mig").path), questions=ALL, time=WHEN)
    assert pickle.loads(pickle.dumps(rows)) == rows
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(rows), type=Scan) == rows
    assert scan(str(named_sample("pc-7.2.mig").path), questions=ALL, time=WHEN) == rows
    for table in TABLES:
        names = [name for name, *_ in columns(table)]
        assert all(list(row) == names for row in rows.rows(table))
    assert migstream.scan is scan


def test_what_cannot_be_read_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no stream")
    (tmp_path / "cut.gz").write_bytes(KINDS["gz"](build.small(), None)[:-9])  # type: ignore[arg-type]
    for name, code in (("empty", "MS102"), ("text", "MS102"), ("nothing", "MS400"), (".", "MS102")):
        rows = scan(str(tmp_path / name))
        assert (rows.saved.state, rows.saved.error) == ("unread", code)
        assert rows.saved.message
        assert not rows.devices
        assert not rows.saved.again
    assert scan(str(tmp_path / "cut.gz")).saved.state == "damaged"
    rows = scan("http://127.0.0.1:9/x")
    assert (rows.saved.state, rows.saved.error) == ("unread", "MS400")


def test_a_wrong_question_is_the_callers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no release"):
        scan(str(tmp_path), questions=Questions(to=("eleven",)))


def test_names_can_be_left_out(tmp_path: Path) -> None:
    for number, (_, data) in enumerate(objects(2 * len(KINDS), [build.small()])):
        path = tmp_path / f"secret-{number}.mig"
        path.write_bytes(data)
        rows = scan(str(path), questions=msgspec.structs.replace(ALL, redact=b"key"))
        text = msgspec.msgpack.encode(rows)
        for word in (b"secret", b"guest-", b"5e5d0d5e", b"night"):
            assert word not in text
        assert rows.key.object != scan(str(path)).key.object
    others = scan(str(path), questions=Questions(redact=b"other"))  # type: ignore[possibly-undefined]
    assert others.key.object != rows.key.object  # type: ignore[possibly-undefined]


def test_a_state_is_told_from_another() -> None:
    mark = Mark(size=5, etag="x", mtime=WHEN)
    states = {
        state_of(mark, Questions()),
        state_of(mark, Questions(check=True)),
        state_of(msgspec.structs.replace(mark, size=6), Questions()),
        state_of(msgspec.structs.replace(mark, etag="y"), Questions()),
    }
    assert len(states) == 4
    assert state_of(Mark(), Questions()) is None


@settings(max_examples=60)
@given(st.data())
def test_hostile_bytes_are_a_row(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    good = bytearray(build.small())
    for _ in range(data.draw(st.integers(0, 8))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "hostile.mig"
    path.write_bytes(bytes(good[: data.draw(st.integers(0, len(good)))]))
    rows = scan(str(path), questions=ALL)
    assert rows.saved.error != "MS000", rows.saved.message
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(rows), type=Scan) == rows


def test_the_page_has_all_columns() -> None:
    page = (REPOSITORY / "docs" / "fleet.md").read_text()
    for table in TABLES:
        for name, kind, meaning in columns(table):
            assert f"| `{name}` | {kind} | {meaning} |" in page, (table, name)
