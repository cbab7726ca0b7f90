"""The smallest stream that still fails: pieces go, coarse ones first, as long as it does.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002)
by levels of the format. What "fails" means is the caller's: nothing here opens or starts anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

import msgspec

from migstream.edit.minimise.parts import LEVELS, Candidate, Part, Parts
from migstream.names import brief
from migstream.stream import Stream

__all__ = ["Left", "Minimum", "Step", "search"]

Fails = Callable[[Candidate], bool]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that failed as the source does: tries so far, its bytes, sections and the like left."""

    tries: int
    size: int
    sections: int


class Left(NamedTuple):
    """A piece that is still there, and how many bytes of it."""

    piece: Part
    after: int


class Minimum(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Parameters
    ----------
    candidate : the smallest stream that fails
    gone : the pieces that are not in it
    left : its sections, commands and unread bytes
    before, after : bytes of the source and of the result
    count : sections, commands and unread parts of the source
    tries : how often a candidate was tried
    complete : whether no single piece can go any more; if not, the tries were spent
    outcome : how the source and the result fail, as `edit.minimise.judge` was told
    """

    candidate: Candidate
    gone: frozenset[Part]
    left: tuple[Left, ...]
    before: int
    after: int
    count: int
    tries: int
    complete: bool
    outcome: object = None

    def __repr__(self) -> str:
        return brief("Minimum", f"{self.before} -> {self.after} bytes,", f"{self.tries} tries")


class _Spent(Exception):
    """No tries are left."""


class _Search:
    """What is gone so far, and what was tried."""

    def __init__(
        self, pieces: Parts, fails: Fails, tries: int | None, told: Callable[[Step], None]
    ) -> None:
        self.pieces = pieces
        self.gone: frozenset[Part] = frozenset()
        self.candidate = pieces.candidate(())
        self.tries = 0
        self._fails = fails
        self._most = tries
        self._told = told
        self._known = {self.candidate.key: True}

    def without(self, some: Collection[Part]) -> bool:
        """Whether it still fails when these are gone, too; if so, they are."""
        gone = self.gone.union(some)
        candidate = self.pieces.candidate(gone)
        if candidate.key not in self._known:
            if self._most is not None and self.tries >= self._most:
                raise _Spent
            self.tries += 1
            self._known[candidate.key] = self._fails(candidate)
        if not self._known[candidate.key]:
            return False
        smaller = candidate.key != self.candidate.key
        self.gone, self.candidate = gone, candidate
        if smaller:
            left = len(self.pieces.left(Parts.sections, gone))
            self._told(Step(tries=self.tries, size=candidate.size, sections=left))
        return True

    def reduce(self, left: list[Part]) -> None:
        """Take away as many of these as can go: all, else in ever smaller groups."""
        if not left or self.without(left):
            return
        groups = 2
        while len(left) > 1:
            kept = self._narrow(left, groups)
            if kept is not None:
                groups = 2 if kept[1] else max(groups - 1, 2)
                left = kept[0]
            elif groups >= len(left):
                return
            else:
                groups = min(groups * 2, len(left))

    def _narrow(self, left: list[Part], groups: int) -> tuple[list[Part], bool] | None:
        """A group that suffices alone (and True), or what is left without one; None if neither."""
        parts = list(_split(left, groups))
        for part in parts:
            keep = set(part)
            if self.without([piece for piece in left if piece not in keep]):
                return part, True
        for part in parts if groups > 2 else ():
            if self.without(part):
                gone = set(part)
                return [piece for piece in left if piece not in gone], False
        return None

    def settle(self) -> None:
        """Try each single piece of every level again, until none can go."""
        before = None
        while before != self.gone:
            before = self.gone
            for level in LEVELS:
                for piece in self.pieces.left(level, self.gone):
                    self.without((piece,))


def _split(left: Sequence[Part], groups: int) -> Iterator[list[Part]]:
    """`groups` runs of nearly the same length."""
    for number in range(groups):
        yield list(left[number * len(left) // groups : (number + 1) * len(left) // groups])


def search(
    stream: Stream,
    fails: Fails,
    *,
    likely: Collection[tuple[str, int | None]] = (),
    tries: int | None = None,
    told: Callable[[Step], None] = lambda _: None,
) -> Minimum:
    """The smallest stream that still fails.

    Parameters
    ----------
    stream : one that fails; all of its bytes are at hand
    fails : whether a candidate fails in the same way
    likely : names and instance ids (None: any) of sections that seem to be the reason: without all
        others is tried first
    tries : how often `fails` may be asked; None: as often as it takes
    told : hears of every candidate that failed

    Raises
    ------
    Unsupported : the stream is a pipe, or has channels besides
    """
    pieces = Parts(stream)
    found = _Search(pieces, fails, tries, told)
    every = pieces.left(Parts.sections, ())
    complete = True
    try:
        found.without([p for p in every if not _likely(p, likely)])
        for level in LEVELS:
            found.reduce(pieces.left(level, found.gone))
        found.settle()
    except _Spent:
        complete = False
    left = pieces.left(Parts.sections, found.gone)
    return Minimum(
        candidate=found.candidate,
        gone=found.gone,
        left=tuple(Left(piece, found.candidate.bytes_of(piece)) for piece in left),
        before=stream.size,
        after=found.candidate.size,
        count=len(every),
        tries=found.tries,
        complete=complete,
    )


def _likely(piece: Part, likely: Collection[tuple[str, int | None]]) -> bool:
    """Whether a section is one of those; those of one name where no instance id is known."""
    name, _, number = piece.path.rpartition("[")
    return any(
        name == wanted and instance in {None, int(number.rstrip("]"))}
        for wanted, instance in likely
        if piece.kind in {"live", "device"}
    )
