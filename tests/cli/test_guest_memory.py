"""The verbs of guest memory over pipes, channels and compressed files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import migstream
from migstream.cli.group import VERBS, cli
from migstream.ram.sidecar import SUFFIX
from support import samples
from support.samples import Packed, Sample

Named = Callable[[str], Sample]


def run(*words: object, data: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=data)


def test_history_lists_shows_and_compares(named_sample: Named) -> None:
    sample = named_sample("pc-xbzrle-7.2.mig")
    with migstream.open(sample.path) as stream:
        final = stream.ram["pc.ram"][0x10000:0x11000]
    rows = json.loads(run("history", sample.path, "pc.ram@0x10000", "--json").stdout)["versions"]
    assert len(rows) >= 2
    assert [row["version"] for row in rows] == list(range(len(rows)))
    assert rows[0]["kind"] == "page"
    assert [row["round"] for row in rows] == sorted(row["round"] for row in rows)
    last = len(rows) - 1
    assert run("history", sample.path, "0x10000", "-n", last, "-r").stdout_bytes == final
    text = run("history", sample.path, "0x10000").stdout
    assert len(text.splitlines()) == len(rows) + 1
    changed = run("history", sample.path, "0x10000", "--diff", 0, last)
    assert changed.exit_code == 1
    assert {line[0] for line in changed.stdout.splitlines()} == {"-", "+"}
    told = json.loads(run("history", sample.path, "0x10010", "--diff", 0, last, "--json").stdout)
    lines = changed.stdout.splitlines()
    for one, before, after in zip(told["changes"], lines[::2], lines[1::2], strict=True):
        assert int(before[2:10], 16) == int(after[2:10], 16) == one["offset"]
        assert bytes.fromhex(before[12:59]).hex() == one["before"]
        assert bytes.fromhex(after[12:59]).hex() == one["after"]
    whole = json.loads(run("history", sample.path, "0x10010", "-n", last, "--json").stdout)
    assert (whole["offset"], bytes.fromhex(whole["hex"])) == (0x10000, final)
    same = run("history", sample.path, "0x10000", "--diff", 0, 0)
    assert (same.exit_code, same.stdout) == (0, "")
    for words in (["nonsense"], ["pc.ram@0xfffffffff"], ["no@0"], ["0x10000", "-n", "99"]):
        assert run("history", sample.path, *words).exit_code == 2


def test_index_is_used_from_then_on(named_sample: Named, tmp_path: Path) -> None:
    path = tmp_path / "a.mig"
    path.write_bytes(named_sample("pc-7.2.mig").read())
    before = run("extract", path, "-o", tmp_path / "one", "-f", "raw")
    assert run("index", path).exit_code == 0
    assert Path(f"{path}{SUFFIX}").exists()
    after = run("extract", path, "-o", tmp_path / "two", "-f", "raw")
    assert (before.exit_code, after.exit_code) == (0, 0)
    for one in (tmp_path / "one").iterdir():
        assert one.read_bytes() == (tmp_path / "two" / one.name).read_bytes()
    with migstream.open(path) as stream:
        assert "_walk" not in vars(stream)  # nothing was walked
    assert run("index", named_sample("pc-7.2.mig").path, "-o", tmp_path / "no" / "x").exit_code == 5


def test_a_pipe_and_a_compressed_file_give_memory_too(named_sample: Named, tmp_path: Path) -> None:
    raw = named_sample("pc-7.2.mig").read()
    done = subprocess.run(
        [sys.executable, "-m", "migstream", "extract", "-", "-o", str(tmp_path / "piped")],
        input=raw, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    packed = samples.OWN / "pc-7.2.mig.xz"
    assert run("extract", packed, "-o", tmp_path / "packed").exit_code == 0
    assert run("extract", named_sample("pc-7.2.mig").path, "-o", tmp_path / "plain").exit_code == 0
    plain = (tmp_path / "plain").read_bytes()
    assert (tmp_path / "piped").read_bytes() == plain
    assert (tmp_path / "packed").read_bytes() == plain


def channels() -> list[Packed]:
    return [one for one in samples.channels(".main.mig") if one.name.startswith("multifd-zstd-7.2")]


@pytest.mark.skipif(not channels(), reason="the larger collection is not there")
def test_every_verb_takes_channels(unpack: Callable[[Packed], Sample], tmp_path: Path) -> None:
    (main,) = channels()
    parts = [
        unpack(one).path
        for one in samples.channels(".bin")
        if one.name.startswith(main.name.removesuffix(".main.mig"))
    ]
    options = [word for part in reversed(parts) for word in ("--channel", part)]
    path = unpack(main).path
    words: dict[str, list[object]] = {
        "get": ["cpu/env.eip"],
        "show": ["cpu/env.eip"],
        "history": ["pc.ram@0x1000"],
        "extract": ["-o", tmp_path / "core"],
        "mem": ["0x7c00"],
        "report": ["-o", tmp_path / "guest.html"],
        "convert": ["-o", tmp_path / "linear.mig", "--ram", "linear"],
    }
    # of one file, not of four; of two streams; of none
    others = {"index", "encode", "set", "drop", "rename", "redact", "diff", "compat"}
    others |= {
        "explain",
        "find",
        "static-checker",
        "minimise",
        "heal",
        "schema",
        "completion",
        "man",
    }
    others |= {"catalogue", "fleet"}
    others |= {"queue", "tui"}  # of a virtio device, which this guest has not; on a terminal
    for verb in VERBS.keys() - others:
        place = ["-f", path] if verb == "analyze-migration" else [path]
        done = run(verb, *place, *words.get(verb, []), *options)
        assert (done.exit_code, done.stderr) == (0, ""), verb
    lines = run("ls", path, *options).stdout.splitlines()
    assert sum("  channel  " in line for line in lines) == len(parts)
    alone = run("ls", parts[0]).stdout
    assert "zstd" in alone
    missing = run("mem", path, "0x100000")
    assert missing.exit_code != 0
    assert "--channel" in missing.stderr
    one_short = run("info", path, *options[2:])
    assert one_short.exit_code in {0, 3}
