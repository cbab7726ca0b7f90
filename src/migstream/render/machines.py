"""Every machine type of two QEMUs, and whether its stream loads in the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.render.answer import Answer
from migstream.render.compat import Compat, compat_answer, compat_parts, verdict_word
from migstream.render.schemas import Schemas, schema_count, schema_parts, schemas
from migstream.render.shown import Part, Table, Text
from migstream.render.text import escape, prose

if TYPE_CHECKING:
    from migstream.analysis.compat.machines import BinariesReport, MachineReport

__all__ = ["Machines", "machine_parts", "machines"]


class MachineLoad(msgspec.Struct, frozen=True, kw_only=True):
    """One machine type; `accepted` is what the destination did where it was tried, else the prediction.

    `report` is the document of its own stream. That and `accepted` are null where one side does not
    start: `said` is why, in QEMU's words.
    """

    machine: str
    accepted: bool | None
    report: Compat | None
    said: str


class Machines(Answer, tag="compat", frozen=True, kw_only=True):
    """Two binaries: the machine types that both have, and those that only one has (`gone`, `new`).

    `schemas` is the document of all their devices, whether or not a machine has them.
    """

    source: str
    destination: str
    machines: list[MachineLoad]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    schemas: Schemas


def machines(report: BinariesReport) -> Machines:
    """All of it."""
    return Machines(
        source=report.source,
        destination=report.destination,
        machines=[
            MachineLoad(
                machine=m.machine,
                accepted=None if m.report is None else m.accepted,
                report=None if m.report is None else compat_answer(m.report, m.tried),
                said=m.said,
            )
            for m in report.machines
        ],
        gone=report.gone,
        new=report.new,
        schemas=schemas(report.schemas, Schemas),
    )


# --- for people ----------------------------------------------------------------------------------


def machine_parts(report: BinariesReport, *, verbose: bool) -> Iterator[Part]:
    """A line for each machine type; the schemas' breaks, and all of each report with `verbose`."""
    rows = [(escape(m.machine), *_row(m)) for m in report.machines]
    yield Table(rows, "<<<", ("machine", "verdict", ""))
    if verbose:
        for one in report.machines:
            if one.report is not None and not one.report.accepted:
                yield from compat_parts(one.report, verbose=False)
    for names, what in (
        (report.gone, "only the source has"),
        (report.new, "only the destination has"),
    ):
        if names:
            yield ""
            yield f"{what}: {', '.join(map(escape, names))}"
    yield ""
    if verbose:
        yield from schema_parts(report.schemas)
    else:
        more = " (-v lists them)" if report.schemas.breaks else ""
        yield f"all devices of the two: {schema_count(report.schemas)}{more}"
    refused = sum(not m.accepted for m in report.machines)
    silent = sum(m.report is None for m in report.machines)
    parts = [f"{len(report.machines) - refused - silent} load", f"{refused} do not"]
    parts += [f"{silent} not tried"] if silent else []
    yield (
        f"{escape(report.source)} → {escape(report.destination)}: of {len(report.machines)} machine"
        f" types {', '.join(parts)}"
    )


def _row(one: MachineReport) -> tuple[Text, str]:
    """Verdict, and why."""
    if one.report is None:
        return "not tried", prose(one.said.splitlines()[-1])
    problem = one.report.first
    why = (
        ""
        if problem is None
        else f"{problem.path or problem.device}: {problem.message}".lstrip(": ")
    )
    word = verdict_word("loads" if one.accepted else "fails")
    if one.tried is not None and one.tried.accepted is not one.report.predicted:
        said = one.tried.said.splitlines()
        tried = f"QEMU says: {said[0]}" if said else "QEMU takes it"
        why = f"predicted otherwise ({why or 'no problem seen'}), which is wrong: please report it; {tried}"
    elif problem is None and any(v.lost for v in one.report.verdicts):
        word = verdict_word("loses")
        why = ", ".join(v.device for v in one.report.verdicts if v.lost)
    return word, prose(why)
