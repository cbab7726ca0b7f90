"""Every kept stream that broke something once, through the verb that it broke and those that anybody tries first."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.pace import pace
from support.samples import SHARED
from support.verbs import alone, ended_well

FOLDER = SHARED / "faults"
# What each broke first; see the folder's own README.
BROKE = {
    "01": ["info"],
    "02": ["info", "check"],
    "03": ["decode", "tree --json", "check --json"],
    "04": ["set --machine zz -o OUT", "redact -o OUT", "convert --to-machine pc-i440fx-7.2 -o OUT"],
    "05": ["index -o OUT"],
    "06": ["history ram@0"],
    "07": ["history or1k.ram@0"],
    "08": ["info"],
    "09": ["minimise -o OUT --force --tries 30 -- false"],
    "10": ["redact -o OUT", "set --machine zz -o OUT"],
    "11": ["analyze-migration -m"],
    "12": ["analyze-migration"],
    "13": ["decode", "digest", "redact -o OUT", "get one/a", "tree", "analyze-migration"],
    "14": ["check", "digest", "mem --text word", "convert --ram linear -o OUT"],
    "15": ["history pc.ram@0"],
    "16": ["info"],
    "17": ["info"],
    "18": ["info", "ls"],
    "19": ["digest"],
    "20": ["digest"],
    "22": ["info"],
}
ALWAYS = ["info", "ls", "check", "decode", "digest --no-ram", "stat --json", "registers"]
SECONDS = 1.0  # on a CPU at its full pace; 2 where all of memory has to be read
READS_MEMORY = {"digest", "mem", "convert", "minimise"}


def found() -> list[Path]:
    return sorted(path for path in FOLDER.glob("[0-9][0-9]-*") if ".mig" in path.name)


@pytest.mark.parametrize("path", found(), ids=lambda path: path.name)
def test_a_stream_that_broke_something(path: Path, tmp_path: Path) -> None:
    lines = [*BROKE.get(path.name[:2], []), *ALWAYS]
    for number, line in enumerate(dict.fromkeys(lines)):
        verb, *words = [str(tmp_path / f"out{number}") if w == "OUT" else w for w in line.split()]
        given = ["-f", str(path)] if verb == "analyze-migration" else [str(path)]
        command = [verb, *given, *words]
        status, out, err, spent = alone(command)
        ended_well(command, status, out, err)
        most = 2 * SECONDS if verb in READS_MEMORY else SECONDS
        assert spent < most * pace(), f"{line}: {spent:.2f} s on a CPU"
