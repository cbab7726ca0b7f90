"""What of a stream can be changed, as answers to the problem that its load ends with, and what the guest loses by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from migstream.edit.change import Edit
from migstream.edit.heal.model import Alter, Change
from migstream.vmstate.meaning.virtio import virtio_blob
from migstream.errors import NoSuchPath
from migstream.machine.state import child
from migstream.names import many
from migstream.qemu.release import machine_version, parse
from migstream.vmstate.jsontext import Object, objects
from migstream.wire.model import Command, Span

if TYPE_CHECKING:
    from migstream.analysis.compat.model import Problem
    from migstream.edit.workbench import Workbench
    from migstream.stream import Device, Stream
    from migstream.vmstate.values import Value

__all__ = ["altered", "stream_changes"]

Changes = tuple[Change, ...]

QUEUE, RULES, BYTES, STATE, FEATURES, DEVICE = 1.5, 3.0, 4.0, 6.0, 8.0, 9.0  # what each way costs
INDEXES, VALUES = "cpreg_vmstate_indexes", "cpreg_vmstate_values"
LENGTH = "cpreg_vmstate_array_len"
# What a section's name tells of what the guest loses with it; others lose what they are named after.
LOSSES = {
    "kvmclock": "its paravirtual clock begins anew: the guest's time may jump",
    "apic": "the interrupt controller of a CPU is as after a reset: the guest hangs as a rule",
    "cpu": "the registers of a CPU: the guest does not go on",
    "timer": "virtual time begins anew",
}
RESET = "the state of {device} is dropped: the guest finds it as after a reset"


def stream_changes(
    problem: Problem, stream: Stream, release: tuple[int, ...] | None, machine: str | None
) -> Iterator[Changes]:
    """Answers to a problem.

    Parameters
    ----------
    release, machine : of the destination
    """
    if problem.kind in {"command", "fields", "pci", "subsection", "version"} and release:
        yield from _rules(stream, release)
    if problem.kind == "configuration" and machine and machine != stream.machine:
        yield from _renamed(stream, machine, release)
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


def _renamed(
    stream: Stream, machine: str, release: tuple[int, ...] | None
) -> Iterator[Changes]:
    old, new = machine_version(stream.machine or "")[0], machine_version(machine)[0]
    if old == new:
        text = ".".join(map(str, release or ()))
        yield _one(
            f"make it one of {machine}, and give devices the form that they have there",
            RULES,
            Alter("machine", machine, text),
            loses=f"the guest goes on as a {machine}: what {stream.machine} has beyond it is not there",
        )


def _dropped(problem: Problem) -> Iterator[Changes]:
    name = problem.device.rpartition("[")[0]
    kind = name.rpartition("/")[2]
    loses = LOSSES.get(kind, RESET.format(device=problem.device))
    if problem.kind == "section" and kind not in LOSSES:
        loses = f"{problem.device} is dropped: the guest finds no such device any more"
    cost = DEVICE * (4 if kind in {"cpu", "apic", "cpu_common"} else 1)
    yield _one(f"drop {problem.device}", cost, Alter("drop", problem.device), loses=loses)


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
    at, step = queues.span.start, queues.node.stride
    idle = [
        start
        for start in range(at, queues.span.stop, step)
        if int.from_bytes(stream.store.view(start, start + 4), "big") > limit
        and not any(stream.store.view(start + 4, start + 12))  # the address of its descriptors
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


def _registers(problem: Problem, stream: Stream) -> Iterator[Changes]:
    """Without system registers that the destination's CPU does not have."""
    device = next((d for d in stream.devices if d.path == problem.device), None)
    if device is None or INDEXES not in problem.path:
        return
    listed = problem.message.partition(": ")[2].split(", ")
    known = [word for word in listed if word.startswith("0x")]
    if known:
        text = ", ".join(known)
        yield _one(
            f"leave out {many(len(known), 'system register')} of every CPU: {text}",
            STATE,
            Alter("forget", "cpu", " ".join(known)),
            loses=f"what system register{'s' if len(known) > 1 else ''} {text} held",
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
    elif "/" in name:
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
    "registers": (_registers,),
    "ram": (_block,),
}


# --- what is done ----------------------------------------------------------------------------------


def altered(stream: Stream, alters: Iterable[Alter]) -> Edit:
    """A stream with changes, to be written.

    Raises
    ------
    Unsupported, NoSuchPath, ValueError : one of them cannot be made
    """
    edit = Edit(stream)
    for one in dict.fromkeys(alters):
        DOERS[one.do](edit, one)
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


def _do_forget(edit: Edit, one: Alter) -> None:
    gone = {int(word, 16) for word in one.value.split()}
    for device in edit.stream.devices:
        if device.name == one.path:
            _forget(edit.bench, device, gone)


def _forget(bench: Workbench, device: Device, gone: set[int]) -> None:
    """Take entries out of a CPU's list of system registers."""
    arrays = [child(device.value, name) for name in (INDEXES, VALUES)]
    length = child(device.value, LENGTH)
    entry = bench.description.entry(device)
    if length is None or entry is None or any(one is None for one in arrays):
        raise NoSuchPath(f"{device.path} has no list of system registers")
    indexes = bytes(arrays[0].raw) if arrays[0] is not None else b""
    known = [int.from_bytes(indexes[at : at + 8], "big") for at in range(0, len(indexes), 8)]
    kept = [n for n, index in enumerate(known) if index not in gone]
    for array in arrays:
        if array is not None:
            raw = bytes(array.raw)
            data = b"".join(raw[8 * n : 8 * n + 8] for n in kept)
            bench.rewrite.replace(*array.span, data)
            bench.note(
                "forget",
                array.path,
                many(len(known), "register"),
                many(len(kept), "register"),
                array.span,
            )
            _shorten(entry, array.name, len(kept))
    bench.rewrite.patch(length.span.start, len(kept).to_bytes(4, "big"))


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
    "forget": _do_forget,
}
