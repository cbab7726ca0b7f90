"""What `check`, `diff`, `compat` and `report` take: on a rich guest's device state, and on guest memory."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

from bench.streams import build, unpack
from bench.timing import Row, Timed, in_turn, seconds

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["analysis_rows"]

SIZE = 2048  # MiB of guest memory, all of it normal pages
MOST = 0.5  # seconds for the device state of a rich guest
FORETOLD = 0.25  # seconds for a load that is foretold from the catalogue
FOUND = 0.06  # seconds of it in which the release is looked up and its machine put together
GUEST = (
    "-nodefaults -M pc-q35-7.2 -m 2G -smp 4 -device virtio-net-pci -device qemu-xhci -device VGA"
)
LOOKED_UP = """
import sys, time
from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.shelf import find
wanted = parse_arguments(sys.argv[1:])
begin = time.perf_counter()
compose(find((10, 0), "x86_64"), wanted)
print(time.perf_counter() - begin)
"""
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
    told = timed(ours, "compat", rich, "--to", "10.0")
    rows.append(Row("compat --to 10.0, a rich q35", told, "the bar", FORETOLD, "<=", 1))
    rows.append(Row("of it the catalogue", _looked_up(runs), "the bar", FOUND, "<=", 1))
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
    both = ((ours, "diff", str(one), str(two)), ("cmp", str(one), str(two)))
    diffed, compared = in_turn([Timed(words, expected=DIFFERENT) for words in both], runs)
    rows.append(Row(f"diff, twice {SIZE} MiB", diffed, "cmp", compared, "<=", 2))
    page = timed(ours, "report", str(one), "-o", str(folder / "page.html"), "--force")
    rows.append(Row(f"report, {SIZE} MiB", page, "the bar", PAGE, "<=", 1))
    one.unlink()
    two.unlink()
    return rows


def _looked_up(runs: int) -> float:
    """Seconds in which a release is looked up and a machine put together, in a process that has done neither."""
    words = (sys.executable, "-c", LOOKED_UP, *GUEST.split())
    said = [subprocess.run(words, check=True, capture_output=True, text=True) for _ in range(runs)]
    return statistics.median(float(one.stdout) for one in said)
