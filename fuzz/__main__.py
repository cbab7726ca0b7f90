"""`python -m fuzz`: run cases for some time, or one again. Exit status 1 where something new was found."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from fuzz.case import Case, Found, build_case, chosen, examine, seeds
from fuzz.case import every as everything
from fuzz.findings import Findings, known
from fuzz.guard import arm
from fuzz.pool import run

EACH_SEED = 10**9  # cases of one seed: a case's number says everything
EVERY = 10.0  # seconds between two lines
FINDINGS = Path(__file__).parent / "findings"


def _show(one: Found) -> None:
    print(
        f"\n{one.fault.key}\n  case {one.number}, {one.question}; {one.told}, {len(one.data)} bytes"
    )
    last = [line for line in one.fault.text.strip().splitlines() if line.strip()][-3:]
    print(
        "\n".join(f"    {line[:200]}" for line in last).encode("utf-8", "backslashreplace").decode()
    )


def _again(case: Case, names: list[str], keep: Path | None) -> int:
    """Run one case in this process, and say all that comes of it."""
    if keep is not None:
        keep.write_bytes(case.data)
    print(f"case {case.number}: {case.told}, {len(case.data)} bytes\nasked: {', '.join(names)}")
    arm()
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        for found in examine(case, names, Path(folder)):
            print(f"\n{found.question}: {found.fault.key}")
            print(found.fault.text.encode("utf-8", "backslashreplace").decode())
            status = 1
    print("something is wrong" if status else "nothing is wrong")
    return status


def _many(options: argparse.Namespace) -> int:
    """Run cases, and say each new kind of fault once."""
    first = options.seed * EACH_SEED
    findings = Findings(options.findings)
    print(f"fuzz: seed {options.seed}, cases from {first} on, {options.jobs} at a time", flush=True)
    seeds()
    told, last, began = 0.0, None, time.monotonic()
    wanted = _wanted(options, everything())
    for progress in run(first, options.cases, options.seconds, options.jobs, wanted):
        for one in progress.found:
            if findings.add(one):
                _show(one)
        last = progress
        if time.monotonic() - began - told >= EVERY:
            told = time.monotonic() - began
            rate = progress.done / progress.seconds
            print(
                f"fuzz: {progress.done} cases, {rate:.0f} a second, {len(findings.counts)} kinds found",
                flush=True,
            )
    assert last is not None
    print(
        f"\nfuzz: {last.done} cases in {last.seconds:.0f} s, {last.done / last.seconds:.0f} a second"
    )
    for key, count in findings.counts.most_common():
        print(f"{count:7}  {key}{'  (known)' if known(key) else ''}")
    if findings.counts:
        print(f"streams and how to see them again: {options.findings}")
    return int(bool(findings.unknown))


def _wanted(options: argparse.Namespace, names: list[str]) -> list[str]:
    """What is asked: of `names`, or what was chosen, without what was left out."""
    known = everything()
    # A verb is one word there: migstream-info.
    asked, without = (
        [n.replace("-", " ") for n in given] for given in (options.ask, options.without)
    )
    for name in [*asked, *without]:
        if name not in known:
            sys.exit(f"fuzz: no question is called {name!r}; there are: {', '.join(known)}")
    return [name for name in asked or names if name not in without]


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does: workers and their files go, too."""
    sys.exit(128 + number)


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, _end)
    parse = argparse.ArgumentParser(
        prog="fuzz", description="Streams that no QEMU writes, and what must hold all the same."
    )
    parse.add_argument(
        "--seconds", type=float, help="how long; 60 where no number of cases is given"
    )
    parse.add_argument("--cases", type=int, help="how many")
    parse.add_argument(
        "--seed", type=int, default=0, help="where to begin: the number of its first case / 10^9"
    )
    parse.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parse.add_argument("--case", type=int, help="this case alone, in this process")
    parse.add_argument(
        "--file", type=Path, help="this stream instead of the case's, and everything is asked"
    )
    parse.add_argument("--ask", action="append", default=[], help="only this, once for each")
    parse.add_argument("--without", action="append", default=[], help="not this, once for each")
    parse.add_argument("--keep", type=Path, help="with --case: write the stream here")
    parse.add_argument(
        "--findings", type=Path, default=FINDINGS, help="the folder for what is found"
    )
    options = parse.parse_args()
    if options.file is not None:
        case = replace(
            build_case(options.case or 0),
            data=options.file.read_bytes(),
            whole=False,
            told=str(options.file),
        )
        return _again(case, _wanted(options, everything()), None)
    if options.case is not None:
        return _again(
            build_case(options.case), _wanted(options, chosen(options.case)), options.keep
        )
    if options.seconds is None and options.cases is None:
        options.seconds = 60.0
    return _many(options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
