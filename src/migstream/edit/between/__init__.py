"""Known changes of the state between releases, and what makes a stream have them or not.

Each is a file in the folder `rules`: what changed, since when, and how the two forms differ. The
form is decided by the machine type for the most part: a newer QEMU that runs an older machine type
writes, and expects, the older form. A rule works both ways, on a stream that is being edited.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.errors import Unsupported
from migstream.qemu.release import Version, machine_version, parse
from migstream.vmstate.jsontext import Object, objects
from migstream.vmstate.pci import config_space
from migstream.wire.model import Command, SectionType, Span

if TYPE_CHECKING:
    from migstream.edit.change import Edit
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["Rule", "apply", "rules", "touched"]

# The way through a configuration space (PCI Local Bus Specification 3.0, 6.7; PCI Express Base, 7.9.3).
CAPABILITIES, EXTENDED = 0x34, 0x100
MOST_CAPABILITIES = 512


class Since(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to have the newer form: a machine type, or a release, of at least that version."""

    machine: str | None = None
    qemu: str | None = None
    qemu_before: str | None = None

    def holds(self, machine: Version | None, qemu: Version | None) -> bool:
        if self.machine is not None:
            return machine is not None and machine >= parse(self.machine)
        if qemu is None or self.qemu is None:
            return False
        return qemu >= parse(self.qemu) and (
            self.qemu_before is None or qemu < parse(self.qemu_before)
        )


class CommandRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command without payload that stands before the first END section."""

    number: int
    name: str


class BitsRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bits that are set in a register of 32 bits of every PCI device that has the capability."""

    capability: int
    offset: int
    mask: int
    extended: bool = False


class FieldRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field behind another one, with the bytes (in hexadecimal) that it gets."""

    device: str
    name: str
    type: str
    behind: str
    bytes: str


class SubsectionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A subsection that the older form does not know. The newer one does without it as well."""

    device: str
    name: str


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change. `since` are the ways to have the newer form; any of them will do."""

    name: str
    about: str
    reference: str
    since: tuple[Since, ...]
    commands: tuple[CommandRule, ...] = ()
    bits: tuple[BitsRule, ...] = ()
    fields: tuple[FieldRule, ...] = ()
    subsections: tuple[SubsectionRule, ...] = ()

    def newer(self, machine: Version | None, qemu: Version | None) -> bool:
        """Whether such a QEMU, running such a machine type, has the newer form."""
        return any(since.holds(machine, qemu) for since in self.since)


@cache
def rules() -> tuple[Rule, ...]:
    """All rules there are, in the order of their names."""
    found = [
        msgspec.convert(
            tomllib.loads(file.read_text("utf-8")) | {"name": file.name.removesuffix(".toml")}, Rule
        )
        for file in files("migstream.edit.between").iterdir()
        if file.name.endswith(".toml")
    ]
    return tuple(sorted(found, key=lambda rule: rule.name))


def apply(edit: Edit, machine: str | None = None, qemu: Version | None = None) -> list[str]:
    """Give a stream the form that a machine type has in a release; the names of what was done.

    Parameters
    ----------
    machine : the machine type to name; without it the stream's own
    qemu : the release that is to load it; without it one that is as old as the machine type

    Raises
    ------
    Unsupported : another kind of machine, or one whose version is not known
    """
    source = edit.stream.machine
    if source is None:
        raise Unsupported("this stream has no configuration section: it names no machine type")
    wanted = machine or source
    (old, _), (new, version) = machine_version(source), machine_version(wanted)
    if old != new:
        raise Unsupported(
            f"{wanted} is another machine than {source}",
            hint="the version of a machine type can change, not what the machine is",
        )
    if version is None:
        raise Unsupported(
            f"nothing says which version {wanted} has", hint="name one such as pc-i440fx-7.2"
        )
    if wanted != source:
        edit.machine(wanted)
    done = []
    for rule in rules():
        newer = rule.newer(version, qemu)
        did = [make(edit, rule, one, newer) for make, one in _parts(rule)]
        if any(did):
            done.append(rule.name)
    return done


def touched(edit: Edit) -> set[str]:
    """The devices that a stream's changes so far are in."""
    places = [change.span.start for change in edit.changes()]
    spans = [(device.path, device.section.span) for device in edit.stream.devices]
    return {path for path, span in spans if any(span.start < at < span.stop for at in places)}


Make = Callable[["Edit", Rule, Any, bool], bool]


def _parts(rule: Rule) -> Iterator[tuple[Make, Any]]:
    yield from ((_command, one) for one in rule.commands)
    yield from ((_bits, one) for one in rule.bits)
    yield from ((_field, one) for one in rule.fields)
    yield from ((_subsection, one) for one in rule.subsections)


# --- what rules do: each makes the newer or the older form, and says whether there was anything to do


