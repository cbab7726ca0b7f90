"""A virtio device's queues, and the chains that wait in one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from migstream.machine.physical import PhysicalMemory
from migstream.machine.virtqueue import Chain, Descriptor, Queue
from migstream.render.answer import Answer
from migstream.render.memory import hex_parts
from migstream.render.shown import Mark, Part, Table, dim, head, indented, line, name
from migstream.render.text import escape, prose

__all__ = ["Queues", "queue_parts", "queues_answer", "queues_parts"]

FEW = 256  # bytes of a buffer that are shown


class Queues(Answer, tag="queue", frozen=True, kw_only=True):
    """Queues of a virtio device; `chains` are told where one queue was asked for."""

    file: str
    device: str
    queues: list[Queue]


def queues_answer(file: str, device: str, found: Sequence[Queue], *, chains: bool) -> Queues:
    """The answer; without `chains` each queue has its numbers alone."""
    bare = (one if chains else msgspec.structs.replace(one, chains=()) for one in found)
    return Queues(file=file, device=device, queues=list(bare))


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def queues_parts(found: Sequence[Queue]) -> Iterator[Part]:
    """A line for each; those without a driver say so."""
    names = (
        "queue",
        "",
        "",
        "size",
        "table",
        "driver's",
        "device's",
        "taken",
        "waiting",
        "in flight",
        "",
    )
    rows = [
        (
            str(one.number),
            one.name,
            one.form if one.ready else "",
            str(one.size),
            f"{one.desc:#x}" if one.ready else "",
            f"{one.driver:#x}" if one.ready else "",
            f"{one.device_area:#x}" if one.ready else "",
            str(one.taken) if one.ready else "",
            _number(one.waiting),
            _number(one.in_flight),
            escape(one.damage) if one.ready else "not set up",
        )
        for one in found
    ]
    if rows:
        yield Table(rows, "><<>>>>>>><", names)


def queue_parts(
    one: Queue, memory: PhysicalMemory, *, contents: bool, everything: bool
) -> Iterator[Part]:
    """One queue: its numbers, then each chain with its buffers.

    Parameters
    ----------
    contents : the bytes of the buffers, too, of each the first 256
    everything : all of them
    """
    yield from queues_parts([one])
    for chain in one.chains:
        yield ""
        yield line(head(chain.state), " ", name(str(chain.head)))
        yield from _chain(chain, memory, contents=contents, everything=everything)


def _chain(
    chain: Chain, memory: PhysicalMemory, *, contents: bool, everything: bool
) -> Iterator[Part]:
    for buffer in chain.descriptors:
        yield _buffer(buffer)
        if contents and "INDIRECT" not in buffer.flags:
            yield from _contents(buffer, memory, everything=everything)
    if chain.damage:
        yield line("  ", Mark("error", "ends here"), f": {prose(chain.damage)}")


def _buffer(one: Descriptor) -> Part:
    way = "device writes" if one.writes else "device reads"
    if "INDIRECT" in one.flags:
        way = "a table"
    flags = " ".join(flag for flag in one.flags if flag not in {"NEXT", "WRITE", "INDIRECT"})
    lead = "  " * (1 + one.level)
    return line(
        lead,
        f"{one.index}: ",
        f"{one.address:#x}",
        f"  {one.length} bytes, {way}",
        dim(f"  {flags}" if flags else ""),
    )


def _contents(one: Descriptor, memory: PhysicalMemory, *, everything: bool) -> Iterator[Part]:
    size = one.length if everything else min(one.length, FEW)
    for region, address, length in memory.pieces(one.address, size):
        if region is None:
            yield line("    ", dim(f"no guest memory at {address:#x}, {length} bytes"))
            continue
        for at in range(address, address + length, 1 << 16):
            piece = memory.read(at, min(1 << 16, address + length - at))
            yield from (
                indented(part, 4) for part in hex_parts([(at, piece)], everything=everything)
            )
    if one.length > size:
        yield line("    ", dim(f"{one.length - size} more bytes (--all)"))
