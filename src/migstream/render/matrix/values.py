"""The matrix as a table of comma-separated values: a line for each cell, and for each fault of one that breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migstream.analysis.compat.matrix import Transition
from migstream.names import csv_line

__all__ = ["HEAD", "values"]

HEAD = (
    *("architecture", "source", "destination", "machine", "device", "where"),
    *("verdict", "kind", "section", "field", "message"),
)


def values(found: Iterable[Transition]) -> str:
    """All of it; lines end as those of a text file do."""
    return "".join(map(csv_line, (HEAD, *(line for one in found for line in _lines(one)))))


def _lines(one: Transition) -> Iterator[tuple[str, ...]]:
    for row in one.rows:
        cells = {machine: cell for cell in row.cells for machine in cell.machines}
        for machine in row.machines:
            head = one.architecture, one.source, one.destination, machine, row.device, row.where
            cell = cells.get(machine)
            if cell is None:
                yield (*head, "loads", "", "", "", "")
            else:
                for fault in cell.faults:
                    yield (
                        *head,
                        cell.verdict,
                        fault.kind,
                        fault.section,
                        fault.field,
                        fault.message,
                    )
