"""Every verb of the command over one stream, under limits, and what its output may never have."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from click.testing import CliRunner

from migstream.cli.group import VERBS, cli
from support.examine import bounded

__all__ = ["COMMANDS", "JSON", "LINES", "STATUS", "alone", "clean", "ended_well", "lines", "ours"]

# STREAM is what is tried, GOOD another one, OUT something new in a folder of its own.
COMMANDS = """
info STREAM
info STREAM --json
identify STREAM
identify STREAM -v
identify STREAM --json
find STREAM
find STREAM --nested --json
find STREAM --ndjson
find STREAM --extract all -o OUT
ls STREAM
ls STREAM --json
ls STREAM --ndjson
tree STREAM
tree STREAM --all
tree STREAM --json
show STREAM **
show STREAM **/* --json
get STREAM **
get STREAM *[*] --json
get STREAM nobody/has/this
registers STREAM
registers STREAM --all --json
mem STREAM --text word
mem STREAM --text word --json
mem STREAM --strings --json
mem STREAM --text word --ndjson
mem STREAM
history STREAM pc.ram@0
history STREAM pc.ram@0 --json
history STREAM pc.ram@0 --ndjson
history STREAM --heat
history STREAM --heat --all --json
history STREAM --heat --all
screen STREAM
screen STREAM --json
screen STREAM -o OUT -f ppm
console STREAM
console STREAM --json
console STREAM kernel
report STREAM -o OUT
report STREAM -o OUT --diff GOOD --json
queue STREAM virtio-net
queue STREAM virtio-net 0 --contents --json
gdb STREAM
tui STREAM
index STREAM -o OUT
extract STREAM -o OUT
extract STREAM -o OUT --paging
extract STREAM -o OUT -f raw
extract STREAM -o OUT -f raw --json
check STREAM
check STREAM --json
check STREAM -v -f sarif
check STREAM -f junit
check STREAM -f ndjson
explain --stream STREAM Unknown-savevm-section
explain --stream STREAM error-while-loading-state --json
compat STREAM --to-stream GOOD
compat STREAM --to-stream GOOD --json -v
compat GOOD --to-stream STREAM -v
compat GOOD --to-stream STREAM --json
compat STREAM --all
compat STREAM --to 10.0 --json
set STREAM --machine zz -o OUT
set STREAM two/n=1 -o OUT --json
drop STREAM one/one/more -o OUT
drop STREAM one -o OUT
rename STREAM one other -o OUT
redact STREAM -o OUT
redact STREAM -o OUT --json
minimise STREAM -o OUT --tries 6 -- false
heal STREAM --to-stream GOOD -o OUT
heal STREAM --to 10.0 --plays 9 --json -- -M pc -m 16
convert STREAM -o OUT --to-machine pc-i440fx-7.2
convert STREAM -o OUT --ram linear --json
desc STREAM
stat STREAM
stat STREAM --json
stat STREAM --speedscope -o OUT
diff STREAM GOOD
diff GOOD STREAM -v
diff GOOD STREAM --json
diff GOOD STREAM --ndjson
digest STREAM
digest STREAM -o OUT
decode STREAM
decode STREAM --meaning
decode STREAM --full -o OUT
analyze-migration -f STREAM
analyze-migration -m -f STREAM
analyze-migration -d desc -f STREAM
"""
UNTRIED = {
    "static-checker",
    "catalogue",
    "fleet",
    "encode",
    "schema",
    "completion",
    "man",
}  # they take no stream
LINES = {"ndjson", "--ndjson"}
JSON = {"--json", "sarif", *LINES, "decode", "analyze-migration"}

# What a terminal obeys, and what turns the order of text around; line feeds are our own.
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
STATUS = range(6)


def lines(stream: Path, good: Path, folder: Path) -> Iterator[list[str]]:
    """The words of each command."""
    for number, line in enumerate(COMMANDS.split("\n")):
        names = {"STREAM": str(stream), "GOOD": str(good), "OUT": str(folder / f"out{number}")}
        if line:
            yield [names.get(word, word) for word in line.split()]


def _covered() -> None:
    tried = {line.split()[0] for line in COMMANDS.split("\n") if line}
    assert tried | UNTRIED == VERBS.keys(), tried ^ VERBS.keys()


_covered()


def clean(raw: bytes, what: object = "") -> str:
    """Output as text: UTF-8, and nothing in it is obeyed by a terminal."""
    text = raw.decode("utf-8")
    hit = FORBIDDEN.search(text)
    if hit is not None:
        name = unicodedata.name(hit[0], f"U+{ord(hit[0]):04X}")
        raise AssertionError(
            f"{what}: {name} in {text[max(0, hit.start() - 60) : hit.end() + 20]!r}"
        )
    return text


def ended_well(words: Sequence[str], status: int | None, out: bytes, err: bytes) -> None:
    """One of our statuses, our own words, JSON that a strict reader takes."""
    assert status in STATUS, f"{words}: {status} {err[-2000:].decode(errors='replace')}"
    clean(err, words)
    assert b"Traceback" not in err, err.decode()
    if words[0] == "get" and "-r" in words:
        return
    text = clean(out, words)
    if not JSON.isdisjoint(words) and text and "--full" not in words:
        for document in [text] if LINES.isdisjoint(words) else text.splitlines():
            json.loads(document)
            msgspec.json.decode(document)


def ours(words: Sequence[str], *, seconds: float = 5.0, mebibytes: int = 256) -> tuple[int, bytes]:
    """Run a command here, under limits; its status and output, which are as they should be."""
    with bounded(seconds, mebibytes):
        result = CliRunner().invoke(cli, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{words}: {result.exception!r}") from result.exception
    ended_well(words, result.exit_code, result.stdout_bytes, result.stderr_bytes)
    return result.exit_code, result.stdout_bytes


def alone(
    words: Sequence[str], *, mebibytes: int = 256, **environment: str
) -> tuple[int, bytes, bytes, float]:
    """Run a command as a process of its own: status, output, errors, and its seconds on a CPU.

    The limit is on address space; that on time is far above what is to be shown, for a machine
    may be busy: who asks looks at the seconds.
    """

    def limit() -> None:
        size = mebibytes << 20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "migstream", *words],
        capture_output=True,
        timeout=60,
        preexec_fn=limit,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.returncode, done.stdout, done.stderr, spent
