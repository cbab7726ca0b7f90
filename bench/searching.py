"""A stream found in something large, against what reads as many bytes and does nothing."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

from bench.streams import build
from bench.timing import Row, Timed, anonymous_peak, in_turn

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["searching_rows"]

MEBIBYTES = 4096
STREAM = 64  # MiB of guest memory
PIECE = 1 << 20
MOST = 64  # MiB


def disk(path: Path, stream: Path) -> Path:
    """Random bytes and zeros in turn, MiB by MiB, and in their middle a stream."""
    source = random.Random(MEBIBYTES)  # noqa: S311 - reproducible filler, no secret
    pool = [source.randbytes(PIECE) for _ in range(16)]
    with path.open("wb") as out:
        for number in range(MEBIBYTES // 2):
            out.write(pool[number % len(pool)])
            out.write(bytes(PIECE))
            if number == MEBIBYTES // 4:
                out.write(stream.read_bytes())
    return path


def searching_rows(folder: Path, devices: bytes, ours: str, runs: int) -> list[Row]:
    """Time it, and look at its memory.

    Parameters
    ----------
    folder : for what is searched
    devices : what follows the memory in the stream
    """
    stream = build(folder / "found.mig", STREAM, devices)
    image = disk(folder / "disk.img", stream)
    command = (ours, "find", str(image))
    print(f"timing: {' '.join(command)}", file=sys.stderr)
    name = f"find, {MEBIBYTES} MiB"
    found, theirs = in_turn([Timed(command), Timed(("cat", str(image)))], runs)
    rows = [
        Row(name, found, "cat FILE >/dev/null", theirs, "<=", 1.75),
        Row(
            f"memory of {name}",
            anonymous_peak(command) / (1 << 20),
            "the bar",
            MOST,
            "<=",
            1,
            "MiB",
        ),
    ]
    image.unlink()
    stream.unlink()
    return rows
