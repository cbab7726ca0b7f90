"""What of a stream can be changed, as answers to the problem that its load ends with, and what the guest loses by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from migstream.analysis.compat.cpus import is_fixed
from migstream.edit.change import Edit
from migstream.edit.heal.model import Alter, Change
from migstream.errors import NoSuchPath
from migstream.machine.map.setup import PER_CPU
from migstream.machine.state import child
from migstream.names import many
from migstream.qemu.release import machine_version, parse
from migstream.vmstate.jsontext import Object, objects
from migstream.vmstate.meaning.virtio import virtio_blob
from migstream.wire.model import Command, Span

if TYPE_CHECKING:
    from migstream.analysis.compat.model import Problem
    from migstream.edit.workbench import Workbench
    from migstream.source.opened import Openable
    from migstream.stream import Device, Stream
    from migstream.vmstate.values import Value

__all__ = ["altered", "renamed", "stream_changes", "system_registers"]

Changes = tuple[Change, ...]

QUEUE, RULES, BYTES, STATE, FEATURES, DEVICE = 1.5, 3.0, 4.0, 6.0, 8.0, 9.0  # what each way costs
FEW = 4  # registers that are named
HEXADECIMAL = re.compile(r"0x[0-9a-f]+")
INDEXES, VALUES = "cpreg_vmstate_indexes", "cpreg_vmstate_values"
LENGTH = "cpreg_vmstate_array_len"
# What a section's name tells of what the guest loses with it; others lose what they are named after.
LOSSES = {
    "kvmclock": "its paravirtual clock begins anew: the guest's time may jump",
    "timer": "virtual time begins anew",
}
# Without these a guest does not go on: they are no way out.
VITAL = PER_CPU | {"globalstate"}
VIDEO = ".vram"  # what memory of displays is called, on old machine types without a device's place
OTHER_VALUE = "the guest, which may have read the other value, finds this one"
RESET = "the state of {device} is dropped: the guest finds it as after a reset"


def stream_changes(
    problem: Problem,
    stream: Stream,
    release: tuple[int, ...] | None,
    theirs: Mapping[int, int],
) -> Iterator[Changes]:
    """Answers to a problem.

    Parameters
    ----------
    release : of the destination
    theirs : the system registers of its CPUs, with their values after a reset
    """
    if problem.kind in {"command", "fields", "pci", "subsection", "version"} and release:
        yield from _rules(stream, release)
    if problem.kind == "registers":
        yield from _registers(problem, stream, theirs)
    for make in BY_KIND.get(problem.kind, ()):
        yield from make(problem, stream)
    if problem.device and problem.kind not in {"ram", "damage"}:
        yield from _dropped(problem)


def _one(what: str, cost: float, *alters: Alter, loses: str = "") -> Changes:
    return (Change(what=what, loses=loses, cost=cost, alters=alters),)


def _rules(stream: Stream, release: tuple[int, ...]) -> Iterator[Changes]:
    if stream.machine and machine_version(stream.machine)[1] is not None:
        text = ".".join(map(str, release))
        yield _one(
            f"give devices the form that {stream.machine} has in QEMU {text}",
            RULES,
            Alter("rules", value=text),
        )


def renamed(stream: Stream, machine: str, release: tuple[int, ...] | None) -> Change | None:
    """What makes a stream one of another version of its machine type; None where that is another machine."""
    old, new = machine_version(stream.machine or "")[0], machine_version(machine)[0]
    if old != new or machine == stream.machine:
        return None
    return Change(
        what=f"make it one of {machine}, and give devices the form that they have there",
        loses=f"the guest goes on as a {machine}: what {stream.machine} has beyond it is not there",
        cost=RULES,
        alters=(Alter("machine", machine, ".".join(map(str, release or ()))),),
    )


def _dropped(problem: Problem) -> Iterator[Changes]:
    name = problem.device.rpartition("[")[0]
    kind = name.rpartition("/")[2]
    if kind in VITAL or name in VITAL:
        return
    loses = LOSSES.get(kind, RESET.format(device=problem.device))
    if problem.kind == "section" and kind not in LOSSES:
        loses = f"{problem.device} is dropped: the guest finds no such device any more"
    yield _one(f"drop {problem.device}", DEVICE, Alter("drop", problem.device), loses=loses)


def _command(problem: Problem, stream: Stream) -> Iterator[Changes]:
    for item in stream.items:
        if isinstance(item, Command) and item.span.start == problem.span.start:
            yield _one(f"leave out the command {item.name}", BYTES, Alter("command", item.name))


def _subsection(problem: Problem, stream: Stream) -> Iterator[Changes]:
    """Without a part that the destination does not know, or knows in an older version only."""
    device = next((d for d in stream.devices if d.path == problem.device), None)
    value = None if device is None else _around(device.value, problem)
    if value is not None:
        yield _one(
            f"drop {value.path}",
            STATE,
            Alter("drop", value.path),
            loses=f"what {value.name} holds of {problem.device}: the guest finds that as after a reset",
        )


def _around(value: Value, problem: Problem) -> Value | None:
    """The innermost subsection around a problem's bytes."""
    found = None
    for one in value.children:
        if one.span.start <= problem.span.start < one.span.stop and not one.node.repeats:
            found = _around(one, problem) or (one if one.kind == "subsection" else None)
    return found


