"""Rules about guest memory."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.errors import BadRam, MigstreamError
from migstream.iterable import SECTIONS
from migstream.names import encoded
from migstream.ram import kernel
from migstream.ram.model import RamBlock, RamRecords, RamSetup
from migstream.ram.records import BlockId
from migstream.wire.model import Section, SectionType, Span
from migstream.wire.push import drive
from migstream.wire.registry import Context
from migstream.wire.walk import Walker

__all__: list[str] = []

WORD = 8  # bytes of a record's header
MOST_FILLS = 16
LOOKED_AT = 64 << 20


@rule("MS571", "warning", "Pages of a RAM block were never sent")
def coverage(subject: Subject) -> Iterator[Hit]:
    """A precopy stream holds each page of each block at least once. Pages that never came read as zeros at the
    destination. Reasons: the stream is cut off or was edited; the pages went through multifd channels (name their
    recordings with `--channel`); postcopy would have sent them later; a balloon told QEMU which pages are free
    (`free-page-hint`). What a virtio-mem device has not plugged in is not sent, and is not missed.

    References: QEMU, migration/ram.c: ram_save_iterate, ram_save_complete; hw/virtio/virtio-mem.c:
    virtio_mem_rdm_replay_discarded.
    """
    for block, sizes in _uncovered(subject):
        if sizes["data"] or sizes["zero"]:
            first = next(
                r.start for r in subject.stream.ram[block.name].runs() if r.kind == "absent"
            )
            yield Hit(
                message=f"{sizes['absent']} bytes of RAM block {block.name} were never sent",
                section="ram[0]",
                path=block.name,
                span=block.span,
                expected=f"{block.used_length} bytes",
                found=f"the first missing page is at {first:#x} of the block",
            )


@rule("MS572", "warning", "Nothing of a RAM block was sent")
def empty(subject: Subject) -> Iterator[Hit]:
    """The setup section lists a block, and no record has a page of it. With x-ignore-shared that is meant (the memory is
    in a file that both sides have), and then nothing is reported. Otherwise: multifd channels that were not given, or
    a stream that ends before its memory.
    """
    for block, sizes in _uncovered(subject):
        if not sizes["data"] and not sizes["zero"]:
            yield Hit(
                message=f"no page of RAM block {block.name} was sent",
                section="ram[0]",
                path=block.name,
                span=block.span,
                expected=f"{block.used_length} bytes",
                found="nothing",
                hint="if it went through multifd channels, name their recordings with --channel",
            )


def _uncovered(subject: Subject) -> Iterator[tuple[RamBlock, dict[str, int]]]:
    stream = subject.stream
    if not subject.whole or not stream.seekable or "x-ignore-shared" in stream.capabilities:
        return
    for block in stream.blocks:
        try:
            sizes = stream.ram[block.name].coverage()
        except MigstreamError:
            continue  # the damage has been said
        if sizes["absent"]:
            yield block, sizes


@rule("MS573", "error", "A zero page is filled with another byte")
def filled(subject: Subject) -> Iterator[Hit]:
    """A record of a zero page ends with the byte that the page is filled with, which is 0. Newer releases refuse others
    ("Found a zero page with value N"), older ones fill the page. Most often the flags of this record are damaged: it was
    a page with contents, and what follows was read in the wrong place.

    References: QEMU, migration/ram.c: ram_load_precopy, ram_handle_zero.
    """
    setups = [s.content for s in subject.sections if isinstance(s.content, RamSetup)]
    records = (getattr(s.content, "records", s.content) for s in subject.sections)
    blocks = [b for r in records if isinstance(r, RamRecords) for b in r.blocks]
    if not setups or not any(b.tally.nonzero for b in blocks):
        return
    stream = subject.stream
    fills = _Fills()
    page = stream.ram.page_size
    walker = Walker(
        SECTIONS, context=Context(page_size=page, limit=stream.size, base=stream.base, pages=fills)
    )
    for item in drive(stream.store, walker):
        if isinstance(item, Section) and item.type == SectionType.FULL:
            break
    for number, at, byte in fills.found:
        name = setups[0].blocks[number].name
        yield Hit(
            message=f"a zero page of RAM block {name} is filled with {byte:#04x}",
            section=subject.label_at(at),
            path=name,
            span=Span(_header(subject, at, name), at + 1),
            expected="00",
            found=f"{byte:02x}",
            hint="the record's flags may be damaged: a whole page may follow",
        )


class _Fills:
    """Where zero records with a fill byte are (`ram.records.Sink`): block number, offset of the byte, the byte."""

    def __init__(self) -> None:
        self.found: list[tuple[int, int, int]] = []

    def rows(self, block: BlockId, rows: memoryview, used: int, turn: int) -> None:
        del turn
        for row in range(0, used * kernel.ROW, kernel.ROW):
            kind, where = rows[row], rows[row + 3]
            if kind & 0xFF == kernel.FILL and kind >> 8 and len(self.found) < MOST_FILLS:
                self.found.append((block.number, where, kind >> 8))

    def sync(self, *, flush: bool) -> None:
        """Channels have no say here."""


def _header(subject: Subject, at: int, name: str) -> int:
    """Where the record begins whose fill byte is at `at`: before its block's name, if it has one."""
    raw = encoded(name)
    counted = bytes((len(raw),)) + raw
    start = max(at - len(counted), 0)
    named = bytes(subject.stream.store.view(start, at)) == counted
    return (start if named else at) - WORD


@rule("MS574", "error", "The setup's total is not the sum of its blocks")
def total(subject: Subject) -> Iterator[Hit]:
    """RAM's setup begins with the bytes of all blocks together, then lists them. QEMU reads blocks until the total is
    used up, so that a wrong length is followed by nonsense.

    References: QEMU, migration/ram.c: ram_save_setup, parse_ramblocks.
    """
    setup = subject.stream.ram_setup
    if setup is None or not setup.blocks:
        return
    counted = sum(b.used_length for b in setup.blocks)
    if counted != setup.total:
        yield Hit(
            message="the blocks do not add up to the total",
            section="ram[0]",
            span=Span(setup.records.span.start, setup.blocks[-1].span.stop),
            expected=f"{setup.total:#x} bytes",
            found=f"{counted:#x} bytes",
        )


@rule("MS575", "error", "A RAM block's name differs between the list and the pages")
def renamed(subject: Subject) -> Iterator[Hit]:
    """Page records name a block that the setup section does not list, and a block of the list has nearly that name:
    one of the two is damaged. A block whose name comes again in the pages is none of these. QEMU says `Unknown ramblock "..."` when it comes to the list.

    References: QEMU, migration/ram.c: parse_ramblock, ram_block_from_stream.
    """
    store = subject.stream.store
    for error in subject.damage:
        if not isinstance(error, BadRam) or not isinstance(error.found, str) or error.at is None:
            continue
        rest = bytes(store.view(error.at, min(store.size, error.at + LOOKED_AT)))
        for block in subject.stream.blocks:
            raw = encoded(block.name)
            if _alike(block.name, error.found) and bytes((len(raw),)) + raw not in rest:
                yield Hit(
                    message=f"the list has {block.name}, the pages are those of {error.found}",
                    section="ram[0]",
                    path=block.name,
                    span=block.span,
                    expected=error.found,
                    found=block.name,
                )


def _alike(one: str, other: str) -> bool:
    """Whether two names of one length differ in few characters."""
    wrong = sum(a != b for a, b in zip(one, other, strict=False))
    return len(one) == len(other) and 0 < wrong <= max(1, len(one) // 4)
