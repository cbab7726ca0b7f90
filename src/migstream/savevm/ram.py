"""Guest memory as a live section: saved in rounds while it changes, and loaded.

Records: QEMU, migration/ram.c (ram_save_setup, ram_save_iterate, ram_save_complete,
save_xbzrle_page, mapped_ram_setup_ramblock, ram_load_precopy).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from mmap import mmap
from typing import Protocol

import msgspec

from migstream.errors import BadRam
from migstream.qemu.words import say
from migstream.ram import kernel
from migstream.ram.encode import END_OF_RECORDS, Area, setup_word
from migstream.ram.mapped import MappedReader
from migstream.ram.records import CONTINUE, ENCODING_XBZRLE, EOS, MEM_SIZE, PAGE, XBZRLE, ZERO
from migstream.ram.xbzrle import XBZRLE_LIMIT, xbzrle_encode
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType

__all__ = ["Block", "GuestRam", "XbzrleCache"]

RAM_VERSION = 4
CHUNK = 1 << 20  # bytes of guest memory that are looked at together, and written at once
ALIGNED = 4096
SECTION = 16 << 20  # bytes of guest memory in one PART, at most


class Sink(Protocol):
    """Where records go. Only mapped-ram asks for more than `write`.

    As `io` has it, `write` may not keep what it is given: the bytes change once it returns.
    """

    def write(self, data: bytes | bytearray | memoryview, /) -> object: ...

    @property
    def offset(self) -> int:
        """Where the next byte goes, counted in the file."""
        ...

    def write_at(self, offset: int, data: bytes | bytearray | memoryview, /) -> None: ...

    def skip_to(self, offset: int, /) -> None: ...


class Block:
    """One RAM block.

    Parameters
    ----------
    name : as in the stream, at most 255 bytes
    memory : its bytes; loading changes them in place
    page_size : target page size in bytes

    Attributes
    ----------
    dirty : one byte for each page, not 0 since the guest wrote there; who changes memory while it
        is saved sets it, directly or by `mark`
    """

    def __init__(self, name: str, memory: bytearray | memoryview, page_size: int = 4096) -> None:
        self.name = name
        self.idstr = name.encode("utf-8", "surrogateescape")
        self.head = bytes((len(self.idstr) & 0xFF,)) + self.idstr  # the counted name
        self.memory = memoryview(memory).cast("B")
        self.page_size = page_size
        if not 0 < len(self.idstr) < 256:
            raise ValueError(f"the name of a RAM block has 1 to 255 bytes: {name!r}")
        if page_size.bit_count() != 1 or len(self.memory) % page_size:
            raise ValueError(f"{name}: {len(self.memory)} bytes are not whole pages of {page_size}")
        self.words = self.memory.cast("Q")
        self.dirty = bytearray(len(self.memory) // page_size)

    def __len__(self) -> int:
        return len(self.memory)

    @property
    def pages(self) -> int:
        return len(self.dirty)

    def mark(self, offset: int, size: int = 1) -> None:
        """Bytes [offset, offset + size) were written to; raises IndexError outside the block."""
        if offset < 0 or size < 1 or offset + size > len(self):
            raise IndexError(f"{self.name} has no bytes {offset:#x} to {offset + size:#x}")
        first, last = offset // self.page_size, (offset + size - 1) // self.page_size
        self.dirty[first : last + 1] = b"\1" * (last + 1 - first)


class XbzrleCache:
    """Pages as they were last sent, the least recently sent ones given up first.

    Parameters
    ----------
    size : bytes of pages to keep at most
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._pages: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def replace(self, key: tuple[str, int], page: bytes) -> bytes | None:
        """Keep `page`, and return what was kept before."""
        old = self._pages.pop(key, None)
        self._pages[key] = page
        while len(self._pages) * len(page) > self._size:
            self._pages.popitem(last=False)
        return old


