"""The verdicts of `compat` and `static-checker` as lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from migstream.render.text import Palette, escape, table

if TYPE_CHECKING:
    from migstream.analysis.compat_model import Problem, Report, Verdict
    from migstream.analysis.static_checker import SchemaReport

__all__ = ["report_json", "report_lines", "schema_lines"]

WORDS = {"loads": "loads", "loses": "loses state", "fails": "FAILS", "unknown": "not known"}
CLASSES = {
    "break": "Real breaks: a stream that has this does not load",
    "depends": "Depends on what a guest sends: ask with a stream",
    "same bytes": "The same bytes under other names",
}


def report_lines(report: Report, palette: Palette, *, verbose: bool) -> Iterator[str]:
    """Verdict, then why; every device with `verbose`."""
    to = f"{escape(report.destination)} (QEMU {report.release})"
    if report.accepted:
        yield palette.head(f"{escape(report.file)}: loads in {to}")
    else:
        yield palette.head(f"{escape(report.file)}: does not load in {to}")
    for number, problem in enumerate(report.problems):
        yield ""
        yield from _problem(problem, palette, first=number == 0)
    for problem, reason in report.accepted_breaks:
        yield f"accepted: {escape(problem.device)}: {escape(problem.message)} ({escape(reason)})"
    shown = [v for v in report.verdicts if verbose or v.word != "loads"]
    if shown:
        yield ""
        yield from table([_row(v) for v in shown], "<<<", ("device", "verdict", ""), palette)
    elif report.accepted:
        yield f"all {len(report.verdicts)} devices load"
    if report.missing:
        yield ""
        names = ", ".join(map(escape, report.missing))
        yield f"not in the stream, so as after a reset on the destination: {names}"


def _problem(problem: Problem, palette: Palette, *, first: bool) -> Iterator[str]:
    where = escape(problem.path or problem.device)
    yield f"{problem.span.start:#x}  {palette.name(where)}  {escape(problem.message)}"
    if problem.hint:
        yield f"  hint: {escape(problem.hint)}"
    if first and problem.said:
        yield "  QEMU will say:"
        yield from (f"    {palette.dim(escape(line))}" for line in problem.said)


def _row(verdict: Verdict) -> tuple[str, str, str]:
    if verdict.problem is not None:
        why = f"at {verdict.problem.span.start:#x}: {verdict.problem.kind}"
    else:
        notes = [*verdict.lost, *verdict.notes]
        why = "; ".join(f"{note.path}: {note.message}" for note in notes)
    return escape(verdict.device), WORDS[verdict.word], escape(why)


def report_json(report: Report) -> dict[str, Any]:
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
    """Complaints in groups, the grave ones first."""
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
        rows = [(escape(c.type), escape(c.state), c.kind, escape(c.message)) for c in group]
        yield from (f"  {line}" for line in table(rows, "<<<<"))
        yield ""
    breaks, rest = len(report.breaks), len(report.complaints) - len(report.breaks)
    yield f"{breaks} {'break' if breaks == 1 else 'breaks'}, {rest} other differences"
