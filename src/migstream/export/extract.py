"""Guest memory written to files: what goes where is planned first, then copied.

A plan is a few bytes of head and parts of RAM blocks at their offsets; what is zero becomes a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.errors import NoSuchAddress, Unsupported
from migstream.export import EXPORTS
from migstream.export.elf import elf_head
from migstream.export.lime import lime_plan
from migstream.machine.arch import architecture
from migstream.machine.physical import Range
from migstream.machine.vmcoreinfo import vmcoreinfo
from migstream.names import encoded
from migstream.ram.image import Block, Ram
from migstream.ram.presence import KINDS
from migstream.source.sparse import SparseWriter

if TYPE_CHECKING:
    from migstream.export.virtual import Segment
    from migstream.machine.registers.read import Cpu
    from migstream.stream import Stream

__all__ = [
    "Part",
    "Plan",
    "block_plan",
    "contents",
    "copy",
    "elf_file",
    "elf_virtual_file",
    "file_name",
    "lime_file",
    "memory_of",
    "phys_file",
    "plan",
]

WINDOW = 512 << 10
GAP = 64 << 10  # shorter holes cost more than they save
SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@")
LONGEST = 200


class Part(msgspec.Struct, frozen=True):
    """`size` bytes of a RAM block from `offset` on, at offset `at` of the file."""

    at: int
    block: str
    offset: int
    size: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A file of `size` bytes: heads at their offsets, parts of memory, holes between.

    `absent` are the RAM blocks whose contents are not in the stream, `remarks` what else a reader
    of the file might expect and not find.
    """

    size: int
    heads: tuple[tuple[int, bytes], ...] = ()
    parts: tuple[Part, ...] = ()
    absent: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _present(stream: Stream, ram: Ram) -> tuple[list[Range], tuple[str, ...]]:
    """The physical ranges whose contents the stream has, and the blocks of the others."""
    there: list[Range] = []
    absent: dict[str, None] = {}
    for one in stream.memory.ranges:
        if ram[one.block].elsewhere is None:
            there.append(one)
        else:
            absent[one.block] = None
    if absent and not there:
        raise Unsupported(
            "the contents of guest memory are not in this stream",
            hint=ram[next(iter(absent))].elsewhere or "",
        )
    if not there:
        raise Unsupported(
            "no guest-physical memory is known of this stream",
            hint="--map BLOCK@ADDRESS says where a RAM block is; --format raw needs no addresses",
        )
    return there, tuple(absent)


def _parts(ranges: Sequence[Range], offsets: Sequence[int]) -> tuple[Part, ...]:
    return tuple(
        Part(at, one.block, one.offset, one.size) for at, one in zip(offsets, ranges, strict=True)
    )


def _cpus(stream: Stream) -> tuple[tuple[Cpu, ...], tuple[str, ...]]:
    """All registers, or why there are none."""
    try:
        return stream.registers, ()
    except Unsupported as error:
        return (), (error.message,)


def _guest_note(stream: Stream) -> bytes:
    """What the guest's kernel left for a dump; nothing where it lies nowhere."""
    where = vmcoreinfo(stream)
    if where is None:
        return b""
    try:
        return stream.memory.read(*where)
    except NoSuchAddress:
        return b""


def elf_file(stream: Stream, ram: Ram) -> Plan:
    """A core file: registers, and each physical range (protocol: export.Export)."""
    return _elf(stream, ram)


def elf_virtual_file(stream: Stream, ram: Ram) -> Plan:
    """The same with a segment for each piece that the CPUs' page tables map (protocol: export.Export)."""
    from migstream.export.virtual import segments

    return _elf(stream, ram, lambda ranges: segments(stream.registers, stream.memory, ranges))


def _elf(
    stream: Stream,
    ram: Ram,
    mapped: Callable[[Sequence[Range]], Sequence[Segment] | None] = lambda _: None,
) -> Plan:
    ranges, absent = _present(stream, ram)
    cpus, remarks = _cpus(stream)
    note = _guest_note(stream)
    made = elf_head(architecture(stream), cpus, ranges, note, mapped(ranges))
    return Plan(
        size=made.size,
        heads=((0, made.head),),
        parts=_parts(ranges, made.offsets),
        absent=absent,
        remarks=remarks or made.remarks,
    )


