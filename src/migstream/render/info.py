"""What a stream is, in one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from migstream.analysis.identify.builds import distribution
from migstream.analysis.identify.cpu import cpu_model
from migstream.analysis.identify.facts import written_by
from migstream.machine.map.setup import Block as Backend
from migstream.machine.map.setup import machine_setup
from migstream.names import many
from migstream.ram.image import Block
from migstream.render.answer import Answer, Pair
from migstream.render.guest import Guest, guest_parts
from migstream.render.missing import (
    Missing,
    Pages,
    counted,
    missing,
    missing_lines,
    page_count,
    total,
)
from migstream.render.shown import Part, Table, Title, dim, indented, line
from migstream.render.text import escape, grouped, prose, short_size, size, sizes
from migstream.source.layers import Layer
from migstream.stream import Stream

if TYPE_CHECKING:
    from migstream.render.items import Row

__all__ = ["Info", "Recording", "facts", "info", "info_parts", "recording", "recording_parts"]

LARGEST = 10


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device section; `size` is that of its payload."""

    path: str
    version_id: int | None
    size: int
    described: bool


class RamBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A RAM block: its size as it was listed, and how many of its bytes are not plugged in.

    `pages` is null where guest memory was not walked.
    """

    name: str
    size: int
    page_size: int | None
    address: int | None
    pages: Pages | None
    unplugged: int


class RamBlocks(msgspec.Struct, frozen=True, kw_only=True):
    """Guest memory; `total` as the stream says it."""

    total: int
    blocks: list[RamBlock]
    pages: Pages | None
    missing: list[Missing] | None


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded multifd channel that was named with the stream."""

    channel: int
    size: int


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """What follows the stream in its source."""

    span: Pair
    size: int
    zeros: bool
    what: str


class Info(Answer, tag="info", frozen=True, kw_only=True):
    """What a stream is.

    `from` is "tail" where guest memory was not walked; `pages`, `missing`, `behind` and `damage`
    are null then. `qemu_hint` are the releases that can have written it, `distribution` whose machine type it is. `offset` is where the stream begins in its source, null where it lies there in pieces; `layers` are the containers
    that it was taken out of, the outermost first. `disagreements` are what libvirt's XML says
    otherwise than the stream, null where there is none. `guest` is null where it was not asked for.
    """

    file: str
    size: int
    machine: str | None
    qemu_hint: str | None
    distribution: str | None
    capabilities: tuple[str, ...]
    page_size: int | None
    vcpus: int | None
    max_vcpus: int | None
    memory: int | None
    backends: tuple[Backend, ...]
    plugged: tuple[Backend, ...]
    slots: int | None
    accelerator: str | None
    cpu: str | None
    uuid: str | None
    description_size: int | None
    device_count: int
    device_bytes: int
    devices: list[Device]
    ram: RamBlocks | None
    channels: list[Channel]
    walked: bool
    read_from: Literal["walk", "tail"] = msgspec.field(name="from")
    offset: int | None
    layers: tuple[Layer, ...]
    disagreements: list[str] | None
    behind: Behind | None
    damage: list[str] | None
    guest: Guest | None


class Recording(Answer, tag="info", frozen=True, kw_only=True):
    """What another recording is: how much it holds of each kind of message or packet."""

    file: str
    size: int
    recording: Literal["return path", "multifd channel"]
    contents: dict[str, int]


def info(stream: Stream, *, walked: bool, inside: Guest | None = None) -> Info:
    """All that `info` says; guest memory is looked at where it was `walked`; what was found `inside` of it."""
    devices = stream.devices
    description, span = stream.description, stream.description_span
    configuration = stream.configuration
    setup = machine_setup(stream)
    bits = configuration.page_bits if configuration is not None else None
    page_size = (description.page_size if description else 0) or (
        1 << bits if bits and bits < 32 else None
    )
    return Info(
        file=stream.name,
        size=stream.size,
        machine=stream.machine,
        qemu_hint=written_by(stream).named() or None,
        distribution=distribution(stream.machine),
        capabilities=tuple(stream.capabilities),
        page_size=page_size,
        vcpus=setup.cpus,
        max_vcpus=setup.max_cpus,
        memory=setup.memory,
        backends=setup.backends,
        plugged=setup.plugged,
        slots=setup.slots,
        accelerator=setup.accelerator,
        cpu=cpu_model(stream),
        uuid=configuration.uuid if configuration is not None else None,
        description_size=span.size - 5 if span is not None else None,
        device_count=len(devices),
        device_bytes=sum(d.section.span.size for d in devices),
        devices=[
            Device(
                path=d.path,
                version_id=d.section.version_id,
                size=d.section.payload.size,
                described=d.described,
            )
            for d in devices
        ],
        ram=_ram(stream, walked=walked),
        channels=[Channel(channel=c.initial.channel, size=c.store.size) for c in stream.channels],
        walked=walked,
        read_from="walk" if walked else "tail",
        offset=_begins(stream),
        layers=tuple(stream.layers),
        disagreements=_disagreements(stream),
        behind=_behind(stream) if walked else None,
        damage=[str(error) for error in stream.damage] if walked else None,
        guest=inside,
    )


