"""The verdicts of `compat` and `static-checker` as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from migstream.render.text import Palette, escape, prose, table

if TYPE_CHECKING:
    from migstream.analysis.compat.machines import BinariesReport, MachineReport
    from migstream.analysis.compat.model import Problem, Report
    from migstream.analysis.compat.model import Verdict as DeviceVerdict
    from migstream.analysis.compat.schemas import SchemaReport
    from migstream.qemu.load import Verdict

__all__ = ["machines_json", "machines_lines", "report_json", "report_lines", "schema_lines"]

WORDS = {"loads": "loads", "loses": "loses state", "fails": "FAILS", "unknown": "not known"}
REFUSED = "does not load, though it was predicted to"
WRONG = "The prediction is wrong. Please report it: this output, and the stream as `migstream redact` makes it"
CLASSES = {
    "break": "Real breaks: a stream that has this does not load",
    "depends": "Depends on what a guest sends: ask with a stream",
    "same bytes": "The same bytes under other names",
}


def report_lines(
    report: Report, palette: Palette, *, verbose: bool, tried: Verdict | None = None
) -> Iterator[str]:
    """Verdict, then why; every device with `verbose`; what a QEMU did that was given the stream."""
    to = f"{escape(report.destination)} (QEMU {report.release})"
    wrong = tried is not None and tried.accepted is not report.predicted
    if tried is not None and wrong:
        did = "loads, though it was predicted not to" if tried.accepted else REFUSED
        yield palette.head(f"{escape(report.file)}: {did}, in {to}")
        yield WRONG
    elif report.accepted:
        so_far = ", as far as a schema tells" if report.undecided else ""
        yield palette.head(f"{escape(report.file)}: loads in {to}{so_far}")
    else:
        yield palette.head(f"{escape(report.file)}: does not load in {to}")
    for number, problem in enumerate(report.problems):
        yield ""
        yield from _problem(problem, palette, first=number == 0, said="would" if wrong else "will")
    for problem, reason in report.accepted_breaks:
        yield f"accepted: {escape(problem.device)}: {prose(problem.message)} ({prose(reason)})"
    shown = [v for v in report.verdicts if verbose or v.word != "loads"]
    if shown:
        yield ""
        yield from table([_row(v) for v in shown], "<<<", ("device", "verdict", ""), palette)
    elif report.accepted and not wrong:
        devices = sum(v.device != "ram[0]" for v in report.verdicts)
        yield f"all {devices} devices load"
    if report.undecided:
        yield ""
        yield f"only a stream of the destination (--to-stream) tells: {'; '.join(report.undecided)}"
    yield from _missing(report)
    if tried is not None:
        yield ""
        more = ", and that is what counts" if wrong else ""
        yield palette.head(f"tried: QEMU {'took' if tried.accepted else 'refused'} it{more}")
        yield from (f"    {palette.dim(prose(line))}" for line in tried.said.splitlines())


def _missing(report: Report) -> Iterator[str]:
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


def _problem(problem: Problem, palette: Palette, *, first: bool, said: str) -> Iterator[str]:
    where = escape(problem.path or problem.device)
    yield f"{problem.span.start:#x}  {palette.name(where)}  {prose(problem.message)}"
    if problem.hint:
        yield f"  hint: {prose(problem.hint)}"
    if first and problem.said:
        yield f"  QEMU {said} say:"
        yield from (f"    {palette.dim(prose(line))}" for line in problem.said)


def _row(verdict: DeviceVerdict) -> tuple[str, str, str]:
    if verdict.problem is not None:
        why = f"at {verdict.problem.span.start:#x}: {verdict.problem.kind}"
    else:
        notes = [*verdict.lost, *verdict.notes]
        why = "; ".join(f"{note.path}: {note.message}" for note in notes)
    return escape(verdict.device), WORDS[verdict.word], prose(why)


def report_json(report: Report, tried: Verdict | None = None) -> dict[str, Any]:
    """All of it; offsets are absolute, in bytes."""
    return {
        "file": report.file,
        "destination": report.destination,
        "release": report.release,
        "accepted": report.accepted,
        "problems": [_problem_json(p) for p in report.problems],
        "accepted_breaks": [
            _problem_json(p) | {"reason": reason} for p, reason in report.accepted_breaks
        ],
        "devices": [
            {
                "device": v.device,
                "offset": v.span.start,
                "verdict": v.word,
                "lost": [{"path": n.path, "message": n.message} for n in v.lost],
                "notes": [{"path": n.path, "message": n.message} for n in v.notes],
            }
            for v in report.verdicts
        ],
        "missing": list(report.missing),
        "options": [to_builtins(option) for option in report.options],
        "undecided": list(report.undecided),
        "tried": None
        if tried is None
        else {
            "accepted": tried.accepted,
            "said": tried.said.splitlines(),
            "as_predicted": tried.accepted is report.predicted,
        },
    }


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "kind": problem.kind,
        "device": problem.device,
        "path": problem.path or problem.device,
        "span": [problem.span.start, problem.span.stop],
        "message": problem.message,
        "said": list(problem.said),
        "hint": problem.hint,
    }


def schema_lines(report: SchemaReport, palette: Palette) -> Iterator[str]:
    """Complaints in groups, the most serious first."""
    if report.source_machine != report.destination_machine:
        yield (
            f"the machine types differ: {escape(report.source_machine)},"
            f" {escape(report.destination_machine)}"
        )
    for verdict, title in CLASSES.items():
        group = [c for c in report.complaints if c.verdict == verdict]
        if not group:
            continue
        yield palette.head(f"{title} ({len(group)})")
        rows = [(escape(c.type), escape(c.state), c.kind, prose(c.message)) for c in group]
        yield from (f"  {line}" for line in table(rows, "<<<<"))
        yield ""
    yield _schema_count(report)


def _schema_count(report: SchemaReport) -> str:
    breaks, rest = len(report.breaks), len(report.complaints) - len(report.breaks)
    return f"{breaks} {'break' if breaks == 1 else 'breaks'}, {rest} other differences"


def machines_lines(report: BinariesReport, palette: Palette, *, verbose: bool) -> Iterator[str]:
    """A line for each machine type; the schemas' breaks, and all of each report with `verbose`."""
    rows = [(escape(m.machine), *_machine_row(m)) for m in report.machines]
    yield from table(rows, "<<<", ("machine", "verdict", ""), palette)
    if verbose:
        for one in report.machines:
            if one.report is not None and not one.report.accepted:
                yield ""
                yield from report_lines(one.report, palette, verbose=False)
    for names, what in (
        (report.gone, "only the source has"),
        (report.new, "only the destination has"),
    ):
        if names:
            yield ""
            yield f"{what}: {', '.join(map(escape, names))}"
    yield ""
    if verbose:
        yield from schema_lines(report.schemas, palette)
    else:
        breaks = len(report.schemas.breaks)
        yield f"all devices of the two: {_schema_count(report.schemas)}{' (-v lists them)' if breaks else ''}"
    refused = sum(not m.accepted for m in report.machines)
    silent = sum(m.report is None for m in report.machines)
    parts = [f"{len(report.machines) - refused - silent} load", f"{refused} do not"]
    parts += [f"{silent} not tried"] if silent else []
    yield (
        f"{escape(report.source)} → {escape(report.destination)}: of {len(report.machines)} machine"
        f" types {', '.join(parts)}"
    )


