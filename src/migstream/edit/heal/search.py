"""The smallest set of changes with which a load is foretold to work.

From the first problem to its answers, from each of these to the next problem, the cheapest set first; at the end each
change is left out once. Where a real QEMU is the judge, what it says is the next problem.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import NamedTuple

import msgspec

from migstream.analysis.compat.model import Problem, Report
from migstream.edit.heal.commandline import CommandLine
from migstream.edit.heal.layout import FIRST_NUMBER
from migstream.edit.heal.model import Alter, Change, Healed
from migstream.edit.heal.options import Options
from migstream.edit.heal.play import Player
from migstream.edit.heal.spliced import Spliced
from migstream.edit.heal.streams import altered, stream_changes
from migstream.edit.verify import check
from migstream.errors import MigstreamError, QemuError, Unsupported
from migstream.source.layers import Opened
from migstream.stream import Stream

__all__ = ["Judged", "Node", "Told", "search"]

MOST_CHANGES = 24
MORE = 0.1
LATER = 0.01  # what an answer that is less likely costs more
EACH = 5.0  # what a problem that is left is taken to cost: straight on, as a rule
MOST_TRIES = 12  # of a real QEMU
Alters = tuple[Alter, ...]


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


# A play's number, and what it came to: the problem that it ended with, or whether it loads.
Told = Callable[[int, "Problem | bool"], None]
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
        told: Told,
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
            self._told(self.plays, node is not None and (node.report.first or True))
        node = self._known[key]
        return None if node is None else node._replace(changes=changes)

    def _altered(self, alters: Alters) -> Stream:
        """The stream with changes, which is as it should be."""
        bench = altered(self.stream, alters).bench
        spliced = Spliced(self.stream.store, bench.settled())
        result = Stream(Opened(self.stream.name, spliced, None, []))
        check(bench, result)
        return result

    def answers(self, node: Node) -> Iterator[tuple[Change, ...]]:
        """Candidates for the first problem of a load, the destination's options first."""
        problem = node.report.first
        if problem is None or len(node.changes) >= MOST_CHANGES:
            return
        if self.player.starts:
            options = Options(self.player, node.stream, self._numbers)
            for some in options.candidates(problem, node.report, node.line):
                yield tuple(msgspec.structs.replace(one, why=problem.message) for one in some)
        theirs = self.player.registers(node.line) if problem.kind == "registers" else {}
        for some in stream_changes(problem, node.stream, self.player.release, theirs):
            yield tuple(msgspec.structs.replace(one, why=problem.message) for one in some)

    def smallest(self, node: Node, accepts: Callable[[Node], bool]) -> Node:
        """Without each change that is not needed, those that cost most first."""
        for change in sorted(node.changes, key=lambda one: -one.cost):
            try:
                fewer = self.play(tuple(one for one in node.changes if one is not change))
            except _Spent:
                return node
            if fewer is not None and fewer.report.accepted and accepts(fewer):
                node = fewer
        return node


class _Queue:
    """Answers that are still to be tried, the most promising first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, float, Node, tuple[Change, ...]]] = []
        self._order = count()

    def __bool__(self) -> bool:
        return bool(self._heap)

    def put(self, node: Node, answers: Iterable[tuple[Change, ...]]) -> None:
        """The answers to a node's problem, the likeliest first."""
        touched = {thing for change in node.changes for thing in change.touched}
        for number, some in enumerate(answers):
            if not any(change.touched & touched for change in some):
                cost = node.cost + together(some) + LATER * number
                left = cost + EACH * (len(node.report.problems) - 1)
                heapq.heappush(self._heap, (left, next(self._order), cost, node, some))

    def take(self) -> tuple[Node, tuple[Change, ...], float]:
        """A node, an answer to its problem, and what all changes then cost."""
        _, _, cost, node, some = heapq.heappop(self._heap)
        return node, some, cost


