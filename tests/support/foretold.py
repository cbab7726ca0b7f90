"""Loads of machines made at random: each is saved by a real QEMU, loaded by another, and foretold by the catalogue."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from migstream.analysis.compat.foretell import foretell
from migstream.analysis.compat.model import Report
from migstream.errors import QemuError
from migstream.qemu.load import Verdict, load
from migstream.qemu.process import Qemu
from migstream.qemu.release import parse
from migstream.source.zstd import zstd
from migstream.stream import open_stream
from support import round_boards, rounds
from support.loads import REASONS
from support.qemu import Binary, find
from support.rounds import Draft, words

__all__ = ["KINDS", "Kind", "Round", "disagreement", "has_kvm", "kept", "loads", "told"]

PATIENCE = 20.0
PLAIN = (
    "none",
    "x-remote",
    "xen",
    "nitro",
)  # beginnings of names of machine types that are left out
RARE = ("microvm", "isapc")
ENDED = re.compile(r"(?:device|instance) '([^']*)'")

FRUITLESS = 60


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One load: the seed it is made from, both sides, what became of it."""

    seed: str
    source: str
    destination: str
    change: str
    source_args: list[str]
    destination_args: list[str]
    accepted: bool
    said: str


class Kind(NamedTuple):
    """Of which machines rounds are: the binary, what names of machine types begin with, how one is made and changed.

    `mark` is what the names of its loads begin with, so that those of several can be kept in one folder.
    """

    binary: str
    stem: str
    mark: str
    draft: Callable[[Random, str], Draft]
    changed: Callable[[Random, Draft, Sequence[str]], tuple[str, Draft]]


@cache
def has_kvm() -> bool:
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError:
        return False
    return True


@cache
def types(binary: Binary) -> list[str]:
    """Machine types with names of their own, no others for them."""
    said = subprocess.run(
        [*binary.command, "-M", "help"], capture_output=True, text=True, check=True
    )
    lines = [line for line in said.stdout.splitlines()[1:] if "(alias of" not in line]
    return [line.split()[0] for line in lines if not line.startswith(PLAIN)]


def _x86(random: Random, machine: str) -> Draft:
    return rounds.draft(random, machine, kvm=has_kvm())


def _of(board: round_boards.Board) -> Kind:
    return Kind(
        board.binary,
        board.stem,
        f"{board.name}-",
        partial(round_boards.draft, board),
        partial(round_boards.changed, board),
    )


KINDS = {
    "x86_64": Kind("qemu-system-x86_64", "", "", _x86, rounds.changed),
    **{board.name: _of(board) for board in round_boards.BOARDS},
}


def loads(kind: Kind, seed: int, folder: Path) -> Iterator[tuple[Round, Path]]:
    """Loads without end, each with its stream, which lasts until the next one.

    They end where none of FRUITLESS machines in a row can be saved: 7.2's loongarch64 crashes whatever it is.
    """
    binaries = find(kind.binary)
    last = 0
    for number in range(1 << 31):
        if number - last >= FRUITLESS:
            return
        name = f"{kind.mark}{seed}-{number}"
        random = Random(name)  # noqa: S311 (what was made is to be made again)
        source, destination = random.choice(binaries), random.choice(binaries)
        path = folder / f"{name}.mig"
        try:
            found = _load(kind, name, random, source, destination, path)
        except QemuError:  # it does not start with these arguments, or cannot be saved
            found = None
        if found is not None:
            last = number
            yield found, path
        path.unlink(missing_ok=True)


def _load(
    kind: Kind, seed: str, random: Random, source: Binary, destination: Binary, path: Path
) -> Round | None:
    ours, theirs = (
        [one for one in types(binary) if one.startswith(kind.stem)]
        for binary in (source, destination)
    )
    both = [one for one in ours if one in theirs]
    pool = [one for one in ours if one not in theirs] if random.random() < 0.05 else both
    if not (pool or both):
        return None
    rare = [one for one in pool if one in RARE]
    machine = random.choice(rare if rare and random.random() < 0.1 else pool or both)
    before = kind.draft(random, machine)
    if machine in theirs:
        change, after = kind.changed(random, before, theirs)
    else:
        near = [one for one in theirs if one.startswith(machine.rpartition("-")[0] + "-")]
        if not near:
            return None
        change, after = "nearest", msgspec.structs.replace(before, machine=near[-1])
    with Qemu(source.command, words(before), PATIENCE) as guest, path.open("wb") as out:
        guest.execute("migrate", {"uri": guest.give(out.fileno())})
        guest.finish_migration(PATIENCE)
    verdict: Verdict = load(destination.command, words(after), path, patience=PATIENCE)
    return Round(
        seed=seed,
        source=source.version,
        destination=destination.version,
        change=change,
        source_args=words(before),
        destination_args=words(after),
        accepted=verdict.accepted,
        said=verdict.said,
    )


def told(one: Round, path: Path, folder: str | None = None) -> Report:
    """What the catalogue says, by the release and the arguments alone."""
    with open_stream(path) as stream:
        [found] = foretell(stream, parse(one.destination)[:2], one.destination_args, folder=folder)
        return found.report


def disagreement(one: Round, report: Report) -> str:
    """In what a report differs from the truth; nothing where it does not."""
    first = report.first
    if report.accepted != one.accepted:
        kind = "false alarm" if one.accepted else "missed"
        return f"{kind}: here {first}"
    if first is None:
        return ""
    named = ENDED.search(one.said)
    if named is not None and named[1] != first.device.rpartition("[")[0]:
        return f"device: here {first}"
    kinds = next((kinds for said, kinds in REASONS if said in one.said), None)
    return "" if kinds is None or first.kind in kinds else f"kind: here {first}"


def kept(one: Round, path: Path, why: str, folder: Path) -> str:
    """Write a load down for others to make again: its stream, packed, and a file with the rest; what to print of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{one.seed}.mig.zst").write_bytes(zstd.compress(path.read_bytes(), 10))
    whole = {**msgspec.structs.asdict(one), "why": why}
    (folder / f"{one.seed}.json").write_bytes(msgspec.json.format(msgspec.json.encode(whole)))
    return "\n".join((
        f"{one.seed}: {one.source} to {one.destination}, {one.change}: {why}",
        f"  QEMU: {one.said or 'accepted'}",
        f"  source: {shlex.join(one.source_args)}",
        f"  destination: {shlex.join(one.destination_args)}",
    ))  # fmt: skip
