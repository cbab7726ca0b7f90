"""Both sides of a problem of `compat`, each in its own words: value, bytes, size, version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from migstream.analysis.explain.model import Side
from migstream.errors import NoSuchPath
from migstream.names import many
from migstream.vmstate.meaning.pci import config_space
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.analysis.compat.destination import Destination
    from migstream.analysis.compat.model import Problem
    from migstream.stream import Device, Stream
    from migstream.vmstate.values import Value

__all__ = ["sides"]

Sides = tuple[Side, Side]
MOST_BYTES = 16
MOST_NAMES = 8
UNKNOWN = "not known"
CAPABILITIES = "configuration/capabilities"
INDEXES, VALUES = "cpreg_vmstate_indexes", "cpreg_vmstate_values"


def sides(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    """What the source sent and what the destination has in its place."""
    return BY_KIND.get(problem.kind, _values)(problem, stream, destination)


def _find(stream: Stream | None, path: str) -> Device | None:
    return next((d for d in (stream.devices if stream is not None else ()) if d.path == path), None)


def _theirs(problem: Problem, stream: Stream, destination: Destination) -> Device | None:
    ours = _find(stream, problem.device)
    return None if ours is None else destination.handler(ours.name, ours.instance_id)


def _hex(stream: Stream, span: Span) -> str:
    stop = min(span.stop, span.start + MOST_BYTES, stream.size)
    raw = bytes(stream.store.view(span.start, max(stop, span.start))).hex(" ")
    return f"{raw} ..." if stop < min(span.stop, stream.size) else raw


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown or "none"


# --- one function for each kind ------------------------------------------------------------------


def _values(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    """The value at the problem's path on both sides, or the bytes there."""
    ours = _find(stream, problem.device)
    mine = None if ours is None else _at(ours, problem.path, problem.span)
    source = Side(
        text=_said(mine, stream, problem.span),
        path=problem.path or problem.device,
        span=problem.span,
    )
    theirs = _theirs(problem, stream, destination)
    if theirs is None or destination.stream is None:
        return source, Side(text=UNKNOWN)
    relative = problem.path.removeprefix(problem.device)
    other = _by_path(theirs, relative)
    if other is None:
        size = theirs.section.payload.size
        text = f"version {theirs.section.version_id}, {many(size, 'byte')} in all"
        return source, Side(text=text, path=theirs.path, span=theirs.section.span)
    return source, Side(
        text=_said(other, destination.stream, other.span), path=other.path, span=other.span
    )


def _at(device: Device, path: str, span: Span) -> Value | None:
    found = _by_path(device, path.removeprefix(device.path))
    if found is None and span.start in device.value.span:
        found = device.value.owner(span.start)
    return found


def _by_path(device: Device, relative: str) -> Value | None:
    """The value under a device; of what may be one or an array, such as queues, the first is the one."""
    relative = relative.strip("/")
    for path in (relative, relative.replace("[0]", "")):
        try:
            return device[path] if path else None
        except NoSuchPath:
            continue
    return None


def _said(value: Value | None, stream: Stream, span: Span) -> str:
    raw = _hex(stream, span)
    if value is None or value.kind != "leaf" or not value.text:
        return raw or "nothing"
    return f"{value.text} ({raw})"


