"""Where in a stream a message of QEMU's is about: one finder for each kind of place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

import msgspec

from migstream.analysis.compat.destination import NEEDS_TIMER
from migstream.errors import BadFraming, BadRam
from migstream.names import brief, many
from migstream.ram.model import landmarks
from migstream.ram.records import COMPRESS_PAGE, MULTIFD_FLUSH, ZERO, flag_names
from migstream.stream import Device, Stream
from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.cpregs import encoding
from migstream.vmstate.meaning.features import feature_names
from migstream.vmstate.meaning.pci import config_space
from migstream.vmstate.meaning.virtio import virtio_blob
from migstream.vmstate.values import Value
from migstream.wire.model import Command, End, Item, Section, SectionType, Span, flat

__all__ = ["Scene", "Spot", "spots"]

Values = Mapping[str, str]
FOOTER = 5
WORD = 8  # bytes of a RAM record before its contents
MOST = 8
# Numbers of Arm's system registers: target/arm/cpregs.h; target/arm/kvm-consts.h has those of the stream.
RECORD = (
    8 + 1 + 255 + (1 << 12)
)  # bytes of the longest record of a page: word, block's name, contents
PVR = 287  # SPR_PVR; target/ppc/cpu.h


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the stream that a message concerns, and what is there."""

    path: str
    span: Span
    text: str

    def __repr__(self) -> str:
        return brief("Spot", self.path, f"{self.span}:", self.text)


class Scene:
    """A stream, and the device and field whose load failed."""

    def __init__(
        self, stream: Stream, device: str, instance: int | None, fields: Sequence[str]
    ) -> None:
        self.stream = stream
        self.name = device
        self.instance = instance
        self.fields = tuple(fields)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        return tuple(flat(self.stream.items))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections of the device that is named; the first with its parts of a live one."""
        return tuple(
            s
            for s in self.items
            if isinstance(s, Section)
            and s.name == self.name
            and self.instance in {None, s.instance_id}
        )

    @cached_property
    def device(self) -> Device | None:
        """The device with its values."""
        return next(
            (
                d
                for d in self.stream.devices
                if d.name == self.name and self.instance in {None, d.instance_id}
            ),
            None,
        )

    def bytes(self, span: Span, most: int = 8) -> str:
        """The first bytes of a span in hexadecimal."""
        stop = min(span.stop, span.start + most, self.stream.size)
        return bytes(self.stream.store.view(span.start, max(stop, span.start))).hex(" ")

    def laid(self, node: Node, at: int, path: str) -> Value:
        """One of the device's `nodes` as a value."""
        assert self.device is not None
        return self.device.value.laid(node, at, path)

    def nodes(self) -> Iterator[tuple[Node, int, str]]:
        """Nodes of the device with offset and path, of arrays of structs the first element only."""
        if self.device is not None and self.device.layout is not None:
            yield from _nodes(
                self.device.layout.children, self.device.section.payload.start, self.device.path
            )


def _nodes(nodes: Sequence[Node], start: int, path: str) -> Iterator[tuple[Node, int, str]]:
    for node in nodes:
        at, here = start + node.offset, f"{path}/{node.name}"
        yield node, at, here
        if node.kind != "leaf":
            inner = f"{here}[0]" if node.count is not None else here
            yield from _nodes(node.children, at, inner)


def spots(scene: Scene, asked: Sequence[tuple[str, Values]], *, ends: bool) -> Iterator[Spot]:
    """The places of several messages, each once; `ends`: QEMU came to the end of the stream."""
    seen: set[tuple[str, Span]] = set()
    kinds = [(kind, values) for kind, values in asked if kind in FINDERS]
    if ends:
        kinds.append(("end", {}))
    for kind, values in kinds:
        for spot in islice(FINDERS[kind](scene, values), MOST):
            if (spot.path, spot.span) not in seen:
                seen.add((spot.path, spot.span))
                yield spot


# --- one function for each kind of place -------------------------------------------------------------


def _start(scene: Scene, _: Values) -> Iterator[Spot]:
    span = Span(0, min(8, scene.stream.size))
    yield Spot(path="header", span=span, text=scene.bytes(span) or "nothing")


def _configuration(scene: Scene, _: Values) -> Iterator[Spot]:
    item = scene.stream.configuration
    if item is None:
        span = Span(8, min(9, max(8, scene.stream.size)))
        yield Spot(path="configuration", span=span, text=f"no configuration: {scene.bytes(span)}")
        return
    yield Spot(path="configuration", span=item.name_span, text=f"machine {item.machine}")
    for part in item.subsections:
        yield Spot(path=part.name, span=part.payload, text=str(part.value))


