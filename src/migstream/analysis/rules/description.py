"""Rules that hold the description against the sections, and against itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.names import encoded, many
from migstream.stream import Device
from migstream.vmstate.description import Device as Described
from migstream.vmstate.description import Field, Group
from migstream.vmstate.layout import Layout, Node, compile_device, subsection_header
from migstream.vmstate.types import TYPES, wire_type
from migstream.wire.model import Section, SectionType, Span

__all__: list[str] = []

Key = tuple[str, int]
FEW = 4  # devices that are missing one after the other are named one by one up to here


@rule("MS511", "error", "A device that the description lists has no section")
def missing(subject: Subject) -> Iterator[Hit]:
    """The description is written together with the sections, one entry for each. An entry without a section means
    that the section was taken out, or that its name or instance id is damaged (then MS120 names the section).

    QEMU does not notice: the device of the destination keeps the state that it has after a reset, while the rest of
    the machine goes on. Guests hang or misbehave later.

    References: QEMU, migration/savevm.c: qemu_savevm_state_complete_precopy_non_iterable.
    """
    if not subject.described:
        return
    full = [s for s in subject.sections if s.type == SectionType.FULL]
    there = Counter(s.key for s in full)
    places = {s.key: s for s in full}
    before: Section | None = None
    gone: list[Key] = []
    for device in (*subject.described, None):
        if device is not None and not there[device.key]:
            gone.append(device.key)
            continue
        at = before.span.stop if before is not None else full[0].span.start if full else 0
        yield from _gone(subject, gone, at)
        gone = []
        if device is not None:
            there[device.key] -= 1
            before = places[device.key]


def _gone(subject: Subject, keys: list[Key], at: int) -> Iterator[Hit]:
    """Devices in a row that have no section: each by itself if they are few."""
    names = [f"{name}[{instance}]" for name, instance in keys]
    rows = [[name] for name in names] if len(names) <= FEW else [names]
    for row in rows:
        several = f" and {len(row) - 1} more up to {row[-1]}" if len(row) > 1 else ""
        have = "have their" if several else "has its"
        yield Hit(
            message=f"the description lists {row[0]}{several}, and no section {have} state",
            section=row[0],
            span=Span(at, at),
            expected=f"a section {row[0]} here",
            found=subject.label_at(at),
            hint="loaded, the device would be as after a reset",
        )


@rule("MS512", "warning", "Sections are in another order than the description")
def order(subject: Subject) -> Iterator[Hit]:
    """Both are written in one go, in the order in which devices depend on each other (priorities of VMStates: buses
    and interrupt controllers first). Another order means that sections were moved; devices may then be loaded before
    what they need.

    References: QEMU, migration/savevm.c: vmstate_save; include/migration/vmstate.h: MigrationPriority.
    """
    full = [s for s in subject.sections if s.type == SectionType.FULL]
    listed = [d.key for d in subject.described]
    if not listed or Counter(listed) != Counter(s.key for s in full):
        return  # MS120 and MS511 say what is missing on one side
    wrong = next(((s, k) for s, k in zip(full, listed, strict=True) if s.key != k), None)
    if wrong is not None:
        section, (name, instance) = wrong
        yield Hit(
            message="from here on sections are in another order than the description",
            section=section.path,
            span=Span(section.span.start, section.payload.start),
            expected=f"{name}[{instance}]",
            found=section.path,
        )


@rule("MS513", "error", "A subsection's version is not the description's")
def subsection_versions(subject: Subject) -> Iterator[Hit]:
    """A subsection begins with 05, its name and its version (32 bits). The description has the same number. Where
    they differ the bytes are damaged; QEMU refuses a version above its own.

    References: QEMU, migration/vmstate.c: vmstate_subsection_load.
    """
    for device in subject.devices:
        if device.layout is not None:
            for node, at, path in device.layout.walk(device.section.payload.start, device.path):
                if node.kind == "subsection":
                    yield from _version(subject, device, node, at, path)


def _version(subject: Subject, device: Device, node: Node, at: int, path: str) -> Iterator[Hit]:
    stop = at + subsection_header(node.name)
    if node.version is None or stop > device.section.payload.stop:
        return
    found = int.from_bytes(subject.stream.store.view(stop - 4, stop), "big")
    if found != node.version:
        yield Hit(
            message="the subsection's version is not the one that the description has",
            section=device.path,
            path=path,
            span=Span(stop - 4, stop),
            expected=str(node.version),
            found=str(found),
        )


@rule("MS514", "warning", "A struct's size is not the sum of its fields")
def sums(subject: Subject) -> Iterator[Hit]:
    """The description gives a size for each struct and for each of its fields, both counted from the bytes that were
    written. A difference means that the JSON was edited or damaged. Structs that hold arrays of structs are left out:
    there a size stands for the first element only.

    References: QEMU, migration/vmstate.c: vmstate_save_state_v, vmsd_desc_field_end.
    """
    span = subject.stream.description_span
    for device in subject.described:
        for path, said, counted in _wrong_sums(device.group):
            name, instance = device.key
            yield Hit(
                message="the description gives a struct another size than its fields add up to",
                section="description",
                path=f"{name}[{instance}]/{path}",
                span=span,
                expected=many(counted, "byte"),
                found=many(said, "byte"),
            )


def _wrong_sums(group: Group, path: str = "") -> Iterator[tuple[str, int, int]]:
    for field in group.fields:
        if field.struct is None or field.array_len is not None:
            continue
        here = f"{path}{field.name}"
        counted = _sum(field.struct)
        if counted is not None and counted != field.size:
            yield here, field.size, counted
        else:
            yield from _wrong_sums(field.struct, f"{here}/")


def _sum(group: Group) -> int | None:
    """Bytes of a VMState by its fields; None where sizes alone do not tell."""
    total = 0
    for field in group.fields:
        if field.inline or (field.array_len is not None and field.struct is not None):
            return None
        total += field.size * (1 if field.array_len is None else field.array_len)
    for part in group.subsections:
        inner = _sum(part)
        if inner is None:
            return None
        total += subsection_header(part.vmsd_name) + inner
    return total


@rule("MS515", "error", "A device section is longer or shorter than described")
def lengths(subject: Subject) -> Iterator[Hit]:
    """The description's sizes add up to another number of bytes than lie between the section's header and its footer:
    bytes were lost or added in the section, or a size or length in the description is damaged. QEMU reads on in the wrong
    place and misses the footer ("Missing section footer for ...").

    The finding's bytes are those among which it must have happened, as far as the headers of subsections tell; a
    subsection that is not there at all is named.

    References: QEMU, migration/savevm.c: check_section_footer.
    """
    described: dict[Key, list[Described]] = {}
    for each in subject.described:
        described.setdefault(each.key, []).append(each)
    for device in subject.devices:
        turn = described.get(device.section.key)
        if not turn:
            continue
        layout = compile_device(turn.pop(0))
        if device.section.footer is None:
            continue
        payload = device.section.payload
        if not layout.exact or layout.size == payload.size:
            continue
        raw = bytes(subject.stream.store.view(*payload))
        low, high, without = _between(raw, layout)
        moved = payload.size - layout.size
        gone = f", and its subsection {without} is missing" if without else ""
        yield Hit(
            message=f"{many(abs(moved), 'byte')} too {'many' if moved > 0 else 'few'}{gone}",
            section=device.path,
            span=Span(payload.start + low, payload.start + high),
            expected=many(layout.size, "byte"),
            found=many(payload.size, "byte"),
        )


def _between(raw: bytes, layout: Layout) -> tuple[int, int, str]:
    """Where a payload of another length than described stops to be as described, and where it goes on so.

    Offsets from its start; the name of a subsection that is not there.
    """
    low, moved = 0, len(raw) - layout.size
    for node, at, _ in layout.walk():
        if node.kind != "subsection":
            continue
        name = encoded(node.name)
        head = bytes((5, len(name) & 0xFF)) + name
        if raw.startswith(head, at):
            low = at + len(head)
        elif at + moved >= low and raw.startswith(head, at + moved):
            return low, at + moved, ""
        elif head not in raw[low:]:
            return min(max(low, at), len(raw)), min(max(low, at), len(raw)), node.name
    return low, len(raw), ""


@rule("MS516", "warning", "A field's type is not one of QEMU's, or has another size")
def types(subject: Subject) -> Iterator[Hit]:
    """The description names the type of each field and says how many bytes it has. A number whose size is not its type's
    (a `uint32` of 2 bytes), and a name that differs in one character from a known one, mean that the JSON is damaged.

    References: QEMU, migration/vmstate-types.c: VMStateInfo.
    """
    seen: dict[tuple[str, int], str] = {}
    for device in subject.described:
        for path, field in _fields(device.group):
            key = field.type, field.size
            if key not in seen:
                seen[key] = _wrong_type(*key)
            if seen[key]:
                name, instance = device.key
                yield Hit(
                    message="the description gives a field a type or size that does not exist",
                    section="description",
                    path=f"{name}[{instance}]/{path}",
                    span=subject.stream.description_span,
                    expected=seen[key],
                    found=f"{field.type} of {many(field.size, 'byte')}",
                )


def _fields(group: Group, path: str = "") -> Iterator[tuple[str, Field]]:
    for field in group.fields:
        here = f"{path}{field.name}"
        yield here, field
        for inner in (*((field.struct,) if field.struct is not None else ()), *field.inline):
            yield from _fields(inner, f"{here}/")
    for part in group.subsections:
        yield from _fields(part, f"{path}{part.vmsd_name}/")


def _wrong_type(name: str, size: int) -> str:
    """What a type should have been; nothing where it can be one."""
    known = TYPES.get(name)
    if known is not None:
        fits = wire_type(name, size).kind != "bytes" or not known.code
        return "" if fits else f"{name} of {known.size} bytes"
    alike = (t for t in TYPES if len(t) == len(name) and _distance(t, name) == 1)
    return next(alike, "")


def _distance(one: str, other: str) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


@rule("MS517", "warning", "A device's name does not end with that of its VMState")
def names(subject: Subject) -> Iterator[Hit]:
    """A section is called as its VMState, with the device's place on its bus and a slash before it where it has one. The
    description has both names; where they contradict each other one is damaged.

    References: QEMU, migration/savevm.c: vmstate_register_with_alias_id.
    """
    for device in subject.described:
        vmsd = device.group.vmsd_name
        if vmsd and not device.name.endswith(vmsd):
            name, instance = device.key
            yield Hit(
                message="the description has a device under a name that is not its VMState's",
                section="description",
                path=f"{name}[{instance}]",
                span=subject.stream.description_span,
                expected=f"a name that ends with {vmsd}",
                found=name,
            )
