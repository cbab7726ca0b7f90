"""Who wrote a stream: all facts put together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.analysis.identify.builds import distribution, firmware
from migstream.analysis.identify.cpu import cpu_model
from migstream.analysis.identify.marks import form_facts
from migstream.analysis.identify.model import Fact, Identity, narrowed
from migstream.analysis.identify.states import state_facts
from migstream.catalogue.shelf import on_shelf
from migstream.machine.arch import architecture
from migstream.machine.map.setup import machine_setup
from migstream.qemu.release import Bounds, Version, machine_version

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = ["identify", "written_by"]


# Architectures of boards, by the machine type's family, for streams in which no CPU is described.
BOARDS = {
    **dict.fromkeys(("pc-i440fx", "pc-q35", "isapc", "microvm"), "x86_64"),
    "pseries": "ppc64",
    "s390-ccw-virtio": "s390x",
}


def identify(stream: Stream) -> Identity:
    """Who wrote a stream, and the facts that tell it.

    Nothing is guessed: `releases` are all that the facts allow. Guest memory is looked at where the stream was walked.
    """
    bounds, facts, against = narrowed(_facts(stream))
    return Identity(
        releases=bounds,
        known=tuple(release for release in sorted(_catalogued()) if release in bounds),
        distribution=distribution(stream.machine),
        firmware=firmware(stream),
        machine=stream.machine,
        target=_architecture(stream),
        accelerator=machine_setup(stream).accelerator,
        cpu=cpu_model(stream),
        changed=None,
        facts=tuple(facts),
        against=tuple(against),
    )


def written_by(stream: Stream) -> Bounds:
    """The releases that can have written a stream, from its own bytes."""
    return narrowed(_facts(stream))[0]


def _facts(stream: Stream) -> Iterator[Fact]:
    yield from form_facts(stream)
    yield from state_facts(stream, _architecture(stream))


def _architecture(stream: Stream) -> str | None:
    return architecture(stream) or BOARDS.get(machine_version(stream.machine or "")[0])


def _catalogued() -> set[Version]:
    """Releases that there is a catalogue of."""
    return {catalogue.index.release[:2] for catalogue in on_shelf()}
