"""Editing a stream against copying it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from bench.streams import build
from bench.timing import Row, seconds

__all__ = ["editing_rows"]

SIZE = 2048  # MiB of guest memory
EDITS = {
    "set of one value": (("set",), ("timer/cpu_ticks_offset=5",), 1.1),
    "drop of a device": (("drop",), ("acpi_build",), 1.1),
    "rename of a device": (("rename",), ("acpi_build", "another"), 1.1),
    "redact": (("redact",), (), 1.5),
}


def editing_rows(folder: Path, devices: bytes, ours: str, runs: int) -> list[Row]:
    """Time the verbs that edit on a stream of 2 GiB, and `cp` of it, to the disk: so are results of edits.

    Parameters
    ----------
    folder : has room for three times as much
    """
    source = build(folder / "edited.mig", SIZE, devices, shape="guest")
    out = folder / "edit-result.mig"

    def timed(*command: str) -> float:
        print(f"timing: {' '.join(command)}", file=sys.stderr)
        return seconds(command, runs, before=lambda: out.unlink(missing_ok=True))

    pair = shlex.quote(str(source)), shlex.quote(str(out))
    copied = timed("sh", "-c", f"cp {pair[0]} {pair[1]} && sync {pair[1]}")
    rows = [
        Row(
            f"{name}, {SIZE // 1024} GiB",
            timed(ours, *verb, str(source), *what, "-o", str(out)),
            "cp, sync",
            copied,
            "<=",
            bar,
        )
        for name, (verb, what, bar) in EDITS.items()
    ]
    source.unlink()
    out.unlink()
    return rows