def _device(scene: Scene, _: Values) -> Iterator[Spot]:
    for section in scene.sections[:1]:
        version = "" if section.version_id is None else f", version {section.version_id}"
        text = f"section {section.section_id}{version}, {many(section.payload.size, 'byte')}"
        yield Spot(path=section.path, span=section.span, text=text)


def _section_version(scene: Scene, values: Values) -> Iterator[Spot]:
    for section in scene.sections[:1]:
        span = Span(section.payload.start - 4, section.payload.start)
        yield Spot(path=section.path, span=span, text=f"version {section.version_id}")
    if not scene.sections:
        yield from _device(scene, values)


def _section_end(scene: Scene, values: Values) -> Iterator[Spot]:
    for section in scene.sections[-1:]:
        stop = section.payload.stop
        span = Span(stop, min(stop + FOOTER, scene.stream.size))
        yield Spot(
            path=section.path,
            span=span,
            text=f"where the footer should be (section {section.section_id}): {scene.bytes(span) or 'the end'}",
        )
        if section.type != SectionType.FULL:
            yield from _damage(scene, values)
        expected = _described_end(scene, section)
        if expected is not None and section.footer is not None and expected != stop:
            moved, what = abs(expected - stop), "lost" if expected > stop else "added"
            text = (
                f"{many(section.payload.size, 'byte')} up to its footer, {expected - section.payload.start} by the"
                f" description: {many(moved, 'byte')} {'was' if moved == 1 else 'were'} {what} in here"
            )
            yield Spot(path=section.path, span=section.payload, text=text)


def _described_end(scene: Scene, section: Section) -> int | None:
    """Where the walk expected the section's footer and found none."""
    named = ([section.path], [section.name])
    hits = (e for e in scene.stream.damage if isinstance(e, BadFraming) and e.path[:1] in named)
    return next((e.at for e in hits if e.at is not None and e.at >= section.payload.start), None)


def _section_type(scene: Scene, values: Values) -> Iterator[Spot]:
    number = int(values.get("type", "-1"))
    if number == SectionType.FOOTER:
        section = next((i for i in scene.items if isinstance(i, Section) and i.footer), None)
        if section is not None and section.footer is not None:
            text = "the first footer: the destination expects none"
            yield Spot(path=section.path, span=section.footer, text=text)
    elif number == SectionType.CONFIGURATION and scene.stream.configuration is not None:
        span = scene.stream.configuration.span
        yield Spot(path="configuration", span=span, text="the destination expects none")
    yield from _damage(scene, values)


def _damage(scene: Scene, _: Values) -> Iterator[Spot]:
    for error in scene.stream.damage:
        if error.at is None:
            continue
        span = Span(error.at, max(error.at, min(error.at + 8, scene.stream.size)))
        path = "/".join(error.path) or scene_path(scene, error.at)
        yield Spot(path=path, span=span, text=f"{error.message}: {scene.bytes(span)}")
        if isinstance(error, BadRam):
            # a record that was read right until its length was wrong: no longer than a page
            text = "the record before it ends here: its flags or its length may be the damaged ones"
            yield Spot(path=path, span=Span(max(0, error.at - RECORD), error.at), text=text)


def scene_path(scene: Scene, at: int) -> str:
    """What the item at an offset is called."""
    item = next((i for i in reversed(scene.items) if at in i.span), None)
    return item.path if isinstance(item, Section) else item.label if item is not None else ""


def _end(scene: Scene, _: Values) -> Iterator[Spot]:
    mark = next((i for i in scene.items if isinstance(i, End)), None)
    size = scene.stream.size
    if mark is not None:
        text = f"the end marker, and {many(size - mark.span.stop, 'byte')} behind it"
        yield Spot(path="end", span=mark.span, text=text)
        return
    last = scene.items[-1] if scene.items else None
    path = scene_path(scene, last.span.start) if last is not None else ""
    yield Spot(path=path, span=Span(size, size), text="the stream ends here, without an end marker")


def _field(scene: Scene, values: Values) -> Iterator[Spot]:
    wanted, vmsd = values.get("field"), values.get("vmsd", "")
    if wanted is None:
        yield from _device(scene, values)
        return
    hits = [hit for hit in scene.nodes() if hit[0].name in (wanted, f"{wanted}[0]")]
    inside = [hit for hit in hits if f"/{vmsd}/" in hit[2]]
    for node, at, path in (inside or hits)[:1]:
        span = Span(at, at + node.size)
        yield Spot(path=path, span=span, text=_text(scene, node, span, path))


def _text(scene: Scene, node: Node, span: Span, path: str) -> str:
    value = scene.laid(node, span.start, path)
    return f"{node.type} {value.text}".strip() if node.kind == "leaf" else node.kind


