"""The releases that can have written a stream, and the facts that narrow them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.analysis.identify.marks import form_facts
from migstream.analysis.identify.model import Fact, narrowed
from migstream.analysis.identify.states import Seen, board, state_facts
from migstream.machine.arch import architecture
from migstream.qemu.release import Bounds

if TYPE_CHECKING:
    from migstream.stream import Stream
    from migstream.vmstate.schema import Schema

__all__ = ["declared_by", "facts_of", "target", "written_by"]

# Architectures of boards, by the machine type's family, for streams in which no CPU is described.
BOARDS = {
    **dict.fromkeys(("pc-i440fx", "pc-q35", "isapc", "microvm"), "x86_64"),
    "pseries": "ppc64",
    "s390-ccw-virtio": "s390x",
}


def written_by(stream: Stream) -> Bounds:
    """The releases that can have written a stream, from its own bytes."""
    return narrowed(facts_of(stream))[0]


def declared_by(schema: Schema) -> Bounds:
    """The releases that can have printed a `-dump-vmstate`."""
    seen = Seen(None)
    for states in schema.states.values():
        for state in states:
            seen.declared(state)
    return narrowed(seen.found.values())[0]


def facts_of(stream: Stream) -> Iterator[Fact]:
    """All that not every release writes."""
    yield from form_facts(stream)
    yield from state_facts(stream, target(stream))


def target(stream: Stream) -> str | None:
    """The architecture, by its CPUs, else by its board."""
    return architecture(stream) or BOARDS.get(board(stream))
