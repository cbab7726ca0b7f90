"""Saving guest memory against copying a file of the same size."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from bench.timing import Row, Timed, anonymous_peak, in_turn

__all__ = ["saving_rows"]

SIZE = 1024  # MiB
SAVE = Path(__file__).with_name("save_memory.py")
MOST = 64  # MiB that saving may take, whatever the size of memory


def saving_rows(folder: Path, runs: int) -> list[Row]:
    """Time saving 1 GiB of memory, no page of it zero, and look at what that takes.

    Parameters
    ----------
    folder : has room for 2 GiB
    """
    memory, out = folder / "memory", folder / "saved"
    chunk = random.Random(1).randbytes(1 << 20)  # noqa: S311 - reproducible filler, no secret
    with memory.open("wb") as file:
        for _ in range(SIZE):
            file.write(chunk)
    ours = (sys.executable, str(SAVE), str(memory), str(out))
    theirs = ("cp", str(memory), str(out))

    print(f"timing: {' '.join(ours)}", file=sys.stderr)
    both = [Timed(one, lambda: out.unlink(missing_ok=True)) for one in (ours, theirs)]
    saved, copied = in_turn(both, runs)
    name = f"save {SIZE // 1024} GiB of RAM"
    rows = [
        Row(name, saved, "cp", copied, "<=", 1.5),
        Row(f"memory of {name}", anonymous_peak(ours) / (1 << 20), "the bar", MOST, "<=", 1, "MiB"),
    ]
    memory.unlink()
    out.unlink()
    return rows