def _vmsd(scene: Scene, values: Values) -> Iterator[Spot]:
    name = values.get("vmsd", "").strip()
    hits = [hit for hit in scene.nodes() if hit[0].name == name]
    for node, at, path in hits[:1]:
        version = "" if node.version is None else f", version {node.version}"
        yield Spot(path=path, span=Span(at, at + node.size), text=f"{node.kind}{version}")
    if not hits:
        yield from _device(scene, values)


def _subsection(scene: Scene, values: Values) -> Iterator[Spot]:
    yield from _vmsd(scene, {"vmsd": values.get("subsection", "")})


def _subsections(scene: Scene, _: Values) -> Iterator[Spot]:
    """Every subsection of the device: one of them was refused."""
    hits = [hit for hit in scene.nodes() if hit[0].kind == "subsection"]
    for node, at, path in hits:
        text = f"subsection version {node.version}, {many(node.size, 'byte')}"
        yield Spot(path=path, span=Span(at, at + node.size), text=text)
    if not hits:
        yield from _device(scene, {})


def _timers(scene: Scene, _: Values) -> Iterator[Spot]:
    """Subsections with a timer that not every CPU has: QEMU does not look before it loads them."""
    for device in scene.stream.devices:
        for part in device if device.name == "cpu" else ():
            if part.kind == "subsection" and part.name in NEEDS_TIMER:
                yield Spot(path=part.path, span=part.span, text="its timer must exist there")


def _registers(scene: Scene, _: Values) -> Iterator[Spot]:
    """What of a CPU says which CPU it is."""
    for node, at, path in scene.nodes():
        if node.name == "cpreg_vmstate_indexes":
            text = f"{node.count} system registers"
            yield Spot(path=path, span=Span(at, at + node.size), text=text)
        elif node.name == "env.spr" and (node.count or 0) > PVR:
            value = scene.laid(node, at, path).element(PVR)
            yield Spot(path=value.path, span=value.span, text=f"processor version {value.hex}")
    yield from _device(scene, {})


def _block(scene: Scene, values: Values) -> Iterator[Spot]:
    for block in scene.stream.blocks:
        if block.name == values.get("block", ""):
            size = block.used_length
            yield Spot(
                path=block.name,
                span=block.span,
                text=f"RAM block of {many(size, 'byte')} ({size:#x})",
            )


def _landmark(flag: int, what: str) -> Callable[[Scene, Values], Iterator[Spot]]:
    """A finder of the first RAM record with this flag; of damage where there is none."""

    def find(scene: Scene, values: Values) -> Iterator[Spot]:
        marks = [m for i in scene.items if isinstance(i, Section) for m in landmarks(i)]
        mark = next((m for m in marks if m.flags & flag), None)
        if mark is None:
            yield from _damage(scene, values)
            return
        span = Span(mark.at, mark.at + WORD)
        names = " and ".join(flag_names(mark.flags))
        text = f"{what}, flags {mark.flags:#x} ({names}): {scene.bytes(span)}"
        yield Spot(path="ram", span=span, text=text)

    return find


def _rom_sizes(scene: Scene, values: Values) -> Iterator[Spot]:
    """The block, and the sizes that fw_cfg gives to such (hw/nvram/fw_cfg.c: vmstate_fw_cfg_acpi_mr)."""
    yield from _block(scene, values)
    for device in scene.stream.devices:
        for part in device if device.name == "fw_cfg" else ():
            for value in part.children if part.kind == "subsection" else ():
                if value.name.endswith("_mr_size"):
                    yield Spot(path=value.path, span=value.span, text=value.hex)


def _command(scene: Scene, _: Values) -> Iterator[Spot]:
    for item in scene.items:
        if isinstance(item, Command):
            yield Spot(
                path=item.name, span=item.span, text=f"payload {many(item.payload.size, 'byte')}"
            )


def _pci_config(scene: Scene, values: Values) -> Iterator[Spot]:
    config = None if scene.device is None else config_space(scene.device.value)
    index = int(values["index"], 16)
    if config is None or index >= config.span.size:
        yield from _device(scene, values)
        return
    at = config.span.start + index
    part = config.owner(at)
    found = config.raw[index]
    here = f"byte {index:#x} of the configuration space is {found:#04x}"
    if found != int(values["read"], 16):
        here += f" (QEMU read {int(values['read'], 16):#04x}: not this stream, or it was in another place)"
    elif values.get("local"):
        here += f", the destination's device has {int(values['local'], 16):#04x}"
    yield Spot(path=part.path, span=part.span, text=f"{part.type} {part.text}")
    yield Spot(path=config.path, span=Span(at, at + 1), text=here)


