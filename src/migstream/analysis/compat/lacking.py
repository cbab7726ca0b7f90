"""What a release does not have of a stream, whatever machine it is started with: told by the catalogues of all of them.

What another release's catalogue has and this one's has not is not there; what none knows may be there all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migstream.catalogue.files import Catalogue
    from migstream.stream import Stream

__all__ = ["absent_types", "other_roms"]

ROMS = (".rom", ".bios")


def absent_types(
    stream: Stream, catalogue: Catalogue, others: Iterable[Catalogue]
) -> frozenset[str]:
    """VMStates of devices in the stream that the release has no device with.

    Parameters
    ----------
    catalogue : the release's
    others : all of that target
    """
    if not catalogue.schema.types:  # its QEMU cannot say them
        return frozenset()
    unknown = {d.value.type for d in stream.devices} - {*catalogue.schema.devices, ""}
    unknown -= _saved(stream, catalogue) if unknown else set()
    if not unknown:
        return frozenset()
    elsewhere = {name for other in others for name in other.schema.devices}
    return frozenset(unknown & elsewhere)


def other_roms(stream: Stream, catalogue: Catalogue, others: Iterable[Catalogue]) -> dict[str, int]:
    """Lengths in bytes of the RAM blocks of devices' ROMs where the stream's is that of another release."""
    sent = {block.name: block.used_length for block in stream.blocks if block.name.endswith(ROMS)}
    local = _roms(stream, catalogue)
    differ = {
        name: local[tail]
        for name, size in sent.items()
        if (tail := _tail(name)) in local and local[tail] != size
    }
    if not differ:
        return {}
    known = {pair for other in others for pair in _roms(stream, other).items()}
    return {name: size for name, size in differ.items() if (_tail(name), sent[name]) in known}


def _tail(name: str) -> str:
    return name.rpartition("/")[2]


def _machine(stream: Stream, catalogue: Catalogue) -> str | None:
    name = stream.machine or ""
    return catalogue.machine(name) or catalogue.nearest(name)


def _saved(stream: Stream, catalogue: Catalogue) -> set[str]:
    """Names of sections, without places, that the release was seen to save on that board, on any where none is told."""
    machine = _machine(stream, catalogue)
    boards = {board: name for name, board in catalogue.index.machines.items()}
    machines = boards.values() if machine is None else (machine,)
    return {name for one in machines for name in _names(catalogue, one)}


def _names(catalogue: Catalogue, machine: str) -> Iterator[str]:
    for image in catalogue.family(machine).images[machine].values():
        yield from (_tail(one.name) for one in image.sections)
    family = catalogue.others(machine)
    for added in family.devices.get(family.newest, {}).values():
        yield from (_tail(one.name) for one in added.sections)


def _roms(stream: Stream, catalogue: Catalogue) -> dict[str, int]:
    machine = _machine(stream, catalogue)
    if machine is None:
        return {}
    family = catalogue.others(machine)
    every = family.devices.get(family.newest, {}) | family.devices.get(machine, {})
    tables = [added.blocks for added in every.values()]
    sent = {device.name for device in stream.devices}
    # a machine without one of them was started with options, and may have other firmware by that
    whole = (
        image
        for image in catalogue.family(machine).images[machine].values()
        if {one.name for one in image.sections} <= sent
    )
    tables += [image.blocks for image in whole]
    return {
        _tail(name): size for table in tables for name, size in table.items() if name.endswith(ROMS)
    }
