"""The smallest set of changes with which a load is foretold to work.

From the first problem to its answers, from each of these to the next problem, the cheapest set first; at the end each
change is left out once. Where a real QEMU is the judge, what it says is the next problem.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

import msgspec

from migstream.analysis.compat.model import Problem, Report
from migstream.edit.heal.commandline import CommandLine
from migstream.edit.heal.model import Change, Healed
from migstream.edit.heal.options import Options
from migstream.edit.heal.play import Player
from migstream.edit.heal.spliced import Spliced
from migstream.edit.heal.streams import altered, stream_changes
from migstream.errors import MigstreamError
from migstream.source.layers import Opened
from migstream.stream import Stream

__all__ = ["Judged", "Node", "search"]

FIRST_NUMBER = 1 << 16  # of options that are added
MOST_CHANGES = 24
MORE = 0.1
EACH = 5.0  # what a problem that is left is taken to cost: straight on, as a rule
MOST_TRIES = 12  # of a real QEMU
Alters = tuple[object, ...]


class Node(NamedTuple):
    """Changes, and the load that they lead to."""

    changes: tuple[Change, ...]
    report: Report
    line: CommandLine
    stream: Stream
    cost: float = 0.0


class Judged(NamedTuple):
    """What a real QEMU did: its words, and the problem that they are about where it refused."""

    accepted: bool
    said: str
    problem: Problem | None


Judge = Callable[[Node], Judged]


class _Spent(Exception):
    """No plays are left."""


class _Search:
    """What was played, and what came of it."""

    def __init__(
        self,
        stream: Stream,
        line: CommandLine,
        player: Player,
        plays: int,
        told: Callable[[int, Problem | None], None],
    ) -> None:
        self.stream = stream
        self.line = line
        self.player = player
        self.plays = 0
        self._most = plays
        self._told = told
        self._numbers = count(FIRST_NUMBER)
        self._known: dict[object, Node | None] = {}

    def play(self, changes: tuple[Change, ...]) -> Node | None:
        """The load with these changes; None where they cannot be made, or nothing starts."""
        line = self.line.changed(step for change in changes for step in change.steps)
        alters = tuple(dict.fromkeys(alter for change in changes for alter in change.alters))
        key = tuple(line.words()), alters
        if key not in self._known:
            if self.plays >= self._most:
                raise _Spent
            self.plays += 1
            try:
                stream = self._altered(alters) if alters else self.stream
                self._known[key] = Node((), self.player.play(line, stream), line, stream)
            except (MigstreamError, ValueError):
                self._known[key] = None
            node = self._known[key]
            self._told(self.plays, None if node is None else node.report.first)
        node = self._known[key]
        return None if node is None else node._replace(changes=changes)

    def _altered(self, alters: Alters) -> Stream:
        rewrite = altered(self.stream, alters).bench.settled()
        return Stream(Opened(self.stream.name, Spliced(self.stream.store, rewrite), None, []))

    def answers(self, node: Node) -> Iterator[tuple[Change, ...]]:
        """Candidates for the first problem of a load, the destination's options first."""
        problem = node.report.first
        if problem is None or len(node.changes) >= MOST_CHANGES:
            return
        if self.player.starts:
            options = Options(self.player, node.stream, self._numbers)
            for some in options.candidates(problem, node.report, node.line):
                yield tuple(msgspec.structs.replace(one, why=problem.message) for one in some)
        knowledge = self.player.knowledge(node.line)
        machine = None if knowledge is None else knowledge.machine
        theirs = self.player.registers(node.line) if problem.kind == "registers" else {}
        changes = stream_changes(problem, node.stream, self.player.release, machine, theirs)
        for some in changes:
            yield tuple(msgspec.structs.replace(one, why=problem.message) for one in some)

    def smallest(self, node: Node, judge: Judge | None) -> Node:
        """Without each change that is not needed."""
        for change in sorted(node.changes, key=lambda one: -one.cost):
            fewer = self.play(tuple(one for one in node.changes if one is not change))
            if fewer is not None and fewer.report.accepted and (
                judge is None or judge(fewer).accepted
            ):
                node = fewer
        return node