class GuestRam:
    """The handler of section `ram`, version 4: register it as a live one.

    Parameters
    ----------
    blocks : in the order of the stream
    xbzrle : bytes of the XBZRLE cache, 0 for no deltas; they begin after the first round
    mapped : pages at fixed places of the file (capability `mapped-ram`); wants a sink that seeks
    """

    version = RAM_VERSION

    def __init__(self, blocks: Sequence[Block], *, xbzrle: int = 0, mapped: bool = False) -> None:
        self.blocks = tuple(blocks)
        sizes = {block.page_size for block in blocks}
        if len(sizes) > 1 or len({block.idstr for block in blocks}) < len(blocks):
            raise ValueError("RAM blocks have names of their own and one page size")
        self.page_size = sizes.pop() if sizes else 4096
        if xbzrle and self.page_size > XBZRLE_LIMIT:
            raise ValueError(f"XBZRLE counts to {XBZRLE_LIMIT} bytes, a page has {self.page_size}")
        self.mapped = mapped
        self.rounds = 0
        self._cache = XbzrleCache(xbzrle) if xbzrle else None
        self._zero = bytes(self.page_size)
        self._step = max(CHUNK // self.page_size, 1)  # pages that are looked at together
        # One buffer for all chunks: new ones of this size cost the allocator more than the copy.
        self._packed = memoryview(mmap(-1, self._step * (8 + self.page_size) + 256 + ALIGNED))
        self._last: Block | None = None
        self._place = (0, 0)  # block and page where the round goes on
        self._areas: dict[str, _Area] = {}
        self._undo: dict[tuple[int, int], bytes] | None = None
        self._loading: _Loading | None = None

    # --- saved -------------------------------------------------------------------------------

    def pending(self) -> int:
        """Bytes of pages that are to be sent."""
        return self.page_size * sum(kernel.marked(memoryview(b.dirty)) for b in self.blocks)

    def save_setup(self, out: Sink) -> None:
        """List the blocks; from here on every page counts as changed."""
        self._last, self._place, self.rounds, self._areas = None, (0, 0), 0, {}
        total = sum(map(len, self.blocks))
        out.write(setup_word(total))
        for block in self.blocks:
            out.write(block.head + len(block).to_bytes(8, "big"))
            if self.mapped:
                self._areas[block.name] = _Area(block, out)
            block.dirty[:] = b"\1" * block.pages
        out.write(END_OF_RECORDS)

    def save_iterate(self, out: Sink) -> None:
        """Send the next pages of this round: at most 16 MiB."""
        self._send(out, SECTION)
        out.write(END_OF_RECORDS)

    def save_complete(self, out: Sink) -> None:
        """Send what is left, while the guest stands still."""
        while self.pending():
            self._send(out, SECTION)
        for area in self._areas.values():
            area.finish(out)
        out.write(END_OF_RECORDS)

    def _send(self, out: Sink, most: int) -> None:
        """Send changed pages until `most` bytes of memory were looked at, or the round ends."""
        number, page = self._place
        while number < len(self.blocks):
            block = self.blocks[number]
            while (page := _next_dirty(block.dirty, page)) < block.pages:
                stop = min(page + self._step, block.pages)
                if most <= 0:
                    self._place = (number, page)
                    return
                self._send_chunk(out, block, page, stop)
                most -= (stop - page) * self.page_size
                page = stop
            number, page = number + 1, 0
        self._place = (0, 0)
        self.rounds += 1

    def _send_chunk(self, out: Sink, block: Block, first: int, stop: int) -> None:
        """Send the changed ones of pages [first, stop). Their marks go before they are copied, so
        that what the guest writes meanwhile is sent again.
        """
        kinds = block.dirty[first:stop]
        block.dirty[first:stop] = bytes(stop - first)
        kernel.kinds(block.words, first, self.page_size // 8, memoryview(kinds))
        if self.mapped:
            self._areas[block.name].put(out, block, first, kinds)
        elif self._cache is not None and self.rounds > 0:
            out.write(b"".join(self._deltas(block, first, kinds)))
        elif any(kinds):
            name = b"" if self._last is block else block.head
            self._last = block
            # as they will lie to a page of the file: the kernel copies faster then
            packed = self._packed[out.offset % ALIGNED :]
            used = kernel.pack(
                block.memory,
                0,
                memoryview(kinds),
                first,
                self.page_size,
                memoryview(name),
                packed,
            )
            out.write(packed[:used])

    def _deltas(self, block: Block, first: int, kinds: bytearray) -> Iterator[bytes]:
        """Records of pages from number `first` on, deltas where they are smaller."""
        for page, kind in enumerate(kinds, first):
            if not kind:
                continue
            at = page * self.page_size
            content = block.memory[at : at + self.page_size].tobytes()
            # The guest may have written since: the cache must have what is sent.
            kind = ZERO if content == self._zero else PAGE
            flags, content = self._delta(block, page, kind, content)
            if not flags:
                continue
            if self._last is block:
                yield (at | flags | CONTINUE).to_bytes(8, "big") + content
            else:
                self._last = block
                yield (at | flags).to_bytes(8, "big") + block.head + content

    def _delta(self, block: Block, number: int, kind: int, page: bytes) -> tuple[int, bytes]:
        """Flag and content of the record: a delta where that is smaller, flag 0 where nothing
        changed (save_xbzrle_page).
        """
        assert self._cache is not None
        old = self._cache.replace((block.name, number), page)
        if kind == ZERO:
            return ZERO, b"\0"
        delta = None if old is None else xbzrle_encode(old, page)
        if delta is None:
            return PAGE, page
        if not delta:
            return 0, b""
        return XBZRLE, bytes((ENCODING_XBZRLE,)) + len(delta).to_bytes(2, "big") + delta

    # --- loaded ------------------------------------------------------------------------------

    @contextmanager
    def keep(self) -> Iterator[None]:
        """Remember pages before they are loaded over, and put them back after an error."""
        outer = self._undo
        undo: dict[tuple[int, int], bytes] = {}
        if outer is None:
            self._loading = None
        self._undo = undo
        try:
            yield
        except BaseException:
            for (number, page), content in undo.items():
                at = page * self.page_size
                self.blocks[number].memory[at : at + self.page_size] = content
            raise
        else:
            if outer is not None:
                for key, content in undo.items():
                    outer.setdefault(key, content)
        finally:
            self._undo = outer

    def load(self, cur: Cursor, kind: SectionType, version: int) -> None:
        """Read one section's records, each of them committed (ram_load_precopy)."""
        if self._loading is None:
            self._loading = _Loading()
            if kind is SectionType.START:
                self._last = None
                if version != RAM_VERSION:
                    raise BadRam(
                        f"RAM section version {version}",
                        at=cur.offset,
                        expected=RAM_VERSION,
                        found=version,
                    )
        mask = self.page_size - 1
        while True:
            self._load_list(cur, self._loading)
            at = cur.offset
            word = cur.u64()
            flags, offset = word & mask, word & ~mask
            if flags == EOS:
                self._loading = None
                return
            if flags == MEM_SIZE:
                self._loading.listed = offset
            else:
                self._load_page(cur, flags, offset, at)
            cur.commit()

    def _load_list(self, cur: Cursor, loading: _Loading) -> None:
        """Blocks up to the sum of their lengths that was announced; an entry, or a page of its area, at a time."""
        self._load_area(cur, loading)
        local = {block.idstr: block for block in self.blocks} if loading.listed else {}
        while loading.listed > 0:
            at = cur.offset
            raw = cur.counted()
            block = local.get(raw)
            name = raw.decode("utf-8", "surrogateescape")
            length = cur.u64()
            if block is None:
                raise BadRam(
                    say("unknown-block", block=name),
                    at=at,
                    expected=", ".join(each.name for each in self.blocks) or "none",
                    found=name,
                    hint="a device is missing, or the machine is another one",
                )
            if length != len(block):
                raise BadRam(
                    say("block-size", block=name, received=length, local=len(block)),
                    at=cur.offset - 8,
                    expected=len(block),
                    found=length,
                    hint="the machine has another amount of memory",
                )
            area = self._area(cur, block) if self.mapped else None
            if length > loading.listed:
                raise BadRam("the blocks are larger than their announced sum", at=at)
            loading.listed -= length
            loading.area = area
            cur.commit()
            self._load_area(cur, loading)

    def _area(self, cur: Cursor, block: Block) -> _AreaLoading | None:
        """What precedes the pages of a block in a mapped-ram file; None where it has none."""
        reader = MappedReader(cur, block.name, len(block), self.page_size, None)
        if reader.empty:
            return None
        bitmap = cur.take(-(-block.pages // 64) * 8).tobytes()
        if int.from_bytes(bitmap, "little") >> block.pages:
            raise BadRam(say("mapped-range", block=block.name), at=reader.bitmap_at)
        cur.skip(reader.pages_at - cur.offset)
        return _AreaLoading(block, bitmap)

    def _load_area(self, cur: Cursor, loading: _Loading) -> None:
        """The pages of the area that is being read, if one is."""
        area = loading.area
        if area is None:
            return
        for page in range(area.page, area.block.pages):
            content = cur.take(self.page_size)
            there = area.bitmap[page >> 3] >> (page & 7) & 1
            self._put(area.block, page, bytes(content) if there else self._zero)
            area.page = page + 1
            cur.commit()
        loading.area = None

    def _load_page(self, cur: Cursor, flags: int, offset: int, at: int) -> None:
        kind = flags & ~CONTINUE
        if kind not in {ZERO, PAGE, XBZRLE}:
            raise BadRam(
                say("ram-flags", flags=flags),
                at=at,
                expected="one kind of page",
                found=f"{flags:#x}",
                hint="what precedes was read with another length than it was written with",
            )
        if self.mapped:
            raise BadRam(say("mapped-flags", flags=flags), at=at)
        block = self._block(cur, flags, at)
        if offset >= len(block):
            raise BadRam(say("ram-offset", offset=offset), at=at, expected=f"under {len(block):#x}")
        page = offset // self.page_size
        if kind == PAGE:
            self._put(block, page, cur.take(self.page_size).tobytes())
        elif kind == ZERO:
            self._load_zero(cur, block, page)
        else:
            self._put(block, page, self._patched(cur, block, page))

    def _block(self, cur: Cursor, flags: int, at: int) -> Block:
        if flags & CONTINUE:
            if self._last is None:
                raise BadRam(say("no-block"), at=at)
            return self._last
        raw = cur.counted()
        block = next((each for each in self.blocks if each.idstr == raw), None)
        if block is None:
            raise BadRam(say("block-lost", block=raw.decode("utf-8", "backslashreplace")), at=at)
        self._last = block
        return block

    def _load_zero(self, cur: Cursor, block: Block, page: int) -> None:
        at = cur.offset
        fill = cur.u8()
        if fill:
            raise BadRam(say("zero-page", value=fill), at=at, expected=0, found=fill)
        self._put(block, page, self._zero)

    def _patched(self, cur: Cursor, block: Block, page: int) -> bytes:
        at = cur.offset
        encoding, length = cur.u8(), cur.u16()
        if encoding != ENCODING_XBZRLE:
            raise BadRam(say("xbzrle/compression"), at=at)
        if length > self.page_size:
            raise BadRam(say("xbzrle/length"), at=at)
        delta = cur.take(length)
        start = page * self.page_size
        content = bytearray(block.memory[start : start + self.page_size])
        wrong, _ = kernel.xbzrle(memoryview(delta), 0, length, memoryview(content))
        if wrong:
            raise BadRam(say("xbzrle/decode"), at=at)
        return bytes(content)

    def _put(self, block: Block, page: int, content: bytes) -> None:
        start, stop = page * self.page_size, (page + 1) * self.page_size
        if self._undo is not None:
            old = block.memory[start:stop].tobytes()
            if old == content:
                return
            self._undo.setdefault((self.blocks.index(block), page), old)
        block.memory[start:stop] = content


class _AreaLoading(msgspec.Struct):
    """The area being read: its bitmap, and the page that comes next."""

    block: Block
    bitmap: bytes
    page: int = 0


class _Loading(msgspec.Struct):
    """Where the section that is being read goes on: `listed` bytes of blocks are still to be listed."""

    listed: int = 0
    area: _AreaLoading | None = None


class _Area:
    """A block's part of a mapped-ram file: header, bitmap, and a place for each page."""

    def __init__(self, block: Block, out: Sink) -> None:
        self._size = block.page_size
        self._place = Area.behind(out.offset, len(block), self._size)
        self._bitmap = bytearray(self._place.bitmap_size(self._size))
        out.write(self._place.head(self._size))
        out.skip_to(self._place.stop)

    def put(self, out: Sink, block: Block, first: int, kinds: bytearray) -> None:
        """Write pages from number `first` on to their places, those that follow each other at once."""
        start = stop = first  # of the run that is to be written
        for page, kind in enumerate(kinds, first):
            if kind == PAGE:
                self._bitmap[page >> 3] |= 1 << (page & 7)
                if page != stop:
                    self._flush(out, block, start, stop)
                    start = page
                stop = page + 1
            elif kind == ZERO:
                self._bitmap[page >> 3] &= ~(1 << (page & 7))
        self._flush(out, block, start, stop)

    def _flush(self, out: Sink, block: Block, start: int, stop: int) -> None:
        if start < stop:
            run = block.memory[start * self._size : stop * self._size]
            out.write_at(self._place.pages + start * self._size, run)

    def finish(self, out: Sink) -> None:
        out.write_at(self._place.bitmap, self._bitmap)


def _next_dirty(dirty: bytearray, start: int) -> int:
    """The first page from `start` on whose byte is not 0, or the number of pages."""
    rest = len(dirty) - start
    if rest > 0 and dirty[start]:
        return start
    while rest > 0:
        window = dirty[start : start + (1 << 16)]
        skipped = len(window) - len(window.lstrip(b"\0"))
        if skipped < len(window):
            return start + skipped
        start += len(window)
        rest -= len(window)
    return len(dirty)
