"""The result of an edit held against what was asked for: it is read again as any stream is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.errors import Unsupported
from migstream.source.opened import Openable, open_source
from migstream.stream import Stream

if TYPE_CHECKING:
    from migstream.edit.change import Edit
    from migstream.errors import StreamError
    from migstream.ram.image import Block
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["check", "differences", "read_again"]

MOST = 5
CHUNK = 1 << 20


def read_again(edit: Edit, what: Openable) -> Stream:
    """A result as a stream of its own, described as its source is where it does not do so itself."""
    borrowed = None if edit.stream.description_span else edit.stream.description
    return Stream(open_source(what), borrowed)


def check(edit: Edit, result: Stream) -> None:
    """Read a result again.

    Raises
    ------
    Unsupported : it is not what was asked for, or is damaged where the source was not
    """
    found = list(differences(edit, result))
    if found:
        more = f", and {len(found) - MOST} more" if len(found) > MOST else ""
        raise Unsupported(
            f"the result does not read as it should: {'; '.join(found[:MOST])}{more}",
            hint="such a change would leave a stream that nothing reads; nothing was written",
        )


def differences(edit: Edit, result: Stream) -> Iterator[str]:
    """What is otherwise than it should be, in words."""
    yield from _damage(edit.stream.damage, result.damage)
    yield from _devices(edit, result)
    yield from _memory(edit, result)


def _damage(before: list[StreamError], after: list[StreamError]) -> Iterator[str]:
    """Damage that is new. What was damaged before may be at another place now."""
    known = Counter(error.code for error in before)
    for error in after:
        known[error.code] -= 1
        if known[error.code] < 0:
            yield str(error)


def _devices(edit: Edit, result: Stream) -> Iterator[str]:
    found: dict[str, list[Device]] = {}
    for device in result.devices:
        found.setdefault(device.path, []).append(device)
    for device in edit.stream.devices:
        if device.path in edit.dropped:
            continue
        path = edit.renamed.get(device.path, device.path)
        turn = found.get(path)
        if not turn:
            yield f"{path} is missing"
            continue
        yield from _values(edit, device, turn.pop(0))
    yield from (f"{d.path} should not be there" for rest in found.values() for d in rest)


def _values(edit: Edit, device: Device, after: Device) -> Iterator[str]:
    """Each value of the one with that of the other: its name, its bytes."""
    wanted = list(_wanted(edit, device))
    present = [(v.path.removeprefix(after.path), v.raw) for v in _leaves(after.value)]
    for (path, raw), (name, here) in zip(wanted, present, strict=False):
        if path != name:
            yield f"{after.path}{name} stands where {path} should"
            return
        if raw != here:
            yield f"{after.path}{name} has another value"
    if len(wanted) != len(present):
        yield f"{after.path} has {len(present)} values instead of {len(wanted)}"


def _wanted(edit: Edit, device: Device) -> Iterator[tuple[str, memoryview | bytes]]:
    # the innermost first: each name stands in a path whose beginning is still that of the source
    names = sorted(edit.renamed.items(), key=lambda pair: -len(pair[0]))
    for value in _leaves(device.value):
        path = value.path
        if any(path == gone or path.startswith(f"{gone}/") for gone in edit.dropped):
            continue
        raw = edit.rewrite.within(value.span, edit.stream.store.view)
        for old, new in names:
            if path == old or path.startswith(f"{old}/"):
                path = new + path[len(old) :]
        yield path.removeprefix(edit.renamed.get(device.path, device.path)), raw


def _leaves(value: Value) -> Iterator[Value]:
    """Values as the description has them: what it calls one blob stays one."""
    if not value.node.children or value.node.repeats:
        yield value
        return
    for child in value.children:
        yield from _leaves(child)


def _memory(edit: Edit, result: Stream) -> Iterator[str]:
    wanted = [
        edit.renamed.get(f"ram/{b.name}", f"ram/{b.name}").removeprefix("ram/")
        for b in edit.stream.blocks
        if f"ram/{b.name}" not in edit.dropped
    ]
    if wanted != [block.name for block in result.blocks]:
        yield "the RAM blocks are others than they should be"
        return
    for (name, offset), page in edit.pages.items():
        path = f"ram/{name}"
        if path in edit.dropped or not result.ram:
            continue
        block = result.ram[edit.renamed.get(path, path).removeprefix("ram/")]
        stop = min(offset + len(page), block.size)
        if block.read(offset, stop) != page[: stop - offset]:
            yield f"{path}@{offset:#x} has other contents"
    if edit.kept is not None:
        yield from _kept(edit, edit.kept, result)


def _kept(edit: Edit, kept: dict[str, list[tuple[int, int]]], result: Stream) -> Iterator[str]:
    """Zeros everywhere but in the ranges that were to be kept."""
    before, after = edit.stream.ram, result.ram
    for name in after:
        if after[name].elsewhere is not None:
            continue
        at = 0
        for low, high in (*kept.get(name, ()), (after[name].size, after[name].size)):
            if any(_data(after[name], at, low)):
                yield f"ram/{name} holds more than it should"
            if before[name].read(low, high) != after[name].read(low, high):
                yield f"ram/{name}@{low:#x} has other contents"
            at = high


def _data(block: Block, start: int, stop: int) -> Iterator[bool]:
    """Whether there is anything but zeros, asked of what was sent as more than a byte."""
    for run in block.runs(start, stop):
        for at in range(run.start, run.stop if run.kind == "data" else run.start, CHUNK):
            yield any(block.read(at, min(at + CHUNK, run.stop)))
