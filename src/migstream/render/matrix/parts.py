"""The matrix on a terminal: a line for each pair of releases; of one pair, what breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.analysis.compat.matrix import Transition
from migstream.names import many
from migstream.render.compat import verdict_word
from migstream.render.matrix.entries import (
    Entry,
    blamed,
    depending,
    entries,
    name_of,
    place,
    ranges,
    short,
)
from migstream.render.shown import Cell, Part, Table, Title
from migstream.render.text import escape, prose

__all__ = ["Summary", "summary_parts", "transition_parts"]


class Summary:
    """The figures of one pair of releases: machine types of both, those of them that do not load, devices, those that break."""

    def __init__(self, one: Transition) -> None:
        self.machines = len(one.machines)
        itself = [row for row in one.rows if not row.device]
        broken = {
            m
            for row in itself
            for cell in row.cells
            if cell.verdict == "fails"
            for m in cell.machines
        }
        self.broken = len(broken)
        self.devices = len({row.device for row in one.rows if row.device})
        self.breaking = len(
            {
                row.device
                for row in one.rows
                if row.device and any(c.verdict == "fails" for c in row.cells)
            }
        )
        self.gone = len(one.gone)


def summary_parts(found: Sequence[Transition]) -> Iterator[Part]:
    """A line for each pair."""
    rows = []
    for one in found:
        told = Summary(one)
        rows.append(
            (
                escape(one.architecture),
                f"{short(one.source)} → {short(one.destination)}",
                str(told.machines),
                str(told.machines - told.broken),
                str(told.devices),
                str(told.breaking),
            )
        )
    head = ("target", "from, to", "machine types", "load", "devices", "break")
    yield Table(rows, "<<>>>>", head)


def transition_parts(one: Transition, *, verbose: bool) -> Iterator[Part]:
    """What breaks, and on which machine types; with `verbose` also what would break of what a guest can have."""
    told = Summary(one)
    yield Title(f"QEMU {one.source} → {one.destination}, {one.architecture}")
    found = entries(one)
    if found:
        yield Table([*_rows(one, found)], "<<<<", ("device", "machine types", "verdict", ""))
        yield ""
    for names, what in (
        (ranges(one.gone, one.gone), "machine types that are gone"),
        (one.gone_devices, "device types that are gone"),
    ):
        if names:
            yield f"{what}: {', '.join(map(escape, names))}"
    open_ = depending(one)
    if open_ and verbose:
        yield ""
        yield "what a guest can have that would not load:"
        yield Table([*_rows(one, open_)], "<<<<", ("device", "machine types", "verdict", ""))
    elif open_:
        count = sum(len(entry.devices) for entry in open_)
        yield f"of {many(count, 'device type')} a guest can have state that would not load (-v lists it)"
    yield (
        f"of {many(told.machines, 'machine type')} {told.machines - told.broken} load by themselves;"
        f" of {many(told.devices, 'device type')} {told.breaking} break on some"
    )


def _rows(one: Transition, found: Sequence[Entry]) -> Iterator[tuple[Cell, ...]]:
    for entry in found:
        devices = ", ".join(escape(name_of(device)) for device in entry.devices)
        where = place(entry)
        machines = "all" if entry.every else ", ".join(ranges(entry.machines, one.machines))
        told = ((field, prose(fault.message)) for field, fault in blamed(entry))
        why = "; ".join(f"{escape(field)}: {said}" if field else said for field, said in told)
        word = "depends" if entry.verdict == "depends" else verdict_word(entry.verdict)
        yield (f"{devices}, {where}" if where else devices), escape(machines), word, why