def together(changes: Sequence[Change]) -> float:
    """What changes that are one answer cost: devices that change places are hardly worse than one that does."""
    costs = sorted((change.cost for change in changes), reverse=True)
    return costs[0] + MORE * sum(costs[1:])


def _further(node: Node, parent: Node, some: Sequence[Change]) -> bool:
    """Whether a load comes further: the problem that its parent ended with is gone."""
    problem = parent.report.first
    if problem is None:
        return False
    if any(one.whole for one in some):
        return all(one.device != problem.device for one in node.report.problems)
    gone = _key(problem, parent.stream)
    return all(_key(one, node.stream) != gone for one in node.report.problems)


def _key(problem: Problem | None, stream: Stream) -> object:
    """The same for a problem of the same kind at the same place, wherever that is in a changed stream."""
    if problem is None:
        return None
    begin = next((d.section.span.start for d in stream.devices if d.path == problem.device), 0)
    return problem.kind, problem.device, problem.path, problem.span.start - begin


def search(
    stream: Stream,
    line: CommandLine,
    player: Player,
    *,
    plays: int,
    judge: Judge | None = None,
    told: Callable[[int, Problem | None], None] = lambda *_: None,
) -> tuple[Healed, Node]:
    """Look for the smallest set; what was found, and the load that it leads to.

    Parameters
    ----------
    line : the destination's arguments
    player : where the load is played
    plays : how often it may be
    judge : a real QEMU that has the last word
    told : hears of each play, and of the problem that it ended with
    """
    found = _Search(stream, line, player, plays, told)
    before = found.play(())
    if before is None:
        # nothing starts with these arguments: what QEMU says of that is the caller's
        return _unplayable(found)
    heap: list[tuple[float, int, float, Node, tuple[Change, ...]]] = []
    order = count()
    tries, said = 0, None
    best, complete = before, True
    fresh: list[Node] = [before]
    try:
        while fresh or heap:
            if fresh:
                node = fresh.pop()
                if node.report.accepted:
                    if judge is None or tries >= MOST_TRIES:
                        small = found.smallest(node, None) if judge is None else node
                        if judge is None:
                            return _done(found, before, small, tries, None, said), small
                        break
                    tries += 1
                    verdict = judge(node)
                    said = verdict.said
                    if verdict.accepted:
                        small = found.smallest(node, judge)
                        return _done(found, before, small, tries, True, said), small
                    if verdict.problem is None:
                        continue
                    report = msgspec.structs.replace(node.report, problems=(verdict.problem,))
                    node = node._replace(report=report)
                if len(node.report.problems) < len(best.report.problems):
                    best = node
                touched = frozenset().union(*(change.touched for change in node.changes))
                for number, some in enumerate(found.answers(node)):
                    if any(change.touched & touched for change in some):
                        continue
                    cost = node.cost + together(some) + 0.01 * number
                    left = cost + EACH * (len(node.report.problems) - 1)
                    heapq.heappush(heap, (left, next(order), cost, node, some))
                continue
            _, _, cost, parent, some = heapq.heappop(heap)
            node = found.play((*parent.changes, *some))
            if node is None or not _further(node, parent, some):
                continue
            fresh.append(node._replace(cost=cost))
    except _Spent:
        complete = False
    healed = Healed(
        before=before.report,
        report=best.report,
        line=line,
        plays=found.plays,
        tries=tries,
        accepted=None if not tries else False,
        said=said,
        left=best.report.first,
        complete=complete,
    )
    return healed, best


def _done(
    found: _Search, before: Node, node: Node, tries: int, accepted: bool | None, said: str | None
) -> Healed:
    return Healed(
        before=before.report,
        report=node.report,
        changes=node.changes,
        line=node.line,
        plays=found.plays,
        tries=tries,
        accepted=accepted,
        said=said,
    )


def _unplayable(found: _Search) -> tuple[Healed, Node]:
    report = found.player.play(found.line, found.stream)  # raises what is wrong
    node = Node((), report, found.line, found.stream)
    return Healed(before=report, report=report), node
