"""Results read again, as any stream is, and held against their source and what was asked for.

`check` is for what was edited: all that was not changed is as it was. `compare` is for what was
encoded in another way: the devices and the memory are the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING

from migstream.errors import StreamError, Unsupported
from migstream.names import many
from migstream.ram.beside import UNMARKED, Marks, beside
from migstream.source.opened import Openable, open_source
from migstream.stream import Stream, open_stream

if TYPE_CHECKING:
    from migstream.edit.rewrite import Rewrite
    from migstream.edit.workbench import Workbench
    from migstream.ram.image import Block
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["check", "compare", "differences", "read_again"]

MOST = 5
CHUNK = 1 << 20


def read_again(bench: Workbench, what: Openable) -> Stream:
    """A result as a stream of its own, described as its source is where it does not do so itself."""
    borrowed = None if bench.stream.description_span else bench.stream.description
    return Stream(open_source(what, watch=bench.stream.watch), borrowed)


def check(bench: Workbench, result: Stream, made: Rewrite | None = None) -> None:
    """Read a result again.

    Parameters
    ----------
    made : what was written, where it was copied out of the source: guest memory that went over as it
        is need not be read a second time then

    Raises
    ------
    Unsupported : it is not what was asked for, or is damaged where the source was not
    """
    found = list(differences(bench, result, made))
    if found:
        more = f", and {len(found) - MOST} more" if len(found) > MOST else ""
        raise Unsupported(
            f"the result does not read as it should: {'; '.join(found[:MOST])}{more}",
            hint="such a change would leave a stream that nothing reads; nothing was written",
        )


def differences(bench: Workbench, result: Stream, made: Rewrite | None = None) -> Iterator[str]:
    """What differs from what it should be, in words; `made` as `check` has it."""
    stream = bench.stream
    if made and bench.spares_memory(made) and result.read_from == stream.read_from:
        yield from _damage(stream.damage_behind, result.damage_behind)
    else:
        yield from _damage(stream.damage, result.damage)
    yield from _devices(bench, result)
    yield from _memory(bench, result)


def _damage(before: list[StreamError], after: list[StreamError]) -> Iterator[str]:
    """Damage that is new. What was damaged before may be at another place now."""
    known = Counter(error.code for error in before)
    for error in after:
        known[error.code] -= 1
        if known[error.code] < 0:
            yield str(error)


def _devices(bench: Workbench, result: Stream) -> Iterator[str]:
    found: dict[str, list[Device]] = {}
    for device in result.devices:
        found.setdefault(device.path, []).append(device)
    for device in bench.stream.devices:
        if device.path in bench.dropped:
            continue
        path = bench.renamed.get(device.path, device.path)
        turn = found.get(path)
        if not turn:
            yield f"{path} is missing"
            continue
        after = turn.pop(0)
        if device.path not in bench.reshaped:
            yield from _values(bench, device, after)
    yield from (f"{d.path} should not be there" for rest in found.values() for d in rest)


def _values(bench: Workbench, device: Device, after: Device) -> Iterator[str]:
    """Each value of the one with that of the other: its name, its bytes."""
    wanted = list(_wanted(bench, device))
    present = [(v.path.removeprefix(after.path), v.raw) for v in _leaves(after.value)]
    for (path, raw), (name, here) in zip(wanted, present, strict=False):
        if path != name:
            yield f"{after.path}{name} stands where {path} should"
            return
        if raw != here:
            yield f"{after.path}{name} has another value"
    if len(wanted) != len(present):
        yield f"{after.path} has {many(len(present), 'value')} instead of {len(wanted)}"


def _wanted(bench: Workbench, device: Device) -> Iterator[tuple[str, memoryview | bytes]]:
    # the innermost first: each name stands in a path whose beginning is still that of the source
    names = sorted(bench.renamed.items(), key=lambda pair: -len(pair[0]))
    for value in _leaves(device.value):
        path = value.path
        if any(path == gone or path.startswith(f"{gone}/") for gone in bench.dropped):
            continue
        raw = bench.rewrite.within(value.span, bench.stream.store.view)
        for old, new in names:
            if path == old or path.startswith(f"{old}/"):
                path = new + path[len(old) :]
        yield path.removeprefix(bench.renamed.get(device.path, device.path)), raw


def _leaves(value: Value) -> Iterator[Value]:
    """Values as the description has them: what it calls one blob stays one."""
    if not value.node.children or value.node.repeats:
        yield value
        return
    for child in value.children:
        yield from _leaves(child)


def _memory(bench: Workbench, result: Stream) -> Iterator[str]:
    wanted = [
        bench.renamed.get(f"ram/{b.name}", f"ram/{b.name}").removeprefix("ram/")
        for b in bench.stream.blocks
        if f"ram/{b.name}" not in bench.dropped
    ]
    if wanted != [block.name for block in result.blocks]:
        yield "the RAM blocks are others than they should be"
        return
    for (name, offset), page in bench.pages.items():
        path = f"ram/{name}"
        if path in bench.dropped or not result.ram:
            continue
        block = result.ram[bench.renamed.get(path, path).removeprefix("ram/")]
        stop = min(offset + len(page), block.size)
        if block.read(offset, stop) != page[: stop - offset]:
            yield f"{path}@{offset:#x} has other contents"
    if bench.kept is not None:
        yield from _kept(bench, bench.kept, result)


def _kept(
    bench: Workbench, kept: dict[str, list[tuple[int, int]]], result: Stream
) -> Iterator[str]:
    """Zeros everywhere but in the ranges that were to be kept."""
    before, after = bench.stream.ram, result.ram
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


# --- another encoding of the same --------------------------------------------------------------------


def compare(
    stream: Stream,
    fd: int,
    *,
    changed: Collection[str] = (),
    sizes: Mapping[str, int] | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Read a converted stream again and hold it against its source.

    Parameters
    ----------
    fd : the result, open for reading
    changed : paths of devices that are meant to differ
    sizes : of RAM blocks that were to have another one
    tell : called with the number of bytes of guest memory that are done since the last call

    Returns
    -------
    bytes of guest memory that were compared, by block

    Raises
    ------
    StreamError : the two do not say the same
    """
    with os.fdopen(fd, "rb", closefd=False) as file, open_stream(file, watch=stream.watch) as made:
        known = beside(stream.ram, made)
        for damage in made.damage:
            raise _differs(f"the result is damaged: {damage}")
        if _payloads(stream, changed) != _payloads(made, changed):
            raise _differs("the device sections are not the same")
        old = list(stream.ram.values())
        new = list(made.ram.values())
        wanted = [(block.name, (sizes or {}).get(block.name, block.size)) for block in old]
        if wanted != [(block.name, block.size) for block in new]:
            raise _differs("the RAM blocks are not the same")
        for block, other in zip(old, new, strict=True):
            marks = UNMARKED if known is None else known.marks(other.name)
            if block.elsewhere is None and not _same(block, other, marks, tell):
                raise _differs(f"the contents of RAM block {block.name} are not the same")
            if block.elsewhere is not None:
                tell(block.size)
        return {block.name: block.size for block in old if block.elsewhere is None}


