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

from migstream.edit.configuration import name_machine
from migstream.edit.drop import drop
from migstream.edit.targets import targets
from migstream.errors import Unsupported
from migstream.names import many
from migstream.qemu.release import Version, machine_version, parse
from migstream.vmstate.jsontext import Object, objects
from migstream.vmstate.meaning.pci import capabilities, config_space, extended
from migstream.wire import write
from migstream.wire.model import Command, SectionType, Span

if TYPE_CHECKING:
    from migstream.edit.workbench import Workbench
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["Rule", "apply", "rules", "touched"]


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


def apply(bench: Workbench, machine: str | None = None, qemu: Version | None = None) -> list[str]:
    """Give a stream the form that a machine type has in a release; the names of what was done.

    Parameters
    ----------
    machine : the machine type to name; without it the stream's own
    qemu : the release that is to load it; without it one that is as old as the machine type

    Raises
    ------
    Unsupported : another kind of machine, or one whose version is not known
    """
    source = bench.stream.machine
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
        name_machine(bench, wanted)
    done = []
    for rule in rules():
        newer = rule.newer(version, qemu)
        did = [make(bench, rule, one, newer) for make, one in _parts(rule)]
        if any(did):
            done.append(rule.name)
    return done


def touched(bench: Workbench) -> set[str]:
    """The devices that a stream's changes so far are in."""
    places = [change.span.start for change in bench.changes()]
    spans = [(device.path, device.section.span) for device in bench.stream.devices]
    return {path for path, span in spans if any(span.start < at < span.stop for at in places)}


Make = Callable[["Workbench", Rule, Any, bool], bool]


def _parts(rule: Rule) -> Iterator[tuple[Make, Any]]:
    yield from ((_command, one) for one in rule.commands)
    yield from ((_bits, one) for one in rule.bits)
    yield from ((_field, one) for one in rule.fields)
    yield from ((_subsection, one) for one in rule.subsections)


# --- what rules do: each makes the newer or the older form, and says whether there was anything to do


def _command(bench: Workbench, rule: Rule, one: CommandRule, newer: bool) -> bool:
    items = bench.stream.items
    there = [i for i in items if isinstance(i, Command) and i.command == one.number]
    ends = [s for s in bench.stream.sections if s.type is SectionType.END]
    if newer and not there and ends:
        at = ends[0].span.start
        made = write.command(one.number)
        bench.rewrite.replace(at, at, made)
        bench.note(rule.name, one.name, "", many(len(made), "byte"), Span(at, at))
        return True
    for command in () if newer else there:
        bench.rewrite.replace(*command.span, b"")
        bench.note(rule.name, one.name, many(command.span.size, "byte"), "", command.span)
    return bool(there) and not newer


def _bits(bench: Workbench, rule: Rule, one: BitsRule, newer: bool) -> bool:
    did = False
    for device in bench.stream.devices:
        config = config_space(device.value)
        at = None if config is None else _register(bytes(config.raw), one)
        if config is None or at is None:
            continue
        span = Span(config.span.start + at, config.span.start + at + 4)
        raw = bench.rewrite.now(*span, bench.stream.store.view)
        before = int.from_bytes(raw, "little")
        after = before | one.mask if newer else before & ~one.mask
        if after != before:
            bench.rewrite.patch(span.start, after.to_bytes(4, "little"))
            path = f"{config.path}+{at:#x}"
            bench.note(rule.name, path, f"{before:#010x}", f"{after:#010x}", span)
            did = True
    return did


def _register(raw: bytes, one: BitsRule) -> int | None:
    """Where the register is in a configuration space, None where the capability is absent."""
    walk = extended if one.extended else capabilities
    found = (at + one.offset for at, kind in walk(raw) if kind == one.capability)
    return next((at for at in found if at + 4 <= len(raw)), None)


def _devices(bench: Workbench, name: str) -> Iterator[Device]:
    """Devices of a VMState, wherever they are plugged in."""
    return (d for d in bench.stream.devices if d.name.rpartition("/")[2] == name)


def _field(bench: Workbench, rule: Rule, one: FieldRule, newer: bool) -> bool:
    did = False
    for device in _devices(bench, one.device):
        fields = {value.name: value for value in device}
        there, before = fields.get(one.name), fields.get(one.behind)
        if newer and there is None and before is not None:
            _add(bench, rule, one, device, before)
            did = True
        elif not newer and there is not None:
            _remove(bench, rule, device, there)
            did = True
    return did


def _entries(bench: Workbench, device: Device, name: str) -> tuple[list[Any], list[int]]:
    """The description's list of a device's fields, and where in it those of a name are."""
    entry = bench.description.entry(device)
    fields = None if entry is None else entry.get("fields")
    found = fields if isinstance(fields, list) else []
    named = {id(field) for field in objects(found) if field.get("name") == name}
    return found, [n for n, field in enumerate(found) if id(field) in named]


def _add(bench: Workbench, rule: Rule, one: FieldRule, device: Device, before: Value) -> None:
    raw = bytes.fromhex(one.bytes)
    entries, places = _entries(bench, device, one.behind)
    if places:
        made = [("name", one.name), ("type", one.type), ("size", len(raw))]
        entries.insert(places[-1] + 1, Object(made))
    at = before.span.stop
    bench.rewrite.replace(at, at, raw)
    bench.reshaped.add(device.path)
    bench.note(rule.name, f"{device.path}/{one.name}", "", one.bytes, Span(at, at))


def _remove(bench: Workbench, rule: Rule, device: Device, value: Value) -> None:
    entries, places = _entries(bench, device, value.name)
    for place in reversed(places):
        del entries[place]
    bench.rewrite.replace(*value.span, b"")
    bench.reshaped.add(device.path)
    bench.note(rule.name, value.path, bytes(value.raw).hex(), "", value.span)


def _subsection(bench: Workbench, rule: Rule, one: SubsectionRule, newer: bool) -> bool:
    """The newer form takes what an older one sent, so nothing is made up for it."""
    del rule
    found = [
        value.path
        for device in (() if newer else _devices(bench, one.device))
        for value in _subsections(device.value)
        if value.name == one.name
    ]
    for path in found:
        for target in targets(bench.stream, path):
            drop(bench, target)
    return bool(found)


def _subsections(value: Value) -> Iterator[Value]:
    """Subsections of a value and of the structs in it."""
    for child in value.children:
        if child.kind == "subsection":
            yield child
        if child.kind in {"struct", "subsection"} and child.count is None:
            yield from _subsections(child)
