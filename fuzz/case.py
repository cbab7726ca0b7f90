"""A case: everything that its number stands for."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

from fuzz import change, verbs
from fuzz.compose import Composed, compose
from fuzz.containers import QUESTIONS
from fuzz.guard import LATE, MEBIBYTES, SECONDS, Fault, ask, peak
from fuzz.kept import Kept, kept_streams
from fuzz.memory import place_areas
from fuzz.scene import Scene
from migstream.stream import open_anything
from support import damage
from support.pace import pace

__all__ = ["Case", "Found", "build_case", "examine", "run_case", "seeds"]

QUESTIONS_EACH, VERBS_EACH = 4, 2


@dataclass(frozen=True)
class Case:
    """The stream of a number, what is wrong with it, and what is beside it."""

    number: int
    data: bytes
    told: str
    whole: bool
    other: bytes
    recordings: list[bytes]


@dataclass(frozen=True)
class Found:
    """A fault, and the case that has it; `question` is what met it, empty where
    that is not known.
    """

    number: int
    question: str
    fault: Fault
    told: str
    data: bytes


@cache
def seeds() -> tuple[Kept, ...]:
    """The kept streams, taken apart once."""
    return kept_streams()


def _random(number: int, what: str) -> Random:
    return Random(f"{number} {what}")


def build_case(number: int) -> Case:
    """The case of a number; the same each time."""
    random = _random(number, "stream")
    made = compose(seeds(), random)
    wrong = (
        random.choice([0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 6])
        if random.random() > 0.02
        else 0
    )
    alone = wrong and number % 16 == 15
    told = [] if alone else _change_tree(made, wrong, random)
    made.describe()
    told += [] if alone else _change_pieces(made, wrong - len(told), random)
    other = compose(seeds(), random) if random.random() < 0.5 else compose(seeds()[:1], random)
    other.describe()
    data = made.data()
    for _ in range(0 if alone else wrong - len(told)):
        data, what = change.bytes_changed(data, random)
        told.append(what)
    if alone:
        data, what = _kind(data, random)
        told.append(what)
    whole = not wrong
    if random.random() < 0.1:
        data, what = change.tail_changed(data, other.data(), random)
        told.append(what)
        whole = False
    return Case(
        number,
        data,
        f"{made.shape}: {', '.join(told) or 'whole'}",
        whole,
        other.data(),
        made.recordings,
    )


def _kind(data: bytes, random: Random) -> tuple[bytes, str]:
    """A good stream with one of the kinds of damage that other tests know, where it has a place for it."""
    name = random.choice(list(damage.KINDS))
    with open_anything(data) as stream:
        done = damage.KINDS[name](damage.Good(data, stream), random)
    return (data, "nothing") if done is None else (done[0], name)


def _change_tree(made: Composed, wrong: int, random: Random) -> list[str]:
    """Up to `wrong` things wrong with the description."""
    if made.described is None:
        return []
    return [change.tree_changed(made, random) for _ in range(wrong) if random.random() < 0.4]


def _change_pieces(made: Composed, wrong: int, random: Random) -> list[str]:
    """Up to `wrong` things wrong with the structure; at times a kind of damage that the tests know."""
    told = []
    for _ in range(wrong):
        chance = random.random()
        if chance < 0.75:
            pieces = made.tail if random.random() < 0.1 else made.pieces
            told.append(change.pieces_changed(pieces, random))
    if told and random.random() < 0.3:
        place_areas(made.pieces, made.page)
    return told


# --- asking --------------------------------------------------------------------------------------------------


def _choose(table: Mapping[str, tuple[int, Any]], count: int, random: Random) -> list[str]:
    names = list(table)
    weights = [weight for weight, _ in table.values()]
    return list(dict.fromkeys(random.choices(names, weights, k=count)))


def chosen(number: int) -> list[str]:
    """What a case is asked: some questions to the library, some verbs."""
    random = _random(number, "questions")
    names = _choose(QUESTIONS, QUESTIONS_EACH, random)
    return [*names, *(f"migstream {name}" for name in _choose(verbs.VERBS, VERBS_EACH, random))]


def every() -> list[str]:
    """Everything that can be asked."""
    return [*QUESTIONS, *(f"migstream {name}" for name in verbs.VERBS)]


def put(name: str, case: Case, folder: Path) -> Fault | None:
    """Ask one thing of a case; once more where it was late, for as long as that lasts at the pace there is now."""
    fault = _put(name, case, folder, SECONDS)
    if fault is not None and fault.key.startswith(LATE):
        fault = _put(name, case, folder, SECONDS * pace())
    return fault


def _put(name: str, case: Case, folder: Path, seconds: float) -> Fault | None:
    """Ask it, by chance of the case's number and of the question alone."""
    scene = Scene(
        case.data, case.whole, case.other, list(case.recordings), _random(case.number, name), folder
    )
    verb = name.removeprefix("migstream ")
    question = (
        partial(QUESTIONS[name][1], scene) if verb == name else partial(verbs.run, verb, scene)
    )
    try:
        return ask(name, question, size=len(case.data), seconds=seconds)
    finally:
        scene.clear()


def examine(case: Case, names: list[str], folder: Path) -> Iterator[Found]:
    """Ask it, and look at the memory that it took."""
    tempfile.tempdir = str(folder)
    before = peak(reset=True)
    for name in names:
        fault = put(name, case, folder)
        if fault is not None:
            yield Found(case.number, name, fault, case.told, case.data)
    if peak() - before > MEBIBYTES << 20:
        yield from _hungry(case, names, folder)


def _hungry(case: Case, names: list[str], folder: Path) -> Iterator[Found]:
    """Which of the questions takes the memory."""
    for name in names:
        before = peak(reset=True)
        put(name, case, folder)
        taken = peak() - before >> 20
        if taken > MEBIBYTES:
            fault = Fault(f"{name}: {'more than'} {MEBIBYTES} MiB", f"{taken} MiB")
            yield Found(case.number, name, fault, case.told, case.data)


def run_case(number: int, folder: Path, wanted: Collection[str]) -> list[Found]:
    """Make a case, ask what it is asked, as far as that is wanted, and give what was found."""
    names = [name for name in chosen(number) if name in wanted]
    return list(examine(build_case(number), names, folder))