def _queue(problem: Problem, stream: Stream) -> Iterator[Changes]:
    """Queues that the guest did not set up can have any size: all of the device's that are larger than the first may be."""
    device = next((d for d in stream.devices if d.path == problem.device), None)
    most = problem.message.rpartition(" at most")[0].rpartition(" ")[2]
    blob = None if device is None else virtio_blob(device)
    queues = None if blob is None else next((v for v in blob.children if v.name == "queues"), None)
    if device is None or queues is None or not most.isdecimal():
        return
    limit = int(most)
    idle = [
        number.span.start
        for queue in ([queues] if child(queues, "num") else queues.children)  # one is no list
        if (number := child(queue, "num")) is not None
        and int.from_bytes(number.raw, "big") > limit
        and (where := child(queue, "desc")) is not None
        and not any(where.raw)
    ]
    if problem.span.start in idle:
        alters = [patch(device, start, limit.to_bytes(4, "big")) for start in idle]
        yield _one(
            f"give {many(len(idle), 'queue')} of {problem.device} that the guest has not set up {most} entries",
            QUEUE,
            *alters,
            loses="nothing: it has not begun to use them",
        )


def patch(device: Device, at: int, data: bytes) -> Alter:
    """Other bytes of a device, `at` in its stream."""
    return Alter("patch", device.path, f"{at - device.section.payload.start:#x} {data.hex()}")


def _feature(problem: Problem, stream: Stream) -> Iterator[Changes]:
    """Features that the guest took, taken back."""
    del stream
    names = problem.message.removeprefix("the guest uses ").partition(", which")[0]
    mask = problem.said[0].partition("0x")[2].split()[:1] if problem.said else []
    del mask
    yield _one(
        f"take back {names}",
        FEATURES,
        Alter("features", problem.path, names),
        loses=f"{problem.device} works without {names}, which the guest still believes in until its driver starts anew",
    )


def _registers(problem: Problem, stream: Stream, theirs: Mapping[int, int]) -> Iterator[Changes]:
    """The list of system registers that the destination's CPUs have, with the guest's values of those that can be written."""
    device = next((d for d in stream.devices if d.path == problem.device), None)
    listed = None if device is None else system_registers(device)
    if not listed or not theirs:
        return
    gone = sorted(listed.keys() - theirs.keys())
    other = {
        name: value
        for name, value in sorted(theirs.items())
        if name not in listed or (is_fixed(name) and listed[name] != value)
    }
    alters = [Alter("forget", "cpu", " ".join(f"{name:#x}" for name in gone))] if gone else []
    alters += [Alter("register", "cpu", f"{name:#x} {value:#x}") for name, value in other.items()]
    told = [f"{len(gone)} left out"] if gone else []
    told += [f"{len(other)} as the destination's CPU has them"] if other else []
    if alters:
        yield _one(
            f"give every CPU the destination's system registers: {', '.join(told)}",
            STATE,
            *alters,
            loses=f"what registers held that are not there ({_few(gone)}), and the values of those that"
            f" tell which CPU it is ({_few(other)}): a guest that has read them goes by what it read",
        )


def _few(names: Iterable[int]) -> str:
    """The first of some registers."""
    every = list(names)
    shown = ", ".join(f"{name:#x}" for name in every[:FEW])
    return f"{shown}, and {len(every) - FEW} more" if len(every) > FEW else shown or "none"


def _power(problem: Problem, stream: Stream) -> Iterator[Changes]:
    """The processor version that the destination's CPU has."""
    device = next((d for d in stream.devices if d.path == problem.device), None)
    names = HEXADECIMAL.findall(problem.message)
    if device is not None and len(names) == 2:
        yield from _settled(problem, device, "the processor version", names[1])


def _settled(problem: Problem, device: Device, what: str, value: str) -> Iterator[Changes]:
    """A register that is what the destination's CPU has in it and nobody can write."""
    size = problem.span.size
    if size <= 8 and int(value, 16) < 1 << 8 * size:
        yield _one(
            f"give {what} of {device.path} the value {value}",
            STATE,
            patch(device, problem.span.start, int(value, 16).to_bytes(size, "big")),
            loses=OTHER_VALUE,
        )


def _block(problem: Problem, stream: Stream) -> Iterator[Changes]:
    """Without a block of memory that the destination has otherwise: it keeps what it has itself there."""
    del stream
    name = problem.path.removeprefix("ram/")
    if name.endswith((".rom", ".bios", "bios")):
        yield _one(
            f"leave out the ROM {name}",
            STATE,
            Alter("drop", f"ram/{name}"),
            loses="the guest finds the destination's own ROM there",
        )
    elif "/" in name or name.endswith(VIDEO):
        yield _one(
            f"leave out the memory {name}",
            DEVICE * 2,
            Alter("drop", f"ram/{name}"),
            loses=f"what the guest has in {name}",
        )


