"""Loads foretold for machines made at random, over every pair of QEMUs that are here.

`MIGSTREAM_ROUNDS=300` makes that many instead of as many as fit into a short time, `MIGSTREAM_ROUNDS_SEED=7` those of
that seed, `MIGSTREAM_ROUNDS_KEEP=folder` keeps where it was wrong, `MIGSTREAM_CATALOGUE=folder` asks other catalogues,
`MIGSTREAM_ROUNDS_BOARD=ppc64` makes those of one board instead of each (`support.foretold.KINDS`).
Where CI runs, some of one seed are made, so that a change is judged and not luck; everywhere else the seed is a new one.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from random import SystemRandom

import pytest

from support.foretold import KINDS, disagreement, kept, loads, told
from support.lacking import lacks
from support.qemu import own

pytestmark = pytest.mark.qemu

FIRST = "x86_64"  # most guests are of this one, and so are most loads
SHORT, SHORTER = 35.0, 5.0  # seconds of the ordinary suite
LEAST = 0.97
ONE = os.environ.get("MIGSTREAM_ROUNDS_BOARD")
STEADY = 551400  # the seed where CI runs
SOME, FEWER = 40, 4  # loads there
FEW = 100  # loads, of which one in a hundred cannot be told from three


@pytest.mark.parametrize("board", [ONE] if ONE else KINDS)
def test_machines_made_at_random_are_foretold(board: str, tmp_path: Path) -> None:
    kind = KINDS[board]
    own(kind.binary)
    steady = STEADY, SOME if board == FIRST else FEWER
    new = SystemRandom().randrange(1, 10**6), 0
    seed, wanted = steady if "CI" in os.environ else new
    wanted = int(os.environ.get("MIGSTREAM_ROUNDS", wanted))
    seed = int(os.environ.get("MIGSTREAM_ROUNDS_SEED", seed))
    folder = Path(os.environ.get("MIGSTREAM_ROUNDS_KEEP") or tmp_path / "kept")
    print(f"MIGSTREAM_ROUNDS_SEED={seed} MIGSTREAM_ROUNDS_BOARD={board}")
    until = time.monotonic() + (SHORT if board == FIRST else SHORTER)
    made: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    refused = named = 0
    alarms = []
    for one, path in loads(kind, seed, tmp_path):
        pair = one.source, one.destination
        report = told(one, path, os.environ.get("MIGSTREAM_CATALOGUE"))
        made[pair] += 1
        right[pair] += report.accepted == one.accepted
        why = disagreement(one, report)
        if not one.accepted and not report.accepted:
            refused, named = refused + 1, named + (not why)
        if why:
            print(kept(one, path, why, folder))
        if one.accepted and not report.accepted:
            alarms.append(one.seed)
        if made.total() >= wanted if wanted else time.monotonic() > until:
            break
    if not made:
        lacks(f"no QEMU here saves a machine of {board}")
    for pair, count in sorted(made.items()):
        print(*pair, f"{right[pair]} of {count}")
    print(f"{right.total()} of {made.total()}; of {refused} refused, device and kind of {named}")
    assert not alarms, f"false alarms, kept in {folder}: {', '.join(alarms)}"
    wrong = made.total() - right.total()
    assert wrong <= max(1 if made.total() < FEW else 0, (1 - LEAST) * made.total())