def _pci_irq(scene: Scene, values: Values) -> Iterator[Spot]:
    hits = [hit for hit in scene.nodes() if hit[0].type == "pci irq state"]
    for node, at, path in hits[:1]:
        span = Span(at, at + node.size)
        yield Spot(path=path, span=span, text=_text(scene, node, span, path))
    if not hits:
        yield from _device(scene, values)


def _blob(scene: Scene) -> dict[str, Value]:
    """Parts of a virtio device's blob by name."""
    blob = None if scene.device is None else virtio_blob(scene.device)
    return {} if blob is None else {part.name: part for part in blob.children}


def _virtio(scene: Scene, values: Values) -> Iterator[Spot]:
    part = _blob(scene).get("queue_count")
    if part is None:
        yield from _device(scene, values)
    else:
        yield Spot(path=part.path, span=part.span, text=part.text)


def _virtqueue(scene: Scene, values: Values) -> Iterator[Spot]:
    queues = _blob(scene).get("queues")
    number = int(values.get("queue", "0"))
    if queues is None or not 0 <= number < (queues.count or 1):
        yield from _virtio(scene, values)
        return
    for part in (queues if queues.count is None else queues.element(number)).children:
        yield Spot(path=part.path, span=part.span, text=part.text)


def _virtio_features(scene: Scene, values: Values) -> Iterator[Spot]:
    parts = _blob(scene)
    found = [p for p in [parts.get("guest_features")] if p is not None]
    more = parts.get("virtio/64bit_features")
    if more is not None:
        found += [p for p in more.children if p.name == "guest_features"]
    for part in found:
        names = " ".join(feature_names(int(part.value), scene.name)) or "none"
        yield Spot(path=part.path, span=part.span, text=f"{part.value:#x}: {names}")
    if not found:
        yield from _virtio(scene, values)


def _cpreg(scene: Scene, values: Values) -> Iterator[Spot]:
    wanted = int(values["register"], 16)
    number = encoding(wanted)
    for device in scene.stream.devices:
        if device.name != "cpu" or scene.instance not in {None, device.instance_id}:
            continue
        parts = {c.name: c for c in device}
        indexes, registers = (
            parts.get(name) for name in ("cpreg_vmstate_indexes", "cpreg_vmstate_values")
        )
        if indexes is None or registers is None or indexes.count is None:
            continue
        for i, index in enumerate(indexes.wire.bulk(indexes.raw, indexes.count)):
            if encoding(index) == number and i < (registers.count or 0):
                one, value = indexes.element(i), registers.element(i)
                text = f"{number}; its value is {value.text}"
                yield Spot(path=one.path, span=one.span, text=text)
                return


def _named(device: str, field: str) -> Callable[[Scene, Values], Iterator[Spot]]:
    """A finder of one field of a device that is always called so."""

    def find(scene: Scene, _: Values) -> Iterator[Spot]:
        for one in scene.stream.devices:
            for value in one if one.name == device else ():
                if value.name == field:
                    yield Spot(path=value.path, span=value.span, text=value.text)

    return find


def _live(name: str) -> Callable[[Scene, Values], Iterator[Spot]]:
    """A finder of live sections of this name."""

    def find(scene: Scene, _: Values) -> Iterator[Spot]:
        for item in scene.items:
            if isinstance(item, Section) and item.name == name:
                yield Spot(path=item.path, span=item.span, text=item.label)

    return find


FINDERS: Mapping[str, Callable[[Scene, Values], Iterator[Spot]]] = {
    "start": _start,
    "configuration": _configuration,
    "device": _device,
    "section-version": _section_version,
    "section-end": _section_end,
    "section-type": _section_type,
    "damage": _damage,
    "end": _end,
    "field": _field,
    "vmsd": _vmsd,
    "subsection": _subsection,
    "subsections": _subsections,
    "registers": _registers,
    "timers": _timers,
    "block": _block,
    "rom-sizes": _rom_sizes,
    "compressed": _landmark(COMPRESS_PAGE, "the first compressed page"),
    "flush": _landmark(MULTIFD_FLUSH, "multifd's first sync point"),
    "filled": _landmark(ZERO, "the first page that is filled with another byte"),
    "command": _command,
    "pci-config": _pci_config,
    "pci-irq": _pci_irq,
    "virtio": _virtio,
    "virtqueue": _virtqueue,
    "virtio-features": _virtio_features,
    "cpreg": _cpreg,
    "tsc": _named("cpu", "env.tsc_khz"),
    "run-state": _named("globalstate", "runstate"),
    "bitmap": _live("dirty-bitmap"),
    "skeys": _live("s390-skeys"),
    "htab": _live("spapr/htab"),
}
