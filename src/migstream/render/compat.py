"""The verdict of `compat` on a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.compat.model import Kind, Note, Option, Problem, Report, Word
from migstream.analysis.compat.model import Verdict as DeviceVerdict
from migstream.render.answer import Answer, Pair
from migstream.render.shown import Mark, Part, Style, Table, Text, Title, dim, line, name
from migstream.render.text import escape, prose

if TYPE_CHECKING:
    from migstream.qemu.load import Verdict

__all__ = [
    "WORDS",
    "Compat",
    "LoadProblem",
    "compat_answer",
    "compat_parts",
    "load_problem",
    "verdict_word",
]

STYLES: dict[str, Style] = {"fails": "error", "loses": "warning"}
WORDS = {"loads": "loads", "loses": "loses state", "fails": "FAILS", "unknown": "not known"}
REFUSED = "does not load, though it was predicted to"
WRONG = "The prediction is wrong. Please report it: this output, and the stream as `migstream redact` makes it"


class LoadProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why the load ends; `span` has the bytes to blame, `said` is what QEMU is expected to print, by line.

    `device` is empty for what is not a section, `hint` where there is none.
    """

    kind: Kind
    device: str
    path: str
    span: Pair
    message: str
    said: tuple[str, ...]
    hint: str


class AcceptedBreak(LoadProblem, frozen=True, kw_only=True):
    """A problem that the file of --accept accepts, and why."""

    reason: str


class DeviceLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one section; `offset` is where it begins.

    It "loads", "loses" state (`lost` says which), "fails", or nothing is "unknown" of it: it is
    taken to load then.
    """

    device: str
    offset: int
    verdict: Word
    lost: tuple[Note, ...]
    notes: tuple[Note, ...]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What the QEMU did that was given the stream, its words by line, and whether that was predicted."""

    accepted: bool
    said: list[str]
    as_predicted: bool


class Compat(Answer, tag="compat", frozen=True, kw_only=True):
    """The load of a stream, played; of a machine type's own stream, `file` is the machine type.

    `problems` are in the order in which QEMU would come to them: it says the first and ends.
    `missing` are devices of the destination that nothing is sent for, `options` those with which
    the two were started differently. `undecided` is what only a stream of the destination tells, `assumptions` what
    is taken to be so of a destination that was put together from a catalogue.
    `accepted` is the prediction, in which breaks that were accepted do not count; `tried` is null
    where nothing was given to a QEMU.
    """

    file: str
    destination: str
    release: str
    accepted: bool
    problems: list[LoadProblem]
    accepted_breaks: list[AcceptedBreak]
    devices: list[DeviceLoad]
    missing: tuple[str, ...]
    options: tuple[Option, ...]
    undecided: tuple[str, ...]
    assumptions: tuple[str, ...]
    tried: Tried | None


def compat_answer(report: Report, tried: Verdict | None = None) -> Compat:
    """All of it."""
    return Compat(
        file=report.file,
        destination=report.destination,
        release=report.release,
        accepted=report.accepted,
        problems=[load_problem(p) for p in report.problems],
        accepted_breaks=[
            AcceptedBreak(**msgspec.structs.asdict(load_problem(p)), reason=reason)
            for p, reason in report.accepted_breaks
        ],
        devices=[
            DeviceLoad(
                device=v.device, offset=v.span.start, verdict=v.word, lost=v.lost, notes=v.notes
            )
            for v in report.verdicts
        ],
        missing=report.missing,
        options=report.options,
        undecided=report.undecided,
        assumptions=report.assumptions,
        tried=None
        if tried is None
        else Tried(
            accepted=tried.accepted,
            said=tried.said.splitlines(),
            as_predicted=tried.accepted is report.predicted,
        ),
    )


def load_problem(problem: Problem) -> LoadProblem:
    """What is said of one."""
    return LoadProblem(
        kind=problem.kind,
        device=problem.device,
        path=problem.path or problem.device,
        span=problem.span,
        message=problem.message,
        said=problem.said,
        hint=problem.hint,
    )


