"""What `heal` looks for: changes, and the proposal that some of them make."""

from __future__ import annotations

from typing import Literal

import msgspec

from migstream.analysis.compat.model import Report
from migstream.edit.heal.commandline import CommandLine, Step
from migstream.names import brief

__all__ = ["Alter", "Change", "Healed", "Where"]

SINGLE = frozenset({"-cpu", "-smp", "-m", "-accel", "-M"})  # options of which the last one counts
Where = Literal["destination", "stream"]
Do = Literal["drop", "patch", "machine", "rules", "forget", "register", "command", "features"]


class Alter(msgspec.Struct, frozen=True):
    """One change of a stream, as `edit.heal.altering` makes it: what, of which path, to which value."""

    do: Do
    path: str = ""
    value: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change that can be made or left.

    Parameters
    ----------
    what : what is done, in one line
    loses : what the guest loses by it; empty where that is nothing
    why : the problem that it is an answer to
    cost : how much it is to be avoided; destination options cost less than the stream's bytes
    whole : whether it is of no use where the device still fails, by another reason
    steps : of the destination's command line
    alters : of the stream
    """

    what: str
    loses: str = ""
    why: str = ""
    cost: float = 1.0
    whole: bool = False
    steps: tuple[Step, ...] = ()
    alters: tuple[Alter, ...] = ()

    @property
    def where(self) -> Where:
        return "stream" if self.alters else "destination"

    @property
    def touched(self) -> frozenset[tuple[int | str, str]]:
        """What of the command line it is about: no two changes are about the same."""
        found: set[tuple[int | str, str]] = set()
        for step in self.steps:
            if step.do != "add":
                found.add((step.number, step.key))
            elif step.key in SINGLE:
                found.add((step.key, ""))
        return frozenset(found)

    def __repr__(self) -> str:
        return brief("Change", f"{self.where}:", self.what)


class Healed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Parameters
    ----------
    before : the load as it was asked for
    report : the load with the changes; where there is no way out, the one that came furthest, whose first problem
        stands in the way
    changes : the smallest set that was found; empty where nothing has to change, or nothing helps
    line : the destination's arguments with the changes, None where it was started with none
    plays : how often a load was foretold
    tries : how often a real QEMU was given the stream
    accepted, said : whether it took it, and its words; None where none was asked
    complete : whether all was tried that is known; if not, the plays were spent
    """

    before: Report
    report: Report
    changes: tuple[Change, ...] = ()
    line: CommandLine | None = None
    plays: int = 0
    tries: int = 0
    accepted: bool | None = None
    said: str | None = None
    complete: bool = True

    def __repr__(self) -> str:
        word = "no way out" if not self.loads else "loads" if not self.changes else "a way out"
        return brief("Healed", word, f"({len(self.changes)} changes, {self.plays} plays)")

    @property
    def arguments(self) -> tuple[str, ...]:
        """What to start the destination with."""
        return () if self.line is None else tuple(self.line.words())

    @property
    def alters(self) -> tuple[Alter, ...]:
        """What is changed in the stream."""
        return tuple(dict.fromkeys(alter for one in self.changes for alter in one.alters))

    @property
    def loads(self) -> bool:
        """Whether it loads with the changes, as far as that was foretold or tried."""
        return self.report.accepted if self.accepted is None else self.accepted

    @property
    def exit_status(self) -> int:
        return int(not self.loads)
