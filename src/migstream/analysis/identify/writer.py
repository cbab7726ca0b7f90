"""Who wrote a stream: all that is known put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.analysis.identify.builds import distribution, firmware
from migstream.analysis.identify.cpu import cpu_model
from migstream.analysis.identify.facts import facts_of, target
from migstream.analysis.identify.model import Identity, narrowed
from migstream.catalogue.shelf import own_shelf
from migstream.machine.map.setup import machine_setup
from migstream.stream import as_stream

if TYPE_CHECKING:
    from migstream.qemu.release import Version
    from migstream.source.opened import Openable
    from migstream.stream import Stream

__all__ = ["identify"]


def identify(stream: Stream | Openable) -> Identity:
    """Which QEMU wrote a stream, and the facts that tell it.

    Nothing is guessed: `releases` are all that the facts allow. Guest memory is looked at where the stream was walked.

    Parameters
    ----------
    stream : a Stream, or whatever `open` takes; of a damaged one that counts which can be read
    """
    with as_stream(stream) as one:
        return _identity(one)


def _identity(stream: Stream) -> Identity:
    bounds, facts, against = narrowed(facts_of(stream))
    return Identity(
        releases=bounds,
        known=tuple(release for release in sorted(_catalogued()) if release in bounds),
        distribution=distribution(stream.machine),
        firmware=firmware(stream),
        machine=stream.machine,
        target=target(stream),
        accelerator=machine_setup(stream).accelerator,
        cpu=cpu_model(stream),
        changed=() if stream.description is None else stream.description.changed,
        facts=tuple(facts),
        against=tuple(against),
    )


def _catalogued() -> set[Version]:
    """Releases that there is a catalogue of."""
    return {catalogue.index.release[:2] for catalogue in own_shelf()}
