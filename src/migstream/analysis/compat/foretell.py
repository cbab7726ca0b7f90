"""A load foretold without a destination: its stream is put together from the catalogue of its release."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.lacking import absent_types, other_roms
from migstream.analysis.compat.load import compat
from migstream.analysis.compat.model import Report
from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import compose
from migstream.catalogue.libvirt.read import Described, describe
from migstream.catalogue.shelf import find, on_shelf, own_shelf, targets_of
from migstream.errors import Unsupported
from migstream.machine.arch import architecture
from migstream.source.domain import read_domain
from migstream.stream import open_stream
from migstream.vmstate.schema import Schema

if TYPE_CHECKING:
    from migstream.analysis.compat.breaks import Break
    from migstream.catalogue.compose import Composed
    from migstream.catalogue.files import Catalogue
    from migstream.qemu.release import Version
    from migstream.stream import Stream

__all__ = ["Foretold", "foretell", "foretell_in", "guest_architecture", "put_together", "started"]

# Of devices with rombar=0, which a catalogue does not have (hw/core/loader.c: rom_add_vga, rom_add_option).
ROMS = ("/rom@vgaroms/", "/rom@genroms/")
UNTOLD = "this machine type says so little of what it saves that its devices are taken to be the stream's own"
# Sections that only one architecture has, for streams that do not describe their CPUs.
OWN = {
    **dict.fromkeys(("apic", "pckbd", "kvm-tpr-opt", "kvmclock"), "x86_64"),
    **dict.fromkeys(("spapr", "spapr/htab"), "ppc64"),
}
SAME_DOMAIN = "it is started as the XML of the save image says"
SAME_MACHINE = "it is started as the stream's guest was; with its arguments behind --, more is told"


class Foretold(msgspec.Struct, frozen=True):
    """The report on one release, which is written as people do."""

    release: str
    report: Report


def foretell(
    stream: Stream,
    release: Version | str | None,
    arguments: Sequence[str] = (),
    capabilities: Collection[str] = (),
    breaks: Iterable[Break] = (),
    folder: str | os.PathLike[str] | None = None,
    domain: str | None = None,
) -> list[Foretold]:
    """What becomes of a stream in a release, or in every one of the catalogue.

    Parameters
    ----------
    release : (10, 0), or a name that a catalogue has; None for every one
    arguments : with which its QEMU is started; where there are none, the domain's XML says it, and where there is none
        of that, the machine is taken to be the stream's
    folder : a catalogue, or a folder of them, that is looked at first
    domain : the XML of the domain that is started; that of the save image otherwise, where the stream is in one

    Raises
    ------
    Unsupported : there is no catalogue of it for the stream's architecture, or it has no such machine
    """
    kind = guest_architecture(stream)
    every = tuple(breaks)
    how = started(stream, arguments, domain)
    if release is not None:
        return [foretell_in(stream, find(release, kind, folder), how, capabilities, every)]
    return [
        foretell_in(stream, catalogue, how, capabilities, every)
        for catalogue in _all(kind, on_shelf(folder))
    ]


def guest_architecture(stream: Stream) -> str:
    """The architecture of a stream's guest, by its CPUs, else by what only one has.

    Raises
    ------
    Unsupported : nothing tells it
    """
    kind = architecture(stream) or next(
        (OWN[d.name] for d in stream.devices if d.name in OWN), None
    )
    if kind is None:
        raise Unsupported(
            "no CPU in the stream tells its architecture",
            hint="--to-stream, or --to-qemu, says where to",
        )
    return kind


def started(stream: Stream, arguments: Sequence[str], domain: str | None) -> Described:
    """With which arguments the destination is started, as far as anything says it."""
    if arguments:
        return Described(tuple(arguments))
    if domain is not None:
        return describe(domain)
    layer = next((one for one in stream.layers if one.name == "libvirt"), None)
    text = "" if layer is None else str(layer.facts["xml"])
    if not read_domain(text, pasted=False).machine:
        return Described((), (SAME_MACHINE,))
    found = describe(text)
    return msgspec.structs.replace(found, assumptions=(SAME_DOMAIN, *found.assumptions))


def _all(kind: str, catalogues: Iterable[Catalogue]) -> Iterator[Catalogue]:
    """One of each release, for guests of that architecture."""
    shelf = list(catalogues)
    found: dict[Version, Catalogue] = {}
    for target in targets_of(kind):  # what was given comes first
        for one in shelf:
            if one.index.target == target:
                found.setdefault(one.index.release, one)
    if not found:
        raise Unsupported(
            f"no catalogue for {kind}", hint="`migstream catalogue list` names those that there are"
        )
    yield from (found[release] for release in sorted(found))


def foretell_in(
    stream: Stream,
    catalogue: Catalogue,
    started: Described,
    capabilities: Collection[str],
    breaks: tuple[Break, ...] = (),
    there: Destination | None = None,
) -> Foretold:
    """What becomes of a stream in one catalogue's QEMU.

    Parameters
    ----------
    started : with which arguments
    there : what `put_together` made of these arguments, where that was done before
    """
    if started.arguments:
        there = there or put_together(
            catalogue, started, capabilities, compose(catalogue, parse_arguments(started.arguments))
        )
    if there is None or there.damage is not None:
        there = _like_it(stream, catalogue, started, capabilities, there)
    return Foretold(".".join(map(str, catalogue.index.release[:2])), compat(stream, there, breaks))


def put_together(
    catalogue: Catalogue, started: Described, capabilities: Collection[str], made: Composed
) -> Destination:
    """A catalogue's QEMU with the machine that was made of its arguments."""
    return Destination(
        catalogue.told,
        open_stream(made.stream),  # of bytes: there is nothing to close
        catalogue.index.release[:2],
        f"{_label(catalogue)} with {made.machine}",
        capabilities=capabilities,
        offered=catalogue.about.capabilities,
        assumptions=(*started.assumptions, *made.assumptions),
        blocked=made.blocked,
        lacking=made.lacking,
        unknown=(*started.unknown, *made.unknown, *ROMS),
        max_cpus=made.max_cpus,
    )


def _like_it(
    stream: Stream,
    catalogue: Catalogue,
    started: Described,
    capabilities: Collection[str],
    there: Destination | None,
) -> Destination:
    """A catalogue's QEMU whose devices are the stream's own, so that there is nothing to put together.

    Parameters
    ----------
    there : what was put together, of which nothing is known but whether it starts, and takes a stream
    """
    every = list(_all(catalogue.index.target, (catalogue, *own_shelf())))
    return Destination(
        _schema(catalogue, stream.machine or ""),
        None,
        catalogue.index.release[:2],
        _label(catalogue),
        capabilities=capabilities,
        offered=catalogue.about.capabilities,
        blocked=() if there is None else there.blocked,
        lacking=() if there is None else there.lacking,
        absent=absent_types(stream, catalogue, every),
        roms=other_roms(stream, catalogue, every),
        assumptions=(*started.assumptions, *((UNTOLD,) if started.arguments else ())),
    )


def _label(catalogue: Catalogue) -> str:
    return f"QEMU {'.'.join(map(str, catalogue.index.release))}"


def _schema(catalogue: Catalogue, machine: str) -> Schema | None:
    """The schema, of a QEMU that is started with that machine type, or with the one that is most like it."""
    if not catalogue.schema.types:
        return None
    known = catalogue.machine(machine) or catalogue.nearest(machine) or machine
    return Schema(known, catalogue.schema.types, catalogue.schema.name)
