"""The codec of section `ram`, version 4 (migration/ram.c: ram_save_setup, ram_load_precopy)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migstream.errors import BadRam
from migstream.ram.model import (
    TARGET_PAGES,
    BlockRecords,
    RamBlock,
    RamRecords,
    RamSetup,
    RamSummary,
)
from migstream.ram.records import Records
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType, Span
from migstream.wire.registry import Context

if TYPE_CHECKING:
    from migstream.ram.mapped import MappedReader

__all__ = ["RamCodec"]

RAM_VERSION = 4
MAX_BLOCKS = 1 << 16
MAX_LENGTH = 1 << 52  # as far as any architecture's physical addresses go
# How the names of machine types begin whose target's pages have 4096 bytes, whatever the CPU (target/i386, ppc, s390x:
# cpu-param.h). Others send target-page-bits, or are boards whose CPU decides.
FIXED = ("pc-", "isapc", "microvm", "xenfv", "pseries", "powernv", "s390-ccw-virtio")


class RamCodec:
    """Walks the RAM records of one stream, from START to END (protocol: wire.registry.Codec).

    Where `context.page_size` is None it is found from the first page records, and set.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = Records(context.pages, seen=context.seen)
        self._blocks: dict[str, RamBlock] = {}
        self._total = 0
        self._type = SectionType.PART
        self._version: int | None = RAM_VERSION
        self._reset()

    def _reset(self) -> None:
        self._start: int | None = None
        self._stop = 0
        self._setup_bytes = 0
        self._left: int | None = None
        self._open: tuple[int, str, int, int | None, int | None] | None = None
        self._mapped: MappedReader | None = None

    def begin(self, type_: SectionType, version_id: int) -> None:
        self._type, self._version = type_, version_id
        self._reset()
        self._records.begin(setup=type_ is SectionType.START)
        self._records.mapped = "mapped-ram" in self._context.capabilities

    def step(self, cur: Cursor) -> bool:
        if self._start is None:
            self._check_version(cur.offset)
            self._start = cur.offset
        records = self._records
        if self._left is None:
            self._walk(cur)
            if records.listing is not None:
                self._setup_bytes += 8
                self._total = self._left = records.listing
                self._blocks = {}
        if self._left is not None:
            self._list(cur)
        self._stop = cur.offset
        return records.ended

    def content(self) -> RamSetup | RamRecords:
        """What the section held: RamSetup of a START, else RamRecords."""
        records = RamRecords(
            span=Span(self._start or 0, self._stop),
            blocks=tuple(BlockRecords(name, tally) for name, tally in self._records.section()),
            flush=self._records.flush,
            hook=self._records.hook,
            eos=self._records.eos,
            setup_bytes=self._setup_bytes,
            landmarks=self._records.landmarks(),
        )
        if self._type is not SectionType.START:
            return records
        return RamSetup(total=self._total, blocks=tuple(self._blocks.values()), records=records)

    @property
    def blocks(self) -> tuple[RamBlock, ...]:
        """The MEM_SIZE list as far as it was read; a block's number is its place in it."""
        return tuple(self._blocks.values())

    def summary(self) -> RamSummary:
        """What all sections held so far."""
        return RamSummary(
            page_size=self._context.page_size,
            blocks=tuple(BlockRecords(name, tally) for name, tally in self._records.total()),
            rounds=self._records.rounds(),
            round_count=self._records.round_count,
        )

    def _check_version(self, at: int) -> None:
        if self._type is SectionType.START and self._version != RAM_VERSION:
            raise BadRam(
                f"RAM section version {self._version}",
                at=max(at - 4, 0),
                expected=RAM_VERSION,
                found=self._version,
                hint="QEMU has written version 4 since 0.13, and reads no other",
            )

    def _walk(self, cur: Cursor) -> None:
        page = self._context.page_size
        if page is None or page < 256 or page.bit_count() != 1:
            if self._records.lone(cur):
                return
            page = _told(self._context)
            if page is None:
                from migstream.ram.detect import detect

                page, sure = detect(cur, self._records.lengths, self._records.current)
                self._context.guessed = not sure
            self._context.page_size = page
        self._records.page = page
        self._records.walk(cur)

    # --- MEM_SIZE: the list of blocks ----------------------------------------------------------

    def _list(self, cur: Cursor) -> None:
        """Read the blocks up to the announced sum (migration/ram.c: parse_ramblocks)."""
        while self._left or self._open:
            if self._open is None:
                self._block(cur)
            if self._open is not None:
                self._area(cur)
        self._left = self._records.listing = None
        listed = tuple((block.name, block.used_length) for block in self._blocks.values())
        if self._context.blocks not in {None, listed}:
            raise BadRam(
                "another list of RAM blocks",
                at=cur.offset,
                expected="the blocks of the list before",
                found=f"{len(listed)} blocks",
                hint="parts of two streams are in this one: pages before and behind are not of one guest",
            )
        self._context.blocks = listed

    def _block(self, cur: Cursor) -> None:
        start, left = cur.offset, self._left or 0
        raw = cur.counted()
        name = raw.decode("utf-8", "surrogateescape")
        if not raw or name in self._blocks or self._records.known >= MAX_BLOCKS:
            raise BadRam(
                f"RAM block {name!r} twice" if name in self._blocks else "no such list of blocks",
                at=start,
                expected=f"a name of its own, for at most {MAX_BLOCKS} blocks",
                found=name,
                hint="the block list is damaged",
            )
        length = cur.u64()
        if length > left:
            raise BadRam(
                f"the blocks are larger than their announced sum, at block {name}",
                at=cur.offset - 8,
                expected=f"at most {left:#x}",
                found=length,
                hint="the list holds fields that were not expected, or is damaged",
            )
        if length > MAX_LENGTH:
            raise BadRam(
                f"RAM block {name} of {length:#x} bytes",
                at=cur.offset - 8,
                expected=f"at most {MAX_LENGTH:#x}",
                found=length,
                hint="no guest has so much memory: the block list is damaged",
            )
        page_size = self._postcopy_page_size(cur, last=length == left)
        address = self._address(cur)
        if self._records.mapped:
            from migstream.ram.mapped import MappedReader

            known, limit = self._context.page_size, self._context.limit
            self._mapped = MappedReader(cur, name, length, known, limit, self._context.base)
            self._context.page_size = self._mapped.page
        self._open = start, name, length, page_size, address
        self._left = left - length
        self._records.know(raw, length)
        self._setup_bytes += cur.offset - start
        cur.commit()

    def _area(self, cur: Cursor) -> None:
        assert self._open is not None
        start, name, length, page_size, address = self._open
        mapped = None if self._mapped is None else self._mapped.step(cur)
        if mapped is not None:
            self._setup_bytes += cur.offset - mapped.header.stop
        self._blocks[name] = RamBlock(
            name=name,
            used_length=length,
            page_size=page_size,
            address=address,
            span=cur.span(start),
            mapped=mapped,
        )
        self._open = self._mapped = None
        cur.commit()

    def _postcopy_page_size(self, cur: Cursor, *, last: bool) -> int | None:
        """The block's page size, sent only where it is not the usual one; nothing flags it.

        Plausible is a power of two out of the advised ones. With x-ignore-shared an address can
        look the same: then what follows it decides.
        """
        advised = self._context.advise
        if advised is None or not advised[0]:
            return None
        value = int.from_bytes(cur.peek(8), "big")
        if value.bit_count() != 1 or not value & advised[0]:
            return None
        if "x-ignore-shared" in self._context.capabilities:
            after = cur.peek(16)[8:]
            record = last and int.from_bytes(after, "big") in (0x10, 0x200)
            if record or after[:1] != b"\x00":
                return None
        return cur.u64()

    def _address(self, cur: Cursor) -> int | None:
        """The guest-physical address, with x-ignore-shared; before a mapped-ram header too."""
        if "x-ignore-shared" not in self._context.capabilities:
            return None
        if self._records.mapped:
            from migstream.ram.mapped import VERSION

            head = cur.peek(12)
            if head[:4] == VERSION.to_bytes(4, "big") and head[8:] != VERSION.to_bytes(4, "big"):
                return None
        return cur.u64()


def _told(context: Context) -> int | None:
    """The target page size where the start of the stream tells it; None where the records have to.

    It is that of a machine type whose target has but one, or the second number of POSTCOPY_ADVISE
    (savevm.c: qemu_savevm_send_postcopy_advise).
    """
    if context.configuration is not None and context.configuration.machine.startswith(FIXED):
        return 4096
    advised = 0 if context.advise is None else context.advise[1]
    return advised if advised in TARGET_PAGES else None