def _command(edit: Edit, rule: Rule, one: CommandRule, newer: bool) -> bool:
    items = edit.stream.items
    there = [i for i in items if isinstance(i, Command) and i.command == one.number]
    ends = [s for s in edit.stream.sections if s.type is SectionType.END]
    if newer and not there and ends:
        at = ends[0].span.start
        made = bytes([SectionType.COMMAND]) + one.number.to_bytes(2, "big") + bytes(2)
        edit.rewrite.replace(at, at, made)
        edit.note(rule.name, one.name, "", f"{len(made)} bytes", Span(at, at))
        return True
    for command in () if newer else there:
        edit.rewrite.replace(*command.span, b"")
        edit.note(rule.name, one.name, f"{command.span.size} bytes", "", command.span)
    return bool(there) and not newer


def _bits(edit: Edit, rule: Rule, one: BitsRule, newer: bool) -> bool:
    did = False
    for device in edit.stream.devices:
        config = config_space(device.value)
        at = None if config is None else _register(bytes(config.raw), one)
        if config is None or at is None:
            continue
        span = Span(config.span.start + at, config.span.start + at + 4)
        raw = edit.rewrite.now(*span, edit.stream.store.view)
        before = int.from_bytes(raw, "little")
        after = before | one.mask if newer else before & ~one.mask
        if after != before:
            edit.rewrite.patch(span.start, after.to_bytes(4, "little"))
            path = f"{config.path}+{at:#x}"
            edit.note(rule.name, path, f"{before:#010x}", f"{after:#010x}", span)
            did = True
    return did


def _register(raw: bytes, one: BitsRule) -> int | None:
    """Where the register is in a configuration space, None where the capability is absent."""
    start = EXTENDED if one.extended else raw[CAPABILITIES] if len(raw) > CAPABILITIES else 0
    at = start
    for _ in range(MOST_CAPABILITIES):
        head = int.from_bytes(raw[at : at + 4], "little")
        if at < CAPABILITIES or at + one.offset + 4 > len(raw) or not head:
            return None
        if head & (0xFFFF if one.extended else 0xFF) == one.capability:
            return at + one.offset
        at = head >> 20 if one.extended else head >> 8 & 0xFF
    return None


def _devices(edit: Edit, name: str) -> Iterator[Device]:
    """Devices of a VMState, wherever they are plugged in."""
    return (d for d in edit.stream.devices if d.name.rpartition("/")[2] == name)


def _field(edit: Edit, rule: Rule, one: FieldRule, newer: bool) -> bool:
    did = False
    for device in _devices(edit, one.device):
        fields = {value.name: value for value in device}
        there, before = fields.get(one.name), fields.get(one.behind)
        if newer and there is None and before is not None:
            _add(edit, rule, one, device, before)
            did = True
        elif not newer and there is not None:
            _remove(edit, rule, device, there)
            did = True
    return did


def _entries(edit: Edit, device: Device, name: str) -> tuple[list[Any], list[int]]:
    """The description's list of a device's fields, and where in it those of a name are."""
    entry = edit.described.entry(device)
    fields = None if entry is None else entry.get("fields")
    found = fields if isinstance(fields, list) else []
    named = {id(field) for field in objects(found) if field.get("name") == name}
    return found, [n for n, field in enumerate(found) if id(field) in named]


def _add(edit: Edit, rule: Rule, one: FieldRule, device: Device, before: Value) -> None:
    raw = bytes.fromhex(one.bytes)
    entries, places = _entries(edit, device, one.behind)
    if places:
        made = [("name", one.name), ("type", one.type), ("size", len(raw))]
        entries.insert(places[-1] + 1, Object(made))
    at = before.span.stop
    edit.rewrite.replace(at, at, raw)
    edit.note(rule.name, f"{device.path}/{one.name}", "", one.bytes, Span(at, at))


def _remove(edit: Edit, rule: Rule, device: Device, value: Value) -> None:
    entries, places = _entries(edit, device, value.name)
    for place in reversed(places):
        del entries[place]
    edit.rewrite.replace(*value.span, b"")
    edit.dropped.add(value.path)
    edit.note(rule.name, value.path, bytes(value.raw).hex(), "", value.span)


def _subsection(edit: Edit, rule: Rule, one: SubsectionRule, newer: bool) -> bool:
    """The newer form takes what an older one sent, so nothing is made up for it."""
    del rule
    found = [
        value.path
        for device in (() if newer else _devices(edit, one.device))
        for value in _subsections(device.value)
        if value.name == one.name
    ]
    for path in found:
        edit.drop(path)
    return bool(found)


def _subsections(value: Value) -> Iterator[Value]:
    """Subsections of a value and of the structs in it."""
    for child in value.children:
        if child.kind == "subsection":
            yield child
        if child.kind in {"struct", "subsection"} and child.count is None:
            yield from _subsections(child)