# --- for people ----------------------------------------------------------------------------------


def compat_parts(report: Report, *, verbose: bool, tried: Verdict | None = None) -> Iterator[Part]:
    """Verdict, then why; every device with `verbose`; what a QEMU did that was given the stream."""
    to = f"{escape(report.destination)} (QEMU {report.release})"
    wrong = tried is not None and tried.accepted is not report.predicted
    if tried is not None and wrong:
        did = "loads, though it was predicted not to" if tried.accepted else REFUSED
        yield Title(f"{escape(report.file)}: {did}, in {to}")
        yield WRONG
    elif report.accepted:
        so_far = ", as far as a schema tells" if report.undecided else ""
        yield Title(f"{escape(report.file)}: loads in {to}{so_far}")
    else:
        yield Title(f"{escape(report.file)}: does not load in {to}")
    for number, problem in enumerate(report.problems):
        yield ""
        yield from _problem(problem, first=number == 0, said="would" if wrong else "will")
    for problem, reason in report.accepted_breaks:
        yield f"accepted: {escape(problem.device)}: {prose(problem.message)} ({prose(reason)})"
    shown = [v for v in report.verdicts if verbose or v.word != "loads"]
    if shown:
        yield ""
        yield Table([_row(v) for v in shown], "<<<", ("device", "verdict", ""))
    elif report.accepted and not wrong:
        devices = sum(v.device != "ram[0]" for v in report.verdicts)
        yield f"all {devices} devices load"
    if report.undecided:
        yield ""
        yield f"only a stream of the destination (--to-stream) tells: {'; '.join(report.undecided)}"
    yield from _missing(report)
    for assumption in report.assumptions:
        yield f"assumed: {prose(assumption)}"
    if tried is not None:
        more = ", and that is what counts" if wrong else ""
        yield Title(f"tried: QEMU {'took' if tried.accepted else 'refused'} it{more}")
        yield from _words(tried.said.splitlines())


def _words(said: Sequence[str]) -> Iterator[Part]:
    """What QEMU says."""
    return (line("    ", dim(prose(one))) for one in said)


def _missing(report: Report) -> Iterator[Part]:
    """Devices that only the destination has, those of one option together."""
    idle = [option for option in report.options if option.idle]
    named = {path for option in idle for path in option.idle}
    for option in idle:
        yield ""
        yield f"{escape(option.message)}: as after a reset there: {_names(option.idle)}"
        if not option.failing:
            yield f"  hint: {escape(option.hint)}"
    rest = [path for path in report.missing if path not in named]
    if rest:
        yield ""
        yield f"not in the stream, so as after a reset on the destination: {_names(rest)}"


def _names(paths: Sequence[str]) -> str:
    return ", ".join(map(escape, paths))


def _problem(problem: Problem, *, first: bool, said: str) -> Iterator[Part]:
    where = escape(problem.path or problem.device)
    yield line(f"{problem.span.start:#x}  ", name(where), f"  {prose(problem.message)}")
    if problem.hint:
        yield f"  hint: {prose(problem.hint)}"
    if first and problem.said:
        yield f"  QEMU {said} say:"
        yield from _words(problem.said)


def _row(verdict: DeviceVerdict) -> tuple[str, Text, str]:
    if verdict.problem is not None:
        why = f"at {verdict.problem.span.start:#x}: {verdict.problem.kind}"
    else:
        notes = [*verdict.lost, *verdict.notes]
        why = "; ".join(f"{note.path}: {note.message}" for note in notes)
    return escape(verdict.device), verdict_word(verdict.word), prose(why)


def verdict_word(word: Word) -> Text:
    """A verdict as a table has it."""
    return Mark(STYLES[word], WORDS[word]) if word in STYLES else WORDS[word]
