"""What `check`, `diff`, `compat` and `report` take: on a rich guest's device state, and on guest memory."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from bench.streams import build, unpack
from bench.timing import Row, seconds

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["analysis_rows"]

SIZE = 2048  # MiB of guest memory, all of it normal pages
MOST = 0.5  # seconds for the device state of a rich guest
PAGE = 3.0  # seconds for a page about the large one
DIFFERENT = 1  # exit status of `diff` and `cmp`
ROOM = 5 << 30


def analysis_rows(folder: Path, devices: bytes, ours: str, packed: Path, runs: int) -> list[Row]:
    """Time the verbs that judge.

    Parameters
    ----------
    folder : for the streams
    devices : what follows the memory in the streams
    ours : our command
    packed : the stream of a guest with many devices
    """

    def timed(*command: str, expected: int = 0) -> float:
        print(f"timing: {' '.join(command)}", file=sys.stderr)
        return seconds(command, runs, expected=expected)

    rich = str(unpack(packed, folder / "rich.mig"))
    commands = {
        "check": (ours, "check", rich),
        "diff --values --schema": (ours, "diff", rich, rich, "--values", "--schema"),
        "compat --to-stream": (ours, "compat", rich, "--to-stream", rich),
    }
    rows = [
        Row(f"{name}, a rich q35", timed(*words), "the bar", MOST, "<=", 1)
        for name, words in commands.items()
    ]
    bare = timed(ours, "show", rich, "*", "--no-names")
    rows.append(
        Row("show, a rich q35", timed(ours, "show", rich, "*"), "show --no-names", bare, "<=", 2)
    )
    if shutil.disk_usage(folder).free < ROOM:
        print(f"bench: no room for two streams of {SIZE} MiB: left out", file=sys.stderr)
        return rows
    one = build(folder / "one.mig", SIZE, devices)
    two = shutil.copyfile(one, folder / "two.mig")
    with two.open("r+b") as file:  # the last bytes before the devices: both read the whole memory
        file.seek(-len(devices) - 4096, 2)
        file.write(b"\xff")
    diffed = timed(ours, "diff", str(one), str(two), expected=DIFFERENT)
    compared = timed("cmp", str(one), str(two), expected=DIFFERENT)
    rows.append(Row(f"diff, twice {SIZE} MiB", diffed, "cmp", compared, "<=", 2))
    page = timed(ours, "report", str(one), "-o", str(folder / "page.html"), "--force")
    rows.append(Row(f"report, {SIZE} MiB", page, "the bar", PAGE, "<=", 1))
    one.unlink()
    two.unlink()
    return rows
