"""Pieces of the catalogues, taken again from the binaries that they were made of."""

from __future__ import annotations

import os
import random
import re
import secrets
import subprocess
from pathlib import Path

import msgspec
import pytest

from migstream.catalogue.build.devices import with_first_number
from migstream.catalogue.build.snapshot import Bench
from migstream.catalogue.files import Catalogue, States
from migstream.catalogue.model import PLACE, Image, Placed, State
from migstream.catalogue.shelf import on_shelf
from support.lacking import lacks
from support.provenance import Piece, boards, pieces
from support.qemu import Binary, find

pytestmark = pytest.mark.qemu

# Where CI runs, the same pieces are tried each time, so that a change is judged and not luck.
STEADY = 551400 if "CI" in os.environ else secrets.randbelow(1 << 32)
SEED = int(os.environ.get("MIGSTREAM_SEED", STEADY))
TSC = b"\x05\x0bcpu/tsc_khz"
VERSION, FREQUENCY = 4, 8  # bytes
CHANNEL = re.compile(r"/fe\.0\.([0-9a-f]{4})/")  # a device of a channel, which holds its number
PIECES = 4  # of each catalogue
CATALOGUES = list(on_shelf())


def _binary(catalogue: Catalogue) -> Binary:
    """The very binary: release and package."""
    index = catalogue.index
    for binary in find(f"qemu-system-{index.target}"):
        said = subprocess.run(
            [*binary.command, "--version"], capture_output=True, text=True, check=True
        ).stdout
        if f"({index.package})" in said and ".".join(map(str, index.release)) in said:
            return binary
    return lacks(f"no QEMU {index.release} ({index.package}) for {index.target} here")


def _taken(bench: Bench, line: list[str]) -> dict[tuple[str, int], State]:
    image = bench.take(line)
    return {one.key: bench.states.all[one.state] for one in image.sections}


def _unlike(piece: Piece, states: States, noisy: set[tuple[str, int]], bench: Bench) -> list[str]:
    """Sections that are not what the same command line gives now, but for those that are another one each time."""
    first, second = (_taken(bench, piece.line) for _ in range(2))
    moving = {key for key in first if first[key] != second.get(key)} | noisy
    alone = first if piece.alone == piece.line else first | _taken(bench, piece.alone)
    return [
        f"{one.name}[{one.instance}]"
        for one in piece.what.sections
        if _anywhere(states[one.state])
        not in map(_anywhere, _candidates(one, first if PLACE in one.name else alone))
        and not any(_fits(one, key) for key in moving)
    ]


def _anywhere(state: State) -> State:
    """Without the frequency of the TSC, which KVM has from its host (target/i386/machine.c: vmstate_tsc_khz)."""
    at = state.payload.find(TSC)
    if at < 0:
        return state
    start = at + len(TSC) + VERSION
    payload = state.payload[:start] + bytes(FREQUENCY) + state.payload[start + FREQUENCY :]
    return msgspec.structs.replace(state, payload=payload)


def _fits(one: Placed, key: tuple[str, int]) -> bool:
    name = re.escape(one.name).replace(re.escape(PLACE), ".*")
    return re.fullmatch(name, key[0]) is not None


def _candidates(one: Placed, there: dict[tuple[str, int], State]) -> list[State]:
    found = {key: state for key, state in there.items() if _fits(one, key)}
    channels = {key: at[1] for key in found if (at := CHANNEL.match(key[0])) is not None}
    numbered = [with_first_number(found[key], number) for key, number in channels.items()]
    return [*found.values(), *numbered]


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda one: one.path.stem)
def test_a_binary_says_again_what_its_catalogue_says(catalogue: Catalogue, tmp_path: Path) -> None:
    binary = _binary(catalogue)
    chosen = random.Random(SEED)  # noqa: S311 - which are tried
    print(f"MIGSTREAM_SEED={SEED}")
    kvm = os.access("/dev/kvm", os.R_OK | os.W_OK)
    every = [
        (stem, piece)
        for stem, family, made in boards(catalogue)
        for piece in pieces(family, made)
        if kvm or "kvm" not in " ".join(piece.line)
    ]
    noisy = {stem: set(made.noisy) for stem, _, made in boards(catalogue)}
    for stem, piece in chosen.sample(every, min(PIECES, len(every))):
        bench = Bench(binary.command, tmp_path / "stream.mig")
        unlike = _unlike(piece, catalogue.states, noisy[stem], bench)
        assert not unlike, (piece.name, piece.line)
        if isinstance(piece.what, Image):
            again = bench.take(piece.line)
            assert (again.head, again.blocks, again.pci) == (
                piece.what.head,
                piece.what.blocks,
                piece.what.pci,
            )
            assert {one.key for one in again.sections} == {one.key for one in piece.what.sections}
