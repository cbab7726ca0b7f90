"""What `drop`, `rename` and `order` can name: devices, live sections, subsections, RAM blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migstream.errors import NoSuchPath, Unsupported
from migstream.wire.model import Section, SectionType, Subsection

if TYPE_CHECKING:
    from migstream.stream import Device, Stream
    from migstream.vmstate.values import Value

__all__ = ["Target", "targets"]

RAM = "ram/"


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
    if path.startswith(RAM):
        name = path.removeprefix(RAM)
        _ = stream.ram[name]
        return [Target(path=path, block=name)]
    found = _configuration(stream, path) or _devices(stream, path) or _live(stream, path)
    return found or _subsections(stream, path)


def _configuration(stream: Stream, path: str) -> list[Target]:
    """`configuration/NAME`, which is its name in the stream, too."""
    present = () if stream.configuration is None else stream.configuration.subsections
    return [Target(path=s.name, configuration=s) for s in present if s.name == path]


def _devices(stream: Stream, path: str) -> list[Target]:
    hits = [d for d, rest in stream.find_devices(path) if rest in {"", "/"}]
    return [Target(path=device.path, device=device) for device in hits]


def _live(stream: Stream, path: str) -> list[Target]:
    """Sections that come in parts; the parts know their beginning by its id."""
    starts = [
        s
        for s in stream.sections
        if s.type is SectionType.START and path in {s.name, s.path} and s.name != "ram"
    ]
    return [
        Target(
            path=start.path,
            live=tuple(
                s
                for s in stream.sections
                if s.type is not SectionType.FULL and s.section_id == start.section_id
            ),
        )
        for start in starts
    ]


def _subsections(stream: Stream, path: str) -> list[Target]:
    found = []
    for value in stream.find(path):
        if value.kind != "subsection":
            raise Unsupported(
                f"{value.path} is a field: it has its place, and its name is not in the stream",
                at=value.span.start,
                hint="devices, subsections and RAM blocks can be dropped and renamed",
            )
        device = next(d for d in stream.devices if value.span.start in d.section.payload)
        found.append(Target(path=value.path, device=device, value=value))
    if not found:
        raise NoSuchPath(f"nothing is called {path!r}")
    return found
