"""What `drop`, `rename` and `order` can name: devices, live sections, subsections, RAM blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migstream.errors import Unsupported
from migstream.places import Place, places
from migstream.wire.model import Section, Subsection

if TYPE_CHECKING:
    from migstream.stream import Device, Stream
    from migstream.vmstate.values import Value

__all__ = ["Target", "targets"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One of them; `device` alone is the whole device, with `value` a subsection inside it."""

    path: str
    device: Device | None = None
    value: Value | None = None
    live: tuple[Section, ...] = ()
    block: str | None = None
    configuration: Subsection | None = None


def targets(stream: Stream, path: str) -> list[Target]:
    """Everything that a path names.

    Raises
    ------
    NoSuchPath, NoSuchAddress : nothing
    Unsupported : it names fields
    """
    return [_target(place) for place in places(stream, path)]


def _target(place: Place) -> Target:
    if place.kind == "memory" and place.whole:
        return Target(path=place.path, block=place.block)
    if place.kind == "configuration":
        return Target(path=place.path, configuration=place.configuration)
    if place.kind == "live" and place.sections[0].name != "ram":
        return Target(path=place.path, live=place.sections)
    value, device = place.value, place.device
    if value is None or device is None:
        raise Unsupported(
            f"{place.path} is neither a device, a subsection nor a RAM block",
            hint="no other part of a stream can be dropped or renamed",
        )
    if value.path == device.path:
        return Target(path=device.path, device=device)
    if value.kind != "subsection":
        raise Unsupported(
            f"{value.path} is a field: it has its place, and its name is not in the stream",
            at=value.span.start,
            hint="devices, subsections and RAM blocks can be dropped and renamed",
        )
    return Target(path=value.path, device=device, value=value)