def lime_file(stream: Stream, ram: Ram) -> Plan:
    """Each physical range behind a header (protocol: export.Export)."""
    ranges, absent = _present(stream, ram)
    rows = list(lime_plan(ranges))
    parts = _parts(ranges, [at + len(head) for at, head, _ in rows])
    return Plan(
        size=parts[-1].at + parts[-1].size,
        heads=tuple((at, head) for at, head, _ in rows),
        parts=parts,
        absent=absent,
    )


def phys_file(stream: Stream, ram: Ram) -> Plan:
    """Guest-physical memory from address 0 on (protocol: export.Export)."""
    ranges, absent = _present(stream, ram)
    return Plan(
        size=ranges[-1].stop, parts=_parts(ranges, [one.start for one in ranges]), absent=absent
    )


def memory_of(stream: Stream) -> Ram:
    """The stream's RAM; raises Unsupported where it has none."""
    if not stream.ram:
        raise Unsupported("this stream has no guest memory")
    return stream.ram


def plan(stream: Stream, form: str) -> Plan:
    """What a file of format `form` (a name of EXPORTS) holds.

    Raises
    ------
    Unsupported : the stream has no guest memory, or none whose address is known
    """
    export = EXPORTS.find(form)
    if export is None:
        raise ValueError(f"no format is called {form!r}, only {', '.join(EXPORTS.names())}")
    return export(stream, memory_of(stream))


def block_plan(block: Block) -> Plan:
    """A file of one RAM block."""
    return Plan(size=block.size, parts=(Part(0, block.name, 0, block.size),))


def contents(ram: Ram, made: Plan) -> dict[str, Any]:
    """What a plan's file holds of memory: bytes by kind, and the pieces that are not memory's contents.

    Every other hole of the file is zeros that the guest had. Each piece says where it is in the
    file (`at`), of which block, from which `offset` on.
    """
    coverage = dict.fromkeys(KINDS, 0)
    pieces = []
    for part in made.parts:
        for run in ram[part.block].runs(part.offset, part.offset + part.size):
            size = run.stop - run.start
            coverage[run.kind] += size
            if run.kind not in {"data", "zero"}:
                at = part.at + run.start - part.offset
                pieces.append(
                    {"at": at, "size": size, "kind": run.kind}
                    | {"block": part.block, "offset": run.start}
                )
    return {"coverage": coverage, "missing": pieces}


def file_name(block: str, number: int) -> str:
    """A name for a block's file: never a path, never hidden, one for each block.

    Other characters than letters, digits and ``._-@`` are written as %XX; what is too long for a
    file's name is cut and gets its number.
    """
    raw = encoded(block)
    text = "".join(chr(b) if chr(b) in SAFE else f"%{b:02X}" for b in raw)
    if text.startswith("."):
        text = f"%2E{text[1:]}"
    return text if 0 < len(text) <= LONGEST else f"{text[:LONGEST]}%{number}"


def _stretches(block: Block, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Where data are, short holes included."""
    since = until = -1
    for run in block.runs(start, stop):
        if run.kind != "data":
            continue
        if since >= 0 and run.start - until < GAP:
            until = run.stop
            continue
        if since >= 0:
            yield since, until
        since, until = run.start, run.stop
    if since >= 0:
        yield since, until


def copy(ram: Ram, made: Plan, fd: int, tell: Callable[[int], None] = lambda _: None) -> int:
    """Write a plan to an empty file; how many bytes were written, holes not counted.

    Parameters
    ----------
    tell : called with the number of bytes of memory that are done since the last call

    Pages are collected in a buffer that stays in the processor's cache, and go to the disk while others are collected.
    """
    with SparseWriter(fd) as out:
        for part in made.parts:
            block = ram[part.block]
            out.hole(part.at - out.at)
            done, stop = part.offset, part.offset + part.size
            for low, high in _stretches(block, done, stop):
                out.hole(low - done)
                tell(low - done)
                for piece in _windows(block, low, high, out.lend):
                    out.put((piece,))
                    tell(len(piece))
                done = high
            out.hole(stop - done)
            tell(stop - done)
        out.hole(made.size - out.at)
        for at, head in made.heads:
            out.patch(at, head)
        out.finish()
        return out.written


def _windows(
    block: Block, start: int, stop: int, lend: Callable[[int], memoryview]
) -> Iterator[memoryview]:
    """Bytes [start, stop) of a block, a lent buffer at a time."""
    page = block.page
    most = max(WINDOW // page, 1)
    for first in range(start // page, -(-stop // page), most):
        pages = lend(min(most, -(-stop // page) - first) * page)
        block.fill(first, pages)
        at = max(start, first * page)
        yield pages[at - first * page : stop - first * page]
