"""Run the comparison: ``python -m bench``. Exit status 1 when a bar was missed, 2 when a command failed."""

from __future__ import annotations

import compileall
import os
import sys
import tempfile
from pathlib import Path

from bench.analysis import analysis_rows
from bench.containers import container_rows
from bench.guest import guest_rows
from bench.memory import memory_rows
from bench.saving import saving_rows
from bench.searching import searching_rows
from bench.streams import build, device_part, unpack
from bench.timing import CommandFailedError, Row, Timed, in_turn, seconds, table
from bench.xbzrle import xbzrle_row

HERE = Path(__file__).resolve().parents[1]
STREAMS = HERE / "tests" / "streams"
SMALL, LARGE = 16, 1024  # MiB of guest memory
IMPORTS = 'python3 -c "import json, struct"'


def compare(
    folder: Path, script: str | None, volatility: str | None, installed: str, runs: int
) -> list[Row]:
    """Make the streams in `folder`, time everything, and return the ratios.

    Parameters
    ----------
    folder : has room for 16 GiB
    script : QEMU's ``analyze-migration.py``, if there is one
    volatility : a Python that has Volatility 3, if there is one
    installed : a Python that has migstream, whose start-up is timed
    runs : how many are counted of each
    """
    ours = str(Path(sys.executable).with_name("migstream"))
    devices = device_part(unpack(STREAMS / "pc-7.2.mig.xz", folder / "pc.mig").read_bytes())
    small = str(build(folder / "small.mig", SMALL, devices))
    large = str(build(folder / "large.mig", LARGE, devices))
    pseries = str(unpack(STREAMS / "pseries-7.2.mig.xz", folder / "pseries.mig"))

    def timed(*command: str) -> float:
        print(f"timing: {' '.join(command)}", file=sys.stderr)
        return seconds(command, runs)

    def both_sizes(name: str, *command: str) -> tuple[float, Row]:
        at_small, at_large = timed(ours, *command, small), timed(ours, *command, large)
        return at_large, Row(
            f"{name}, {LARGE} MiB", at_large, f"{name}, {SMALL} MiB", at_small, "<=", 1.2
        )

    bare = timed(sys.executable, "-c", "pass")
    # where start-up is all that there is, what else is installed counts
    alone = str(Path(installed).with_name("migstream"))
    imports, one_value, overview = in_turn(
        [
            Timed((installed, "-c", "import json, struct")),
            Timed((alone, "get", small, "cpu[0]/env.eip")),
            Timed((alone, "info", small)),
        ],
        runs,
    )
    walked, read = in_turn([Timed((ours, "stat", large)), Timed(("cat", large))], runs)
    decode, decode_row = both_sizes("decode --json", "decode", "--json")
    _, info_row = both_sizes("info", "info")
    rows = [
        decode_row,
        info_row,
        Row(
            f"stat (walks the RAM), {LARGE} MiB",
            walked,
            "cat FILE >/dev/null",
            read,
            "<=",
            2,
        ),
        Row("--version", timed(ours, "--version"), "python3 -c pass", bare, "<=", 4),
        # what a command pays before it does anything: Python, click, msgspec, the modules of one verb
        Row("get of one value", one_value, IMPORTS, imports, "<=", 3),
        Row("info, in a pipe", overview, IMPORTS, imports, "<=", 3),
    ]
    if script:
        name = Path(script).name
        theirs = timed(sys.executable, script, "-f", large)
        rows.append(Row(f"decode --json, {LARGE} MiB", decode, name, theirs, ">=", 10))
        theirs = timed(sys.executable, script, "-f", pseries)
        rows.append(
            Row(
                "decode --json, pseries",
                timed(ours, "decode", "--json", pseries),
                name,
                theirs,
                ">=",
                20,
            )
        )
    return [
        *rows,
        *guest_rows(folder, devices, ours, script, runs),
        *memory_rows(folder, devices, ours, script, volatility, runs),
        *container_rows(folder, devices, ours, runs),
        *analysis_rows(folder, devices, ours, STREAMS / "q35-7.2.mig.xz", runs),
        *saving_rows(folder, runs),
        *searching_rows(folder, devices, ours, runs),
        xbzrle_row(runs),
    ]


def main() -> int:
    """Compare, print, and return the exit status."""
    script = os.environ.get("ANALYZE_MIGRATION") or None
    volatility = os.environ.get("VOLATILITY_PYTHON") or None
    installed = os.environ.get("INSTALLED_PYTHON") or sys.executable
    runs = int(os.environ.get("BENCH_RUNS", "5"))
    # As an installed package is; where PYTHONDONTWRITEBYTECODE is set, each run would compile anew.
    compileall.compile_dir(HERE / "src", quiet=1)
    with tempfile.TemporaryDirectory(prefix="migstream-bench-") as folder:
        try:
            rows = compare(Path(folder), script, volatility, installed, runs)
        except CommandFailedError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
    print(table(rows))
    if script is None:
        print(
            "\nNot compared with QEMU's own script: set ANALYZE_MIGRATION=path/to/analyze-migration.py"
        )
    if volatility is None:
        print("Not compared with Volatility 3: set VOLATILITY_PYTHON=path/to/python-that-has-it")
    if installed == sys.executable:
        print(
            "Start-up is that of this environment: set INSTALLED_PYTHON=path/to/python-with-the-wheel"
        )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
