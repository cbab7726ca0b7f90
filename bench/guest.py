"""What people do with guest memory, each held against the tool that they would use for it otherwise.

The stream has the shape of a guest's (`bench.streams.zeros`): data in stretches of some two dozen pages between zeros.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bench.containers import disk
from bench.streams import build, build_channels
from bench.timing import Row, Timed, anonymous_peak, in_turn

__all__ = ["guest_rows"]

SIZES = 2048, 8192, 32768  # MiB of guest memory
ROOM = 3  # times the memory: the stream, and what is made of it
MOST = 150  # MiB beyond mapped files
WORD = "migration_incoming"
# What is written is on the disk when it gets its name, so a copy has to be there as well.
COPY = "cp {stream} {out} && sync {out}"
STRINGS = "strings -n 8 {raw}; strings -n 8 -el {raw}"


class Work(NamedTuple):
    """A command of ours, what it is held against, at most how many times as long it may take.

    `{stream}`, `{other}` (a copy), `{raw}` (its memory) and `{out}` stand for files; `status` is what both end with.
    """

    name: str
    ours: str
    against: str
    theirs: str
    bar: float
    status: int = 0


INDEX = Work("index", "index {stream} -o {out}", "cat", "cat {stream}", 1.3)
STARTING = 2.0  # the bar where most of an index is start-up: 2 GiB
BOTH_SIZES = (
    INDEX,
    Work("extract raw", "extract {stream} -f raw -o {out}", "cp, sync", COPY, 1.3),
    Work("extract elf", "extract {stream} -f elf -o {out}", "cp, sync", COPY, 1.3),
)
SEARCHES = (
    Work("mem --text", f"mem {{stream}} --block pc.ram --text {WORD}", "grep -F", f"grep -c -a -F {WORD} {{raw}}", 1.5, 1),
    Work("mem --strings", "mem {stream} --block pc.ram --strings --min 8", "strings, twice", STRINGS, 0.7),
)  # fmt: skip
EDITS = (
    Work("set", "set {stream} timer/cpu_ticks_offset=5 -o {out}", "cp, sync", COPY, 1.1),
    Work("rename", "rename {stream} acpi_build another -o {out}", "cp, sync", COPY, 1.1),
    Work("drop", "drop {stream} acpi_build -o {out}", "cp, sync", COPY, 1.1),
    Work("redact", "redact {stream} -o {out}", "cp, sync", COPY, 1.5),
    Work("convert linear", "convert {stream} --ram linear -o {out}", "cp, sync", COPY, 1.5),
    Work("convert mapped", "convert {stream} --ram mapped -o {out}", "cp, sync", COPY, 1.5),
    Work("digest", "digest {stream}", "sha256sum", "sha256sum {stream}", 0.5),
    Work("diff", "diff {stream} {other} --memory", "cmp", "cmp {stream} {other}", 1.0),
)


def _removed(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class _Bench:
    """Times pairs of commands in one folder."""

    def __init__(self, folder: Path, ours: str, runs: int) -> None:
        self.folder = folder
        self._ours = ours
        self._runs = runs
        self.files = {name: folder / name for name in ("stream", "other", "raw", "out")}

    def row(self, work: Work, size: str) -> Row:
        """Ours against theirs, in turn."""
        ours = [self._ours, *(word.format(**self.files) for word in work.ours.split())]
        theirs = ["sh", "-c", work.theirs.format(**self.files)]
        out = self.files["out"]
        print(f"timing: {' '.join(ours)}; {theirs[-1]}", file=sys.stderr)
        before = (lambda: _removed(out)) if "{out}" in work.ours else None
        both = [Timed(one, before, expected=work.status) for one in (ours, theirs)]
        taken = in_turn(both, self._runs)
        _removed(out)
        return Row(f"{work.name}, {size}", taken[0], work.against, taken[1], "<=", work.bar)

    def peak(self, work: Work, size: str) -> Row:
        """The memory that it takes."""
        ours = [self._ours, *(word.format(**self.files) for word in work.ours.split())]
        peak = anonymous_peak(ours, expected=work.status) / (1 << 20)
        _removed(self.files["out"])
        return Row(f"memory of {work.name}, {size}", peak, "the bar", MOST, "<=", 1, "MiB")

    def raw(self) -> None:
        """The memory of the stream as a file."""
        out = self.files["out"]
        words = (self._ours, "extract", str(self.files["stream"]), "-f", "raw", "-o", str(out))
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        (out / "pc.ram").rename(self.files["raw"])
        _removed(out)


def _forms(bench: _Bench, devices: bytes, mebibytes: int, size: str) -> list[Row]:
    """The same memory in other forms, extracted from each."""
    stream = bench.files["stream"]
    bare = bench.folder / "bare"
    stream.rename(bare)
    rows = []
    for name, (make, bar) in FORMS.items():
        if name != "zstd" or shutil.which("zstd"):
            make(bare, stream)
            rows.append(
                bench.row(BOTH_SIZES[1]._replace(name=f"extract raw, {name}", bar=bar), size)
            )
            stream.unlink()
    bare.unlink()
    build(stream, mebibytes, devices, shape="guest", changed=10)
    bench.raw()  # twice as large as the stream: few of its zeros stay together
    work = BOTH_SIZES[1]._replace(
        name="extract raw, every tenth page a delta",
        against="cp of the result, sync",
        theirs="cp {raw} {out} && sync {out}",
        bar=1.5,
    )
    rows.append(bench.row(work, size))
    bench.files["raw"].unlink()
    channels = build_channels(stream, mebibytes, devices)
    named = " ".join(f"--channel {channel}" for channel in channels)
    files = " ".join(map(str, channels))
    work = Work(
        "extract raw, two channels",
        f"extract {{stream}} {named} -f raw -o {{out}}",
        "cat, sync",
        f"cat {{stream}} {files} > {{out}} && sync {{out}}",
        1.5,
    )
    rows.append(bench.row(work, size))
    for channel in channels:
        channel.unlink()
    return rows


def _mapped(source: Path, target: Path) -> None:
    words = (sys.executable, "-m", "migstream", "convert", str(source), "--ram", "mapped")
    subprocess.run((*words, "-o", str(target)), check=True, stdout=subprocess.DEVNULL)


def _packed(source: Path, target: Path) -> None:
    subprocess.run(("zstd", "-q", "-1", str(source), "-o", str(target)), check=True)


# What makes each of a bare stream, and the bar against copying it: a compressed one has to be unpacked, to a temporary file.
FORMS: dict[str, tuple[Callable[[Path, Path], object], float]] = {
    "mapped-ram": (_mapped, 1.5),
    "zstd": (_packed, 4.0),
    "a snapshot": (disk, 1.5),
}


def guest_rows(folder: Path, devices: bytes, ours: str, script: str | None, runs: int) -> list[Row]:
    """Time all of it.

    Parameters
    ----------
    folder : for the streams and what is made of them
    devices : what follows the memory in the streams
    ours, script : our command, and QEMU's ``analyze-migration.py``
    """
    bench = _Bench(folder, ours, runs)
    stream, other = bench.files["stream"], bench.files["other"]
    rows = []
    for mebibytes in SIZES:
        if mebibytes > SIZES[0] and shutil.disk_usage(folder).free < ROOM * mebibytes << 20:
            print(f"bench: no room for a guest of {mebibytes} MiB: left out", file=sys.stderr)
            break
        size = f"{mebibytes >> 10} GiB"
        build(stream, mebibytes, devices, shape="guest")
        rows.append(
            bench.row(INDEX if mebibytes > SIZES[0] else INDEX._replace(bar=STARTING), size)
        )
        rows += [bench.row(work, size) for work in BOTH_SIZES[1:]]
        rows += [bench.peak(work, size) for work in (*BOTH_SIZES, *SEARCHES[:1])]
        if mebibytes == SIZES[0]:
            shutil.copyfile(stream, other)
            bench.raw()
            rows += [bench.row(work, size) for work in (*SEARCHES, *EDITS)]
            rows += _indexed(bench, ours, size)
            if script:
                rows += _script(bench, ours, script, runs, size)
            for name in ("other", "raw"):
                bench.files[name].unlink()
            rows += _forms(bench, devices, mebibytes, size)
        stream.unlink()
    return rows


def _indexed(bench: _Bench, ours: str, size: str) -> list[Row]:
    """A search where an index lies beside the stream."""
    stream = bench.files["stream"]
    subprocess.run((ours, "index", str(stream)), check=True, stdout=subprocess.DEVNULL)
    row = bench.row(SEARCHES[0]._replace(name="mem --text, indexed", bar=1.2), size)
    for made in stream.parent.glob(f"{stream.name}.*"):
        made.unlink()
    return [row]


def _script(bench: _Bench, ours: str, script: str, runs: int, size: str) -> list[Row]:
    """QEMU's own script: its extraction and its JSON."""
    stream, out = str(bench.files["stream"]), bench.files["out"]
    where = bench.folder / "theirs"
    where.mkdir()
    name = Path(script).name
    words = [sys.executable, str(Path(script).resolve()), "-f", stream]
    wanted = [ours, "extract", stream, "-f", "raw", "-o", str(out)]
    pairs = {
        "extract raw": (
            Timed(wanted, lambda: _removed(out)),
            Timed([*words, "-x"], folder=where),
            6,
        ),
        "decode --json": (Timed([ours, "decode", "--json", stream]), Timed(words), 20),
    }
    rows = []
    for work, (mine, theirs, bar) in pairs.items():
        taken = in_turn((mine, theirs), runs)
        against = " ".join((name, *theirs.command[len(words) :]))
        rows.append(Row(f"{work}, {size}", taken[0], against, taken[1], ">=", bar))
    shutil.rmtree(where)
    _removed(out)
    return rows