def _ram(stream: Stream, *, walked: bool) -> RamBlocks | None:
    setup = stream.ram_setup
    if setup is None:
        return None
    held: Mapping[str, Block] = stream.ram if walked else {}
    blocks = [
        RamBlock(
            name=b.name,
            size=b.used_length,
            page_size=b.page_size,
            address=b.address,
            pages=counted(held[b.name].presence()) if b.name in held else None,
            unplugged=sum(e - s for s, e in stream.unplugged.get(b.name, ())),
        )
        for b in setup.blocks
    ]
    return RamBlocks(
        total=setup.total,
        blocks=blocks,
        pages=total(held),
        missing=missing(held) if walked else None,
    )


def _begins(stream: Stream) -> int | None:
    """Where the stream begins in its source; None where it lies there in pieces."""
    last = stream.outermost(stream.size - 1)
    together = last is None or last == stream.origin + stream.size - 1
    return stream.origin if together else None


def _disagreements(stream: Stream) -> list[str] | None:
    if not any(layer.name == "libvirt" for layer in stream.layers):
        return None
    from migstream.analysis.domain import disagreements, domain_of

    domain = domain_of(stream)
    return None if domain is None else list(disagreements(stream, domain))


def _behind(stream: Stream) -> Behind | None:
    if stream.trailer is None:
        return None
    item, what = stream.trailer
    return Behind(span=item.span, size=item.span.size, zeros=item.zeros, what=what)


def recording(stream: Stream, rows: Sequence[Row]) -> Recording:
    """What `info` says of a recorded channel or return path."""
    from migstream.render.items import MESSAGE

    back = any(row.kind == MESSAGE for row in rows)
    return Recording(
        file=stream.name,
        size=stream.size,
        recording="return path" if back else "multifd channel",
        contents=dict(Counter(row.name if back else row.kind for row in rows)),
    )


# --- for people ----------------------------------------------------------------------------------


def recording_parts(one: Recording) -> Iterator[Part]:
    """The same as text."""
    counts = (f"{grouped(n)} {escape(name)}" for name, n in one.contents.items())
    yield from _facts(
        (
            ("file", escape(one.file)),
            ("size", size(one.size)),
            ("recording", f"{one.recording} (ls lists what it holds)"),
            ("contents", ", ".join(counts)),
        )
    )


def _facts(rows: Iterable[tuple[str, str]]) -> Iterator[Part]:
    return (line(dim(name.ljust(12)), "  ", text) for name, text in rows if text)


def _held(block: RamBlock) -> str:
    """How much of a block is there, where that is not all of it."""
    if block.pages is None and block.unplugged:
        return f"{short_size(block.unplugged)} of it not plugged in"
    return page_count(block.pages)


def _guest(one: Info) -> str:
    """What the guest was started with, as far as its state tells."""
    parts: list[str] = []
    cpus, most = one.vcpus, one.max_vcpus
    if cpus:
        room = f" (room for {most})" if most and most != cpus else ""
        parts.append(f"{many(cpus, 'CPU')}{room}")
    if one.memory:
        parts.append(f"{short_size(one.memory)} of memory{_blocks(' in ', one.backends)}")
    if one.plugged:
        parts.append(f"plugged in: {_blocks('', one.plugged)}")
    if one.slots:
        parts.append(many(one.slots, "memory slot"))
    if one.accelerator:
        parts.append(f"under {one.accelerator.upper()}")
    return ", ".join(parts)


def _blocks(before: str, blocks: Sequence[Backend]) -> str:
    names = " and ".join(f"{escape(b.name)} ({short_size(b.size)})" for b in blocks)
    return f"{before}{names}" if names else ""