def _fields(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    """Bytes from where the two sides go apart, and the length of either device."""
    ours, theirs = _find(stream, problem.device), _theirs(problem, stream, destination)
    total = "" if ours is None else f" of {ours.section.payload.size} in all"
    source = Side(
        text=f"{many(problem.span.size, 'byte')}{total}: {_hex(stream, problem.span)}",
        path=problem.path or problem.device,
        span=problem.span,
    )
    if theirs is None:
        return source, Side(text="reads another number of bytes")
    section = theirs.section
    text = f"{many(section.payload.size, 'byte')} in all, version {section.version_id}"
    return source, Side(text=text, path=theirs.path, span=section.span)


def _pci(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    """The register that the byte belongs to, by name."""
    ours, theirs = _find(stream, problem.device), _theirs(problem, stream, destination)
    spaces = [None if d is None else config_space(d.value) for d in (ours, theirs)]
    if spaces[0] is None:
        return _values(problem, stream, destination)
    index = problem.span.start - spaces[0].span.start
    found = []
    for space in spaces:
        if space is None or index >= space.span.size:
            found.append(Side(text=UNKNOWN))
            continue
        at = space.span.start + index
        part = space.owner(at)
        found.append(
            Side(
                text=f"{part.name} {part.text}, byte {index:#x} is {space.raw[index]:#04x}",
                path=part.path,
                span=part.span,
            )
        )
    return found[0], found[1]


def _ram(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    if problem.path == "ram":  # how pages are sent, not which
        source = Side(text=f"sends it: {_hex(stream, problem.span)}", path="ram", span=problem.span)
        return source, Side(text=f"QEMU {destination.release}")
    name = problem.path.removeprefix("ram/")
    other = destination.stream
    found = []
    for one in (stream, other):
        block = next((b for b in (one.blocks if one is not None else ()) if b.name == name), None)
        if block is None:
            here = [b.name for b in one.blocks] if one is not None else []
            near = [n for n in here if n.rpartition("/")[2] == name.rpartition("/")[2]]
            found.append(Side(text=f"no such block{f'; it has {_names(near)}' if near else ''}"))
        else:
            text = f"{block.used_length:#x} bytes ({block.used_length >> 10} KiB)"
            found.append(Side(text=text, path=f"ram/{name}", span=block.span))
    return found[0], found[1]


def _section(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    ours = _find(stream, problem.device)
    text = "sends it"
    if ours is not None:
        section = ours.section
        text = f"version {section.version_id}, {many(section.payload.size, 'byte')}"
    source = Side(text=text, path=problem.device, span=problem.span)
    kind = problem.device.rpartition("[")[0].rpartition("/")[2]
    alike = [d.path for k, d in destination.devices.items() if k[0].rpartition("/")[2] == kind]
    there = f"; of this kind it has {_names(alike)}" if alike else ", nor any of this kind"
    return source, Side(text=f"no such device{there}")


def _version(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    """Versions: those of the section, or of the VMState that the message names."""
    ours, theirs = _find(stream, problem.device), _theirs(problem, stream, destination)
    whole = ours is not None and problem.span == ours.section.span
    name = ours.value.type if ours is not None and whole else problem.message.partition(" ")[0]
    version = ours.section.version_id if ours is not None and whole else None
    text = f"version {version}" if version is not None else _hex(stream, problem.span)
    source = Side(text=text, path=problem.path or problem.device, span=problem.span)
    seen = theirs.section.version_id if theirs is not None and whole else None
    local = destination.versions(name, seen)
    if local is None:
        return source, Side(text=problem.message)
    least = "" if local.minimum is None else f", takes {local.minimum} and newer"
    return source, Side(text=f"version {local.version}{least}")


def _subsection(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    """The subsection's bytes, and the subsections that the destination has there."""
    ours, theirs = _find(stream, problem.device), _theirs(problem, stream, destination)
    source = Side(
        text=f"sends it: {many(problem.span.size, 'byte')}, {_hex(stream, problem.span)}",
        path=problem.path or problem.device,
        span=problem.span,
    )
    if ours is None:
        return source, Side(text="does not know it")
    known = [s.name for state in destination.states(ours.value.type) for s in state.subsections]
    if known:
        return source, Side(text=f"knows {_names(sorted(set(known)))}")
    sent = [] if theirs is None else [c.name for c in theirs if c.kind == "subsection"]
    return source, Side(text=f"sends {_names(sent)}" if sent else "does not know it")


def _configuration(_: Problem, stream: Stream, destination: Destination) -> Sides:
    found = [
        Side(text=f"machine {part.machine}{_on(one)}", path="configuration", span=part.name_span)
        if one is not None and (part := one.configuration) is not None
        else Side(text="no configuration section")
        for one in (stream, destination.stream)
    ]
    if destination.stream is None:
        schema = destination.schema
        found[1] = Side(text=UNKNOWN if schema is None else f"machine {schema.machine}")
    return found[0], found[1]


def _on(stream: Stream) -> str:
    """What else the configuration says."""
    part = stream.configuration
    words = [
        f"{one.name.rpartition('/')[2]} {one.value}"
        for one in (part.subsections if part is not None else ())
        if one.name != CAPABILITIES
    ]
    words += [f"capability {name}" for name in stream.capabilities]
    return "".join(f", {word}" for word in words)


def _framing(_: Problem, stream: Stream, destination: Destination) -> Sides:
    """Footers, or none, as the first device of either stream shows."""
    found = []
    for one in (stream, destination.stream):
        device = next(iter(one.devices if one is not None else ()), None)
        if device is None:
            found.append(Side(text=UNKNOWN))
            continue
        footer = device.section.footer
        what = "no footers" if footer is None else "footers"
        found.append(Side(text=f"{what} ({device.path})", path=device.path, span=footer))
    return found[0], found[1]


def _registers(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    """A system register of an Arm CPU, which is found by its id and not by its place."""
    ours, theirs = _find(stream, problem.device), _theirs(problem, stream, destination)
    number = problem.path.rpartition("[")[2].rstrip("]")
    lists = [_by_path(d, INDEXES) if d is not None else None for d in (ours, theirs)]
    if ours is None or theirs is None or None in lists or not number.isdecimal():
        return _values(problem, stream, destination)
    mine, other = (_ids(one) for one in lists if one is not None)
    index = int(number)
    if index >= len(mine):
        return _values(problem, stream, destination)
    place = other.get(list(mine)[index])
    value = _by_path(ours, f"{VALUES}[{index}]")
    source = Side(
        text=f"register {list(mine)[index]:#x}, its value is {value.hex if value is not None else UNKNOWN}",
        path=problem.path,
        span=problem.span,
    )
    there = None if place is None else _by_path(theirs, f"{VALUES}[{place}]")
    if there is None:
        return source, Side(text=f"{many(len(other), 'register')}, not this one")
    return source, Side(text=f"its value is {there.hex}", path=there.path, span=there.span)


def _ids(indexes: Value) -> dict[int, int]:
    """Registers of a CPU by id: at which place each is."""
    found = indexes.wire.bulk(indexes.raw, indexes.count or 0)
    return {int(one): place for place, one in enumerate(found)}


def _command(problem: Problem, stream: Stream, destination: Destination) -> Sides:
    source = Side(text=f"sends it: {_hex(stream, problem.span)}", span=problem.span)
    return source, Side(text=f"QEMU {destination.release}")


BY_KIND: Mapping[str, Callable[[Problem, Stream, Destination], Sides]] = {
    "ram": _ram,
    "section": _section,
    "version": _version,
    "subsection": _subsection,
    "fields": _fields,
    "pci": _pci,
    "configuration": _configuration,
    "framing": _framing,
    "command": _command,
    "registers": _registers,
}