def _machine_row(one: MachineReport) -> tuple[str, str]:
    """Verdict, and why."""
    if one.report is None:
        return "not tried", prose(one.said.splitlines()[-1])
    problem = one.report.first
    why = (
        ""
        if problem is None
        else f"{problem.path or problem.device}: {problem.message}".lstrip(": ")
    )
    word = "loads" if one.accepted else "FAILS"
    if one.tried is not None and one.tried.accepted is not one.report.predicted:
        said = one.tried.said.splitlines()
        tried = f"QEMU says: {said[0]}" if said else "QEMU takes it"
        why = f"predicted otherwise ({why or 'no problem seen'}), which is wrong: please report it; {tried}"
    elif problem is None and any(v.lost for v in one.report.verdicts):
        word = WORDS["loses"]
        why = ", ".join(v.device for v in one.report.verdicts if v.lost)
    return word, prose(why)


def machines_json(report: BinariesReport) -> dict[str, Any]:
    """All of it."""
    return {
        "source": report.source,
        "destination": report.destination,
        "machines": [
            {
                "machine": m.machine,
                "accepted": None if m.report is None else m.accepted,
                "report": None if m.report is None else report_json(m.report, m.tried),
                "said": m.said,
            }
            for m in report.machines
        ],
        "gone": list(report.gone),
        "new": list(report.new),
        "schemas": to_builtins(report.schemas),
    }