def info_parts(one: Info, *, verbose: bool = False, everything: bool = False) -> Iterator[Part]:
    """One screen; with `verbose` all that a container says of itself as well, with `everything` all devices."""
    yield from _facts(facts(one))
    ram = one.ram
    if ram is not None and ram.blocks:
        rows = [
            (
                escape(b.name),
                *sizes(b.size),
                "" if b.page_size is None else f"pages of {short_size(b.page_size)}",
                "" if b.address is None else f"at {b.address:#x}",
                _held(b),
            )
            for b in ram.blocks
        ]
        yield Title("RAM blocks")
        yield Table(rows, "<>><<<", indent=2)
        yield from (indented(told, 2) for told in missing_lines(ram.missing or ()))
    if one.devices:
        yield from _largest(one.devices, len(one.devices) if everything else LARGEST)
    if verbose:
        for layer in one.layers:
            yield from _layer(layer)
    if one.guest is not None:
        yield from guest_parts(one.guest)


def _layer(layer: Layer) -> Iterator[Part]:
    """What a container says of itself; the texts in it as they are."""
    if layer.facts:
        yield Title(layer.name)
    for key, fact in layer.facts.items():
        if isinstance(fact, str) and "\n" in fact:
            yield line("  ", dim(key))
            yield from (f"    {prose(row)}" for row in fact.splitlines())
        elif isinstance(fact, list) and fact and isinstance(fact[0], dict):
            yield line("  ", dim(key))
            rows = [tuple(prose(str(cell)) for cell in row.values()) for row in fact]
            yield Table(rows, "<" * len(fact[0]), tuple(fact[0]), indent=4)
        elif fact is not None:
            yield line("  ", dim(f"{key.replace('_', ' '):<12}"), "  ", prose(str(fact)))


def facts(one: Info) -> Iterator[tuple[str, str]]:
    """Facts, each with its name; empty where there is nothing to say."""
    yield "file", escape(one.file)
    yield "size", size(one.size)
    if any(layer.said for layer in one.layers):  # that a file is compressed is in its name
        layers = (f"{layer.name} {layer.said}".strip() for layer in reversed(one.layers))
        yield "inside", escape(" in ".join(layers))
    if one.offset:
        yield "begins at", f"{one.offset:#x}; offsets are counted from there"
    if one.disagreements is not None:
        yield (
            "domain XML",
            "; ".join(map(prose, one.disagreements)) or "says the same as the stream",
        )
    yield "machine", escape(one.machine or "not recorded")
    yield "QEMU", _writer(one)
    yield "capabilities", escape(", ".join(one.capabilities)) or "none recorded"
    yield "page size", grouped(one.page_size) if one.page_size else "not recorded"
    yield "UUID", one.uuid or ""
    yield "description", "none" if one.description_size is None else size(one.description_size)
    yield "guest", _guest(one)
    yield "CPU", one.cpu or ""
    yield "devices", f"{one.device_count}, {size(one.device_bytes)}"
    yield "RAM", _memory(one.ram)
    if one.channels:
        sizes = (f"{c.channel}: {short_size(c.size)}" for c in one.channels)
        yield "channels", f"{len(one.channels)} of multifd: {', '.join(sizes)}"
    yield "checked", _checked(one.damage)
    if one.behind:
        yield "behind it", f"{size(one.behind.size)}: {one.behind.what}"


def _writer(one: Info) -> str:
    """Which QEMU wrote it, and whose."""
    told = ", ".join(filter(None, (one.qemu_hint, one.distribution)))
    return f"{told} (identify lists what tells it)" if told else "unknown"


def _memory(ram: RamBlocks | None) -> str:
    if ram is None:
        return "none"
    blocks = f"{many(len(ram.blocks), 'block')}, {size(ram.total)}"
    held = page_count(ram.pages)
    return f"{blocks}; {held} are in this stream" if held else blocks


def _checked(damage: list[str] | None) -> str:
    if damage is None:
        return "from the tail; guest memory was not walked (--walk does)"
    if len(damage) > 1:
        return f"all of it: damaged in {len(damage)} places"
    return f"all of it: {'damaged' if damage else 'whole'}"


def _largest(devices: Sequence[Device], most: int) -> Iterator[Part]:
    shown = sorted(devices, key=lambda d: -d.size)[:most]
    rest = len(devices) - len(shown)
    yield Title("Largest devices" if rest else "Devices")
    rows = [
        (
            escape(d.path),
            "" if d.version_id is None else f"v{d.version_id}",
            *sizes(d.size),
            "" if d.described else "not described",
        )
        for d in shown
    ]
    yield Table(rows, "<>>><", indent=2)
    if rest:
        yield dim(f"  and {rest} more (--all): ls --devices, tree")
