"""Rules that hold the description against the sections, and against itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migstream.analysis.rules import Hit, Subject, rule
from migstream.stream import Device
from migstream.vmstate.description import Group
from migstream.vmstate.layout import Node, subsection_header
from migstream.wire.model import Section, SectionType, Span

__all__: list[str] = []

Key = tuple[str, int]


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
    before: Section | None = None
    places = {s.key: s for s in full}
    for device in subject.described:
        if there[device.key]:
            there[device.key] -= 1
            before = places[device.key]
            continue
        at = before.span.stop if before is not None else full[0].span.start if full else 0
        name, instance = device.key
        yield Hit(
            message=f"the description lists {name}[{instance}], and no section has its state",
            section=f"{name}[{instance}]",
            span=Span(at, at),
            expected=f"a section {name}[{instance}] here",
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
            for node, at, path in _subsections(
                device.layout.children, device.section.payload.start, device.path
            ):
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


def _subsections(nodes: tuple[Node, ...], start: int, path: str) -> Iterator[tuple[Node, int, str]]:
    for node in nodes:
        at, here = start + node.offset, f"{path}/{node.name}"
        if node.kind == "subsection":
            yield node, at, here
        if node.kind != "leaf" and (node.count is None or node.kind == "sequence"):
            yield from _subsections(node.children, at, here)


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
                expected=f"{counted} bytes",
                found=f"{said} bytes",
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
