"""Two schemas held against each other: complaints by their seriousness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from migstream.analysis.compat.schemas import Complaint, SchemaReport
from migstream.render.answer import Answer
from migstream.render.shown import Part, Table, head
from migstream.render.text import escape, prose

__all__ = ["SchemaAnswer", "Schemas", "schema_count", "schema_parts", "schemas"]

CLASSES = {
    "break": "Real breaks: a stream that has this does not load",
    "depends": "Depends on what a guest sends: ask with a stream",
    "same bytes": "The same bytes under other names",
}


class SchemaAnswer(Answer, frozen=True, kw_only=True):
    """All that differs between two `-dump-vmstate` files; the two verbs that tell it have a class of it each."""

    source: str
    destination: str
    source_machine: str
    destination_machine: str
    complaints: tuple[Complaint, ...]


Kind = TypeVar("Kind", bound=SchemaAnswer)


class Schemas(SchemaAnswer, tag="compat", frozen=True, kw_only=True):
    """Two schemas held against each other; what only the destination has is no difference.

    The machines are those that the files name, empty where one names none.
    """


def schemas(report: SchemaReport, kind: type[Kind]) -> Kind:
    """The report as the document of a verb."""
    return kind(**msgspec.structs.asdict(report))


def schema_parts(report: SchemaReport) -> Iterator[Part]:
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
        yield head(f"{title} ({len(group)})")
        rows = [(escape(c.type), escape(c.state), c.kind, prose(c.message)) for c in group]
        yield Table(rows, "<<<<", indent=2)
        yield ""
    yield schema_count(report)


def schema_count(report: SchemaReport) -> str:
    """How many breaks, and how many differences that are none."""
    breaks, rest = len(report.breaks), len(report.complaints) - len(report.breaks)
    return f"{breaks} {'break' if breaks == 1 else 'breaks'}, {rest} other differences"
