"""Who wrote a stream: all that is known put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from migstream.analysis.identify.builds import distribution, firmware
from migstream.analysis.identify.cpu import cpu_model
from migstream.analysis.identify.facts import facts_of, target
from migstream.analysis.identify.model import Identity, narrowed
from migstream.catalogue.shelf import own_shelf
from migstream.machine.map.setup import machine_setup
from migstream.stream import as_stream

if TYPE_CHECKING:
    from migstream.catalogue.model import Index
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
    indexes = [catalogue.index for catalogue in own_shelf()]
    known = {index.release[:2] for index in indexes}
    return Identity(
        releases=bounds,
        known=tuple(release for release in sorted(known) if release in bounds),
        distribution=distribution(stream.machine),
        firmware=firmware(stream),
        machine=stream.machine,
        target=target(stream) or _having(stream.machine, indexes),
        accelerator=machine_setup(stream).accelerator,
        cpu=cpu_model(stream),
        changed=() if stream.description is None else stream.description.changed,
        facts=tuple(facts),
        against=tuple(against),
    )


def _having(machine: str | None, indexes: Sequence[Index]) -> str | None:
    """The only target that has such a machine type; None where there are several, or none."""
    targets = {index.target for index in indexes if machine in index.machines}
    return targets.pop() if len(targets) == 1 else None