def _differs(what: str) -> StreamError:
    return StreamError(what, hint="nothing was kept of it; please report this")


def _payloads(stream: Stream, changed: Collection[str]) -> list[tuple[str, bytes | None]]:
    """Every device and its bytes; None for those that are meant to differ."""
    view = stream.store.view
    return [
        (d.path, None if d.path in changed else bytes(view(*d.section.payload)))
        for d in stream.devices
    ]


def _chunks(one: Block, other: Block, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The CHUNKs of bytes [start, stop) in which one of them has data."""
    last = -1
    runs = merge(one.runs(start, stop), other.runs(start, stop), key=attrgetter("start"))
    for run in runs:
        if run.kind == "data":
            first = max(run.start & -CHUNK, last + CHUNK if last >= 0 else 0)
            for last in range(first, run.stop, CHUNK):
                yield max(last, start), min(last + CHUNK, stop)


def _same(one: Block, other: Block, marks: Marks, tell: Callable[[int], None]) -> bool:
    """Whether two blocks hold the same, of which pages with a mark do; a page that was never sent counts as zeros.

    Of different sizes, they agree as far as both go, and the other one goes on with zeros.
    """
    if other.elsewhere is not None:
        return False
    page = one.page
    both = min(one.size, other.size)
    if any(run.kind == "data" for run in other.runs(both, other.size)):
        return False
    buffers = memoryview(bytearray(CHUNK)), memoryview(bytearray(CHUNK))
    at = 0
    for first, behind in marks.unmarked(0, -(-both // page)):
        for start, stop in _chunks(one, other, first * page, min(behind * page, both)):
            size = -(-(stop - start) // page) * page
            for block, buffer in zip((one, other), buffers, strict=True):
                block.fill(start // page, buffer[:size])
            if size == CHUNK and buffers[0].obj != buffers[1].obj:
                return False
            if size < CHUNK and bytes(buffers[0][:size]) != bytes(buffers[1][:size]):
                return False
            tell(stop - at)
            at = stop
    tell(both - at)
    tell(one.size - both)
    return True
