"""Guest memory: index, extraction, and what they take, on streams of 2 and 8 GiB."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.containers import disk
from bench.streams import build
from bench.timing import Row, anonymous_peak, seconds

__all__ = ["memory_rows"]

MIDDLE, LARGE = 2048, 8192  # MiB of guest memory, half of it zero pages
MOST = 150  # MiB
ROOM = 13 << 30
LAYER = Path(__file__).with_name("volatility_layer.py")


def memory_rows(
    folder: Path,
    devices: bytes,
    ours: str,
    script: str | None,
    volatility: str | None,
    runs: int,
) -> list[Row]:
    """Time everything about guest memory.

    Parameters
    ----------
    folder : for the streams and what is extracted
    devices : what follows the memory in the streams
    ours, script : our command, and QEMU's ``analyze-migration.py``
    volatility : a Python that has Volatility 3
    """
    middle = build(folder / "middle.mig", MIDDLE, devices, shape="half")
    index, out = folder / "index", folder / "out"
    copied = folder / "copied"

    def clean() -> None:
        index.unlink(missing_ok=True)
        copied.unlink(missing_ok=True)
        shutil.rmtree(out, ignore_errors=True)

    def timed(*command: str | Path, where: Path | None = None) -> float:
        words = [str(word) for word in command]
        print(f"timing: {' '.join(words)}", file=sys.stderr)
        return seconds(words, runs, before=clean, folder=where)

    indexed = timed(ours, "index", middle, "-o", index)
    rows = [
        Row(
            f"index, {MIDDLE} MiB",
            indexed,
            "cat FILE >/dev/null",
            timed("cat", middle),
            "<=",
            2,
        )
    ]
    extracted = timed(ours, "extract", middle, "-f", "raw", "-o", out)
    half = folder / "half"
    with middle.open("rb") as source, half.open("wb") as target:  # as many bytes as were written
        for _ in range(MIDDLE // 2):
            target.write(source.read(1 << 20))
    # what is extracted is on the disk when it gets its name, so the copy has to be there as well
    copy = timed("sh", "-c", 'cp "$1" "$2" && sync "$2"', "copy", half, copied)
    rows.append(Row(f"extract raw, {MIDDLE} MiB", extracted, "cp, sync", copy, "<=", 1.5))
    half.unlink()
    if script:
        where = folder / "theirs"
        where.mkdir()
        theirs = timed(sys.executable, Path(script).resolve(), "-f", middle, "-x", where=where)
        rows.append(
            Row(
                f"extract raw, {MIDDLE} MiB", extracted, f"{Path(script).name} -x", theirs, ">=", 10
            )
        )
        shutil.rmtree(where)
    if volatility:
        theirs = timed(volatility, LAYER, middle, copied)
        rows.append(
            Row(f"extract raw, {MIDDLE} MiB", extracted, "Volatility 3's layer", theirs, ">=", 10)
        )
    clean()
    rows += _peaks(f"{MIDDLE} MiB", ours, middle, out)
    clean()
    middle.unlink()
    if shutil.disk_usage(folder).free < ROOM:
        print(f"bench: no room for the stream of {LARGE} MiB: left out", file=sys.stderr)
        return rows
    large = build(folder / "large.mig", LARGE, devices, shape="half")
    rows.append(
        Row(
            f"index, {LARGE} MiB",
            timed(ours, "index", large, "-o", index),
            f"index, {MIDDLE} MiB, times {LARGE // MIDDLE}",
            indexed * (LARGE // MIDDLE),
            "<=",
            1.2,
        )
    )
    rows += _peaks(f"{LARGE} MiB", ours, large, out)
    clean()
    rows += _bounds(f"{LARGE} MiB", ours, large)
    large.unlink()
    return rows


def _bounds(name: str, ours: str, stream: Path) -> list[Row]:
    """Memory for all of a stream that is read through something; each is made and removed in turn."""

    def row(through: str, command: tuple[str, ...], piped: Path | None = None) -> Row:
        print(f"memory: {' '.join(command)}", file=sys.stderr)
        peak = anonymous_peak(command, piped) / (1 << 20)
        return Row(f"memory of stat, {name}, {through}", peak, "the bar", MOST, "<=", 1, "MiB")

    rows = [row("a pipe", (ours, "stat", "-"), stream)]
    if zstd := shutil.which("zstd"):
        packed = stream.with_suffix(".zst")
        subprocess.run((zstd, "-q", "-1", str(stream), "-o", str(packed)), check=True)
        rows.append(row("zstd", (ours, "stat", str(packed))))
        packed.unlink()
    held = disk(stream, stream.with_suffix(".qcow2"))
    rows.append(row("a snapshot", (ours, "stat", str(held))))
    held.unlink()
    return rows


def _peaks(name: str, ours: str, stream: Path, out: Path) -> list[Row]:
    """Memory beyond mapped files, against the bar itself."""
    command = (ours, "extract", str(stream), "-f", "raw", "-o", str(out))
    peak = anonymous_peak(command) / (1 << 20)
    return [Row(f"memory of extract, {name}", peak, "the bar", MOST, "<=", 1, "MiB")]