class _Judging:
    """The real QEMU, as often as it may be asked."""

    def __init__(self, judge: Judge | None) -> None:
        self._judge = judge
        self.tries = 0
        self.accepted: bool | None = None
        self.said: str | None = None

    def ask(self, node: Node) -> Judged:
        """What becomes of a load that was foretold to work."""
        if self._judge is None:
            return Judged(True, "", None)
        if self.tries >= MOST_TRIES:
            raise _Spent
        self.tries += 1
        verdict = self._judge(node)
        self.accepted, self.said = verdict.accepted, verdict.said
        return verdict

    def accepts(self, node: Node) -> bool:
        """Whether it takes it; what it said last is what it said of what it took."""
        before = self.accepted, self.said
        try:
            if self.ask(node).accepted:
                return True
        except (_Spent, QemuError):
            pass
        self.accepted, self.said = before
        return False


def together(changes: Sequence[Change]) -> float:
    """What changes that are one answer cost: devices that change places are hardly worse than one that does."""
    costs = sorted((change.cost for change in changes), reverse=True)
    return costs[0] + MORE * sum(costs[1:])


def _further(node: Node, parent: Node, some: Sequence[Change]) -> bool:
    """Whether a load comes further: the problem that its parent ended with is gone, or others are."""
    problem = parent.report.first
    if problem is None:
        return False
    if any(one.whole for one in some):
        return all(one.device != problem.device for one in node.report.problems)
    kind, device, _, at = gone = _key(problem, parent.stream)
    fewer = len(node.report.problems) < len(parent.report.problems)
    for one in node.report.problems:
        key = _key(one, node.stream)
        # of the same device a byte before that one: something was made worse
        if (key == gone and not fewer) or (device and key[:2] == (kind, device) and key[3] < at):
            return False
    return True


def _key(problem: Problem, stream: Stream) -> tuple[str, str, str, int]:
    """The same for a problem of the same kind at the same place, wherever that is in a changed stream."""
    begin = next((d.section.span.start for d in stream.devices if d.path == problem.device), 0)
    return problem.kind, problem.device, problem.path, problem.span.start - begin


def search(
    stream: Stream,
    line: CommandLine,
    player: Player,
    *,
    plays: int,
    judge: Judge | None = None,
    told: Told = lambda *_: None,
) -> Healed:
    """Look for the smallest set.

    Parameters
    ----------
    line : the destination's arguments
    player : where the load is played
    plays : how often it may be
    judge : a real QEMU that has the last word
    told : hears of each play, and of what it came to: a problem, or whether it loads
    """
    found, judging, queue = _Search(stream, line, player, plays, told), _Judging(judge), _Queue()
    before = found.play(())
    if before is None:
        player.play(line, stream)  # raises what is wrong with the arguments
        raise Unsupported("the destination does not start with these arguments")
    best, complete = before, True
    node: Node | None = before
    try:
        while node is not None or queue:
            if node is None:
                parent, some, cost = queue.take()
                node = found.play((*parent.changes, *some))
                if node is None or not _further(node, parent, some):
                    node = None
                    continue
                node = node._replace(cost=cost)
            if node.report.accepted:
                verdict = judging.ask(node)
                if verdict.accepted:
                    node = found.smallest(node, judging.accepts)
                    return _told(found, judging, before, node, complete=True)
                node = _refused(node, verdict)
            if node is not None:
                best = min(best, node, key=lambda one: len(one.report.problems))
                queue.put(node, found.answers(node))
            node = None
    except _Spent:
        complete = False
    return _told(found, judging, before, best, complete=complete)


def _refused(node: Node, verdict: Judged) -> Node | None:
    """A load that was foretold to work and did not: what was said is its problem; None where that says nothing."""
    if verdict.problem is None:
        return None
    return node._replace(report=msgspec.structs.replace(node.report, problems=(verdict.problem,)))


def _told(found: _Search, judging: _Judging, before: Node, node: Node, *, complete: bool) -> Healed:
    out = node.report.accepted
    return Healed(
        before=before.report,
        report=node.report,
        changes=node.changes if out else (),
        line=node.line if out else before.line,
        plays=found.plays,
        tries=judging.tries,
        accepted=judging.accepted,
        said=judging.said,
        complete=complete,
    )
