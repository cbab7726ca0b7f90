"""What the device sections of a stream tell of its writer, by the table of VMStates through the releases.

With a description each VMState is held against the table whole: versions, fields that are there and that are not, types,
subsections. Without one there are the versions in the headers of sections, and the subsections, which name themselves.

References
----------
QEMU, migration/vmstate.c: vmstate_subsection_save
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.identify.model import Fact
from migstream.catalogue.evidence import ORDER, Life, elements, ranked, sources_of
from migstream.machine.arch import is_cpu
from migstream.qemu.release import Bounds, machine_version
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.stream import Device, Stream
    from migstream.vmstate.description import Group

__all__ = ["state_facts"]

SUBSECTION = re.compile(rb"\x05([\x03-\xff])([\x21-\x7e]{1,80}/[\x20-\x7e]{1,80})")
SEARCHED = 1 << 20  # bytes of a section that nothing describes in which subsections are looked for


class _Seen:
    """Facts by what they are: each is told once, with how often it was found."""

    def __init__(self, architecture: str | None) -> None:
        self._scope = sources_of(architecture)
        self.found: dict[tuple[str, str], Fact] = {}

    def parts(self, state: str) -> Mapping[str, Life]:
        """What is known of a VMState, of a CPU of this architecture or of any device."""
        return elements(self._scope, state) or elements("", state)

    def add(self, state: str, what: str, releases: Bounds, where: str, span: Span) -> None:
        if releases != Bounds():
            old = self.found.get((state, what))
            new = Fact(
                where=where,
                span=span,
                what=what,
                releases=releases,
                subject=state,
                source="catalogue",
            )
            self.found[state, what] = (
                new if old is None else msgspec.structs.replace(old, times=old.times + 1)
            )


def state_facts(stream: Stream, architecture: str | None) -> Iterator[Fact]:
    """Facts of all device sections."""
    seen = _Seen(architecture)
    described = (
        {}
        if stream.description is None
        else {device.key: device.group for device in stream.description.devices}
    )
    for device in stream.devices:
        group = described.get(device.section.key)
        if group is None:
            _bare(seen, device, stream)
        else:
            _group(seen, group, device.path, device.section.span)
    _order(seen, stream)
    yield from seen.found.values()


def _order(seen: _Seen, stream: Stream) -> None:
    """Which section stands before which."""
    board, _ = machine_version(stream.machine or "")
    sections = [device.section for device in stream.devices]
    places = ranked(section.name for section in sections)
    for part, life in elements(board, ORDER).items():
        before, after = part.split("<")
        if before in places and after in places and places[before] < places[after]:
            first = sections[places[before]]
            what = f"{before} stands before {after}"
            seen.add(ORDER, what, life.having(), first.path, first.span)


def _group(seen: _Seen, group: Group, where: str, span: Span) -> None:
    """One VMState as it was described, and all inside it."""
    name = group.vmsd_name
    parts = seen.parts(name)
    if parts:
        have = {field.name: field.type for field in group.fields}
        for part, life in parts.items():
            _part(seen, (name, part, life), group.version, have, (where, span))
    for field in group.fields:
        for one in (*((field.struct,) if field.struct else ()), *field.inline):
            _group(seen, one, f"{where}/{field.name}", span)
    for subsection in group.subsections:
        _group(seen, subsection, f"{where}/{subsection.vmsd_name}", span)


def _part(
    seen: _Seen,
    known: tuple[str, str, Life],
    version: int,
    have: Mapping[str, str],
    place: tuple[str, Span],
) -> None:
    name, part, life = known
    field, _, type_ = part.partition(":")
    if not part:
        seen.add(name, f"has the VMState {name}", life.having(), *place)
    elif part.startswith("="):
        if part[1:] == str(version):
            seen.add(name, f"{name} has version {version}", life.having(), *place)
    elif type_:
        if have.get(field) == type_:
            seen.add(name, f"{field} of {name} is {type_}", life.having(), *place)
    elif field in have:
        seen.add(name, f"{name} has {field}", life.having(), *place)
    else:
        seen.add(name, f"{name} has no {field}", life.lacking(), *place)


def _bare(seen: _Seen, device: Device, stream: Stream) -> None:
    """A section that nothing describes."""
    section = device.section
    name = section.name if is_cpu(section.name) else section.name.rpartition("/")[2]
    place = section.path, section.span
    parts = seen.parts(name)
    if "" in parts:
        seen.add(name, f"has the VMState {name}", parts[""].having(), *place)
    version = f"={section.version_id}"
    if version in parts:
        seen.add(name, f"{name} has version {section.version_id}", parts[version].having(), *place)
    payload = section.payload
    raw = stream.store.view(payload.start, min(payload.stop, payload.start + SEARCHED))
    for found in SUBSECTION.finditer(raw):
        named = found[2][: found[1][0]].decode("ascii")
        if len(named) == found[1][0] and named.startswith(f"{name}/") and "" in seen.parts(named):
            at = payload.start + found.start()
            span = Span(at, at + 2 + len(named))
            seen.add(
                named,
                f"has the subsection {named}",
                seen.parts(named)[""].having(),
                section.path,
                span,
            )