BY_KIND: dict[str, tuple[Callable[[Problem, Stream], Iterator[Changes]], ...]] = {
    "command": (_command,),
    "subsection": (_subsection,),
    "version": (_subsection,),
    "fields": (_subsection,),
    "virtqueue": (_queue,),
    "features": (_feature,),
    "cpu": (_power,),
    "ram": (_block,),
}


# --- what is done ----------------------------------------------------------------------------------


def altered(stream: Stream | Openable, alters: Iterable[Alter]) -> Edit:
    """A stream with changes, to be written.

    Raises
    ------
    Unsupported, NoSuchPath, ValueError : one of them cannot be made
    """
    edit = Edit(stream)
    every = list(dict.fromkeys(alters))
    for one in every:
        if one.do not in LISTED:
            DOERS[one.do](edit, one)
    _do_registers(edit, [one for one in every if one.do in LISTED])
    return edit


def _do_rules(edit: Edit, one: Alter) -> None:
    from migstream.edit.between import apply

    apply(edit.bench, one.path or None, parse(one.value) if one.value else None)


def _do_command(edit: Edit, one: Alter) -> None:
    bench = edit.bench
    for item in bench.stream.items:
        if isinstance(item, Command) and item.name == one.path:
            bench.rewrite.replace(*item.span, b"")
            bench.note("drop", item.name, many(item.span.size, "byte"), "", item.span)


def _do_patch(edit: Edit, one: Alter) -> None:
    at, _, raw = one.value.partition(" ")
    data = bytes.fromhex(raw)
    bench = edit.bench
    for device in bench.stream.devices:
        if device.path == one.path:
            start = device.section.payload.start + int(at, 16)
            span = Span(start, start + len(data))
            before = bench.rewrite.now(*span, bench.stream.store.view)
            bench.rewrite.patch(start, data)
            bench.note("set", f"{device.path}+{at}", before.hex(), raw, span)


def _do_features(edit: Edit, one: Alter) -> None:
    from migstream.vmstate.meaning.features import feature_names

    for value in edit.stream.find(one.path):
        device = next(d for d in edit.stream.devices if value.path.startswith(d.path))
        bits = int.from_bytes(value.raw, "big")
        gone = {name.strip() for name in one.value.split(",")}
        for bit in range(8 * len(value.raw)):
            if bits >> bit & 1 and set(feature_names(1 << bit, device.value.type)) & gone:
                bits &= ~(1 << bit)
        edit.put(value, bits.to_bytes(len(value.raw), "big"), "set")


LISTED = {"forget", "register"}  # changes of the same list


def _do_registers(edit: Edit, alters: Sequence[Alter]) -> None:
    """Take system registers out of the lists of CPUs, and give others another value."""
    gone: set[int] = set()
    values: dict[int, int] = {}
    for one in alters:
        numbers = [int(word, 16) for word in one.value.split()]
        if one.do == "forget":
            gone.update(numbers)
        else:
            values[numbers[0]] = numbers[1]
    for device in edit.stream.devices if alters else ():
        if device.name == alters[0].path:
            _list_registers(edit.bench, device, gone, values)


def _list_registers(
    bench: Workbench, device: Device, gone: set[int], values: Mapping[int, int]
) -> None:
    arrays = [child(device.value, name) for name in (LENGTH, INDEXES, VALUES)]
    length, indexes, contents = arrays
    entry = bench.description.entry(device)
    if length is None or indexes is None or contents is None or entry is None:
        raise NoSuchPath(f"{device.path} has no list of system registers")
    names, words = _words(indexes), _words(contents)
    listed = dict(zip(names, words, strict=False)) | dict(values)
    kept = [(name, listed[name]) for name in sorted(listed) if name not in gone]
    for array, column in ((indexes, 0), (contents, 1)):
        data = b"".join(row[column].to_bytes(8, "big") for row in kept)
        if data == bytes(array.raw):
            continue
        bench.rewrite.replace(*array.span, data)
        counts = many(len(names), "register"), many(len(kept), "register")
        bench.note("registers", array.path, *counts, array.span)
        _shorten(entry, array.name, len(kept))
    bench.rewrite.patch(length.span.start, len(kept).to_bytes(4, "big"))


def system_registers(device: Device) -> dict[int, int]:
    """The system registers of an Arm CPU by their names, as KVM numbers them; none of another device."""
    indexes, contents = child(device.value, INDEXES), child(device.value, VALUES)
    if indexes is None or contents is None:
        return {}
    return dict(zip(_words(indexes), _words(contents), strict=False))


def _words(array: Value) -> list[int]:
    raw = bytes(array.raw)
    return [int.from_bytes(raw[at : at + 8], "big") for at in range(0, len(raw), 8)]


def _shorten(entry: Object, name: str, length: int) -> None:
    for field in objects(entry.get("fields")):
        if field.get("name") == name:
            field.put("array_len", length)


DOERS: dict[str, Callable[[Edit, Alter], object]] = {
    "drop": lambda edit, one: edit.drop(one.path),
    "patch": _do_patch,
    "rules": _do_rules,
    "machine": _do_rules,
    "command": _do_command,
    "features": _do_features,
}
