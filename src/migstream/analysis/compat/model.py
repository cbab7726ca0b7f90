"""What `compat` has to say: one verdict for each section, one problem for each that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from migstream.names import brief, many
from migstream.wire.model import Span

__all__ = ["Kind", "Note", "Option", "OptionName", "Problem", "Report", "Verdict", "Word"]

Kind = Literal[
    "framing",
    "configuration",
    "command",
    "section",
    "version",
    "ram",
    "subsection",
    "fields",
    "value",
    "pci",
    "virtqueue",
    "features",
    "registers",
    "cpu",
    "damage",
]
Word = Literal["loads", "loses", "fails", "unknown"]
OptionName = Literal["cpus", "accelerator", "memory"]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a load ends.

    Parameters
    ----------
    kind : what sort of difference: "framing" (header, footers), "configuration" (machine,
        capabilities, page bits, uuid), "command", "section" (no such device), "version", "ram"
        (block or size), "subsection", "fields" (other bytes), "value" (one that must be equal),
        "pci" (configuration space), "virtqueue", "features" (of virtio, not offered), "registers",
        "cpu" (another model), "damage" (of the stream itself)
    device : the section concerned, as `Section.path` has it; empty for what is not a section
    span : the bytes to blame, absolute
    message : what is different, in one line
    said : what QEMU is expected to print, line by line
    found : the byte that QEMU has read when it finds it, where that is not the first of `span`
    late : whether QEMU finds it when the whole device is read (post_load)
    fields : the fields concerned, of either side, by their paths inside the VMState
    counts_cpus : whether the value in question is the number of CPUs
    beyond : of "fields", by how many bytes more than were sent the destination reads; less than 0 where it reads
        fewer, 0 where that is not known
    """

    kind: Kind
    device: str
    span: Span
    message: str
    path: str = ""
    said: tuple[str, ...] = ()
    hint: str = ""
    found: int | None = None
    late: bool = False
    fields: tuple[str, ...] = ()
    counts_cpus: bool = False
    beyond: int = 0

    def __repr__(self) -> str:
        return brief("Problem", self.kind, self.device, f"at {self.span.start:#x}:", self.message)

    @property
    def order(self) -> tuple[bool, int]:
        """When QEMU comes to it, of the problems of one device."""
        return self.late, self.span.start if self.found is None else self.found


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """State that is not loaded, or something that could not be decided."""

    path: str
    message: str

    def __repr__(self) -> str:
        return brief("Note", f"{self.path}:", self.message)


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """An option with which the two machines were started differently.

    Parameters
    ----------
    name : "cpus" (-smp), "accelerator" (-accel), "memory" (-m, -object, -numa)
    message : what either side has
    hint : what to start the destination with
    failing : where the load fails by it; all of it is one problem
    idle : devices of the destination that nothing is sent for because of it
    """

    name: OptionName
    message: str
    hint: str
    failing: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return brief("Option", f"{self.name}:", self.message)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one section.

    `word` is "loads", "loses" (it loads, but `lost` says what is gone), "fails" (`problem`), or
    "unknown" (nothing of what the destination gave says anything of it: it is taken to load).
    """

    device: str
    span: Span
    word: Word
    problem: Problem | None = None
    lost: tuple[Note, ...] = ()
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        message = None if self.problem is None else self.problem.message
        return brief("Verdict", self.device, self.word, message)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The load of one stream, played.

    `problems` are in the order in which QEMU would come to them: it says the first and ends.
    `missing` are devices of the destination that the stream has no state for: they stay as they
    are after a reset, which QEMU takes without a word. `options` are those that account for problems
    and for missing devices. `accepted_breaks` are problems that a reviewed file accepts
    (`analysis.compat.breaks`). `undecided` is what only a stream of the destination could tell, where
    there is none. `assumptions` are what is taken to be so where the destination was put together from
    a catalogue.
    """

    file: str
    destination: str
    release: str
    verdicts: tuple[Verdict, ...]
    problems: tuple[Problem, ...]
    missing: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    undecided: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    accepted_breaks: tuple[tuple[Problem, str], ...] = ()

    def __repr__(self) -> str:
        word = "loads in" if self.accepted else "does not load in"
        problems = "" if self.accepted else f"({many(len(self.problems), 'problem')})"
        return brief("Report", self.file, word, self.destination, problems)

    def _repr_html_(self) -> str:
        from migstream.tables import html_table

        told = list(self._told())
        return html_table(repr(self), told, total=len(told))

    def _told(self) -> Iterator[dict[str, str]]:
        """A row for each problem, then for each section: those that lose something before those that load."""
        told = [(one, "fails", one.hint) for one in self.problems]
        told += [(one, "accepted", reason) for one, reason in self.accepted_breaks]
        for one, word, hint in told:
            where = one.path or one.device
            yield {"device": where, "verdict": word, "message": one.message, "hint": hint}
        for verdict in sorted(self.verdicts, key=lambda verdict: verdict.word == "loads"):
            if verdict.problem is None:
                notes = (f"{n.path}: {n.message}" for n in (*verdict.lost, *verdict.notes))
                yield {
                    "device": verdict.device,
                    "verdict": verdict.word,
                    "message": "; ".join(notes),
                    "hint": "",
                }

    @property
    def accepted(self) -> bool:
        """Whether QEMU would take the stream."""
        return not self.problems

    @property
    def first(self) -> Problem | None:
        """What QEMU ends with."""
        return next(iter(self.problems), None)

    @property
    def predicted(self) -> bool:
        """Whether QEMU was predicted to take the stream; breaks that were accepted change nothing of that."""
        return self.accepted and not self.accepted_breaks

    @property
    def exit_status(self) -> int:
        return int(not self.accepted)
