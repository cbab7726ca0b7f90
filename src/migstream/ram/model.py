"""What the RAM sections of a stream hold: blocks and counts, never bytes of the guest."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from migstream.wire.model import Section, Span

__all__ = [
    "TARGET_PAGES",
    "BlockRecords",
    "Landmark",
    "MappedRam",
    "RamBlock",
    "RamRecords",
    "RamSetup",
    "RamSummary",
    "Tally",
    "landmarks",
    "records_of",
]

# Sizes that a target's pages can have, the likeliest first.
TARGET_PAGES = (4096, 1024, 8192, 65536, 16384, 2048, 32768, 256)


class Tally(msgspec.Struct, frozen=True):
    """Page records by kind. The bytes are those of whole records: word, block id and content.

    `nonzero` counts the ZERO records among `zero` whose fill byte is not 0.
    """

    zero: int = 0
    normal: int = 0
    xbzrle: int = 0
    compressed: int = 0
    nonzero: int = 0
    zero_bytes: int = 0
    normal_bytes: int = 0
    xbzrle_bytes: int = 0
    compressed_bytes: int = 0

    @property
    def pages(self) -> int:
        return self.zero + self.normal + self.xbzrle + self.compressed

    @property
    def size(self) -> int:
        """Bytes of all the records."""
        return self.zero_bytes + self.normal_bytes + self.xbzrle_bytes + self.compressed_bytes

    def kinds(self) -> Iterator[tuple[str, int, int]]:
        """Each kind that occurs: its name, how many records, their bytes."""
        for kind in ("zero", "normal", "xbzrle", "compressed"):
            if pages := getattr(self, kind):
                yield kind, pages, getattr(self, f"{kind}_bytes")


class BlockRecords(msgspec.Struct, frozen=True):
    """The page records of one block."""

    name: str
    tally: Tally


class Landmark(msgspec.Struct, frozen=True, kw_only=True):
    """The first record of a section of a kind that not every QEMU reads.

    `at` is the offset of its word, `flags` are the low bits of it as QEMU prints them; `fill` is the
    byte of a page that is filled with another one than zero.
    """

    at: int
    flags: int
    fill: int = 0


class RamRecords(msgspec.Struct, frozen=True, kw_only=True):
    """One section's records. `blocks` are those that occur in it, in order of appearance.

    `landmarks` are in the order of the stream, one of each kind: COMPRESS_PAGE, MULTIFD_FLUSH,
    and a page filled with another byte than zero. `setup_bytes` are the MEM_SIZE records with all that belongs to them (mapped-ram areas too);
    `eos`, `flush` and `hook` are numbers of records of 8 bytes.
    """

    span: Span
    blocks: tuple[BlockRecords, ...] = ()
    flush: int = 0
    hook: int = 0
    eos: int = 0
    setup_bytes: int = 0
    landmarks: tuple[Landmark, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that the counts explain: the payload's size, when the section is whole."""
        control = 8 * (self.flush + self.hook + self.eos)
        return self.setup_bytes + control + sum(b.tally.size for b in self.blocks)

    @property
    def unexplained(self) -> int:
        """Bytes of the payload that belong to no record: always 0."""
        return self.span.size - self.size


class MappedRam(msgspec.Struct, frozen=True, kw_only=True):
    """A block's mapped-ram header and where its pages are (migration/ram.c: MappedRamHeader).

    The offsets are those of the file that QEMU wrote to, the spans those of the stream. An ignored block of newer releases has zeros there, and
    empty spans.
    """

    version: int
    page_size: int
    bitmap_offset: int
    pages_offset: int
    header: Span
    bitmap: Span
    gap: Span
    pages: Span
    pages_present: int


class RamBlock(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the MEM_SIZE list; `span` is all of it, a mapped-ram page area included.

    `page_size` is sent with postcopy-ram only, `address` (guest-physical) with x-ignore-shared.
    """

    name: str
    used_length: int
    page_size: int | None = None
    address: int | None = None
    span: Span
    mapped: MappedRam | None = None


class RamSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A START section: the blocks, and the section's records."""

    total: int
    blocks: tuple[RamBlock, ...]
    records: RamRecords


class RamSummary(msgspec.Struct, frozen=True, kw_only=True):
    """All RAM sections so far.

    `rounds` are the walks through memory: one ends where a block's offsets stop to rise. Only the
    first are told apart (postcopy asks for pages in any order); `round_count` counts all.
    """

    page_size: int | None
    blocks: tuple[BlockRecords, ...]
    rounds: tuple[Tally, ...]
    round_count: int


def records_of(section: Section) -> RamRecords | None:
    """The records of a RAM section; None of any other, and of one that could not be read."""
    content = section.content
    if isinstance(content, RamSetup):
        return content.records
    return content if isinstance(content, RamRecords) else None


def landmarks(section: Section) -> tuple[Landmark, ...]:
    """Landmarks of a RAM section; none of any other."""
    records = records_of(section)
    return () if records is None else records.landmarks
