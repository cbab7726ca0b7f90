"""The memory image: what each page of each block held when the stream ended, as it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, overload

from migstream.errors import NoSuchAddress
from migstream.names import brief
from migstream.ram import kernel
from migstream.ram.model import BlockRecords, RamBlock, RamSummary, Tally
from migstream.ram.presence import (
    KINDS,
    NEVER_SENT,
    ONE_VERSION,
    UNPLUGGED,
    Presence,
    Run,
    Stretch,
    without,
)

if TYPE_CHECKING:
    import numpy as np

    from migstream.ram.beside import Marks
    from migstream.ram.pages import Pages
    from migstream.ram.records import Seen

__all__ = ["Block", "Ram", "Run"]

SHOWN = 8  # blocks in a repr
NAMES = {kernel.NEVER: "absent", kernel.FILL: "zero", kernel.DATA: "data"}
T = TypeVar("T")
NOTHING = RamSummary(page_size=None, blocks=(), rounds=(), round_count=0)


class Block:
    """One RAM block's final contents: `block[0x7c00:0x7e00]`.

    Pages that were never sent read as zeros, as a destination has them, unless the contents are
    known to be elsewhere: then reading raises NoSuchAddress. `runs`, `coverage` and `presence`
    tell zero, absent and unplugged apart.

    Attributes
    ----------
    elsewhere : why the contents cannot be read here; None where they can
    unplugged : bytes of which a virtio-mem device said that nothing is plugged in there
    why : why pages of it may be absent
    """

    def __init__(
        self,
        block: RamBlock,
        page: int,
        pages: Pages | None,
        elsewhere: str | None = None,
        *,
        unplugged: Sequence[Stretch] = (),
        why: str = NEVER_SENT,
    ) -> None:
        self.name = block.name
        self.size = block.used_length
        self.address = block.address
        self.page = page
        self.elsewhere = elsewhere
        self.unplugged = tuple(unplugged)
        self.why = why
        self._pages = pages
        # of mapped-ram a page that was never sent is one of zeros
        mapped = block.mapped is not None and block.mapped.bitmap.size
        self._hollow = "zero" if mapped else "absent"

    def __len__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return brief("Block", self.name, f"{self.size:#x} bytes", self.elsewhere and "not here")

    def _row_(self) -> dict[str, object]:
        here = self.presence()
        return {
            "name": self.name,
            "size": self.size,
            "address": self.address,
            "page_size": here.page,
            "pages": here.pages,
            "sent": here.sent,
            "absent": here.absent,
            "unplugged": here.unplugged,
            "elsewhere": self.elsewhere,
        }

    def __getitem__(self, key: int | slice) -> bytes:
        """Bytes of the block; one byte for an integer. Negative indexes count from the end."""
        if isinstance(key, int):
            at = key + self.size if key < 0 else key
            return self.read(at, at + 1)
        start, stop, step = key.indices(self.size)
        return (
            self.read(start, max(start, stop))[::step] if step > 0 else self.read(0, self.size)[key]
        )

    def read(self, start: int, stop: int) -> bytes:
        """Bytes [start, stop).

        Raises
        ------
        NoSuchAddress : outside the block, or the contents are not in this stream
        ParseError : the records of these pages are damaged
        """
        return bytes(self._read(start, stop))

    def array(self, start: int = 0, stop: int | None = None) -> np.ndarray[Any, Any]:
        """Bytes [start, stop) as a NumPy array of uint8, shape (stop − start,)."""
        import numpy as np

        return np.frombuffer(self._read(start, self.size if stop is None else stop), np.uint8)

    def _read(self, start: int, stop: int) -> memoryview:
        if not 0 <= start <= stop <= self.size:
            raise NoSuchAddress(
                f"bytes {start:#x}-{stop:#x} of RAM block {self.name}",
                hint=f"the block has {self.size:#x} bytes",
            )
        first = start // self.page
        count = -(-stop // self.page) - first
        out = memoryview(bytearray(count * self.page))
        if count:
            self._sent().fill(first, out)
        lead = start - first * self.page
        return out[lead : lead + stop - start]

    def _sent(self) -> Pages:
        """Where the pages are; raises where they are not in the stream."""
        if self.elsewhere is not None or self._pages is None:
            raise NoSuchAddress(
                f"the contents of RAM block {self.name} are not in this stream",
                hint=self.elsewhere or "",
            )
        return self._pages

    def fill(self, first: int, out: memoryview) -> None:
        """Whole pages from page `first` on, as many as `out` has room for. Raises as `read`."""
        self._sent().fill(first, out)

    def readinto(self, start: int, out: memoryview) -> None:
        """Bytes from `start` on, as many as `out` has room for, and no copy of whole pages. Raises as `read`."""
        size = len(out)
        if start % self.page or size % self.page or not 0 <= start <= self.size - size:
            out[:] = self._read(start, start + size)
        else:
            self._sent().fill(start // self.page, out)

    def same(
        self, rows: memoryview, used: int, stride: int, window: memoryview, base: int, marks: Marks
    ) -> None:
        """Mark which pages of some rows are as they are here (`ram.pages.PageTable.same`); none where nobody can tell."""
        from migstream.ram.pages import PageTable

        if self.elsewhere is None and isinstance(self._pages, PageTable):
            self._pages.same(rows, used, stride, window, base, marks)

    @property
    def listed(self) -> bool:
        """Whether `same` can tell: where each page is stands in a table."""
        from migstream.ram.pages import PageTable

        return self.elsewhere is None and isinstance(self._pages, PageTable)

    def show(self, number: int, seen: Seen) -> None:
        """Show the pages of a mapped-ram area, which no walk comes to (`ram.bitmap.BitmapPages.show`); else nothing."""
        from migstream.ram.bitmap import BitmapPages
        from migstream.ram.records import BlockId

        if isinstance(self._pages, BitmapPages):
            one = BlockId(number, self.size, self.page, self.page)
            self._pages.show(self.name, one, seen)

    def runs(self, start: int = 0, stop: int | None = None) -> Iterator[Run]:
        """What [start, stop) consists of, in the largest pieces: `ram.presence.Run` has the kinds."""
        stop = self.size if stop is None else stop
        if self.elsewhere is None:
            return self._runs(start, stop)
        return without(_one("absent", start, stop), "absent", self.unplugged)

    def _runs(self, start: int, stop: int) -> Iterator[Run]:
        """The same of what was sent, whether or not it can be read here."""
        runs = self._kinds(start, stop)
        return without(runs, self._hollow, self.unplugged) if self.unplugged else runs

    def _kinds(self, start: int, stop: int) -> Iterator[Run]:
        if self._pages is None:
            yield from _one(self._hollow, start, stop)
            return
        at, end, page = start // self.page, -(-stop // self.page), self.page
        last, since = -1, start
        for kind, count in self._pages.alike(at, end):
            if kind != last:
                if last >= 0:
                    yield Run(NAMES[last], since, at * page)
                last, since = kind, max(start, at * page)
            at += count
        if last >= 0:
            yield Run(NAMES[last], since, stop)

    def sent(self) -> Iterator[tuple[int, bytes | int]]:
        """Offset and contents of every page that was sent; a page of one byte as that byte."""
        for run in self.runs():
            if run.kind in {"absent", "unplugged"} or self._pages is None:
                continue
            for start in range(run.start, run.stop, self.page):
                byte = self._pages.filled(start // self.page)
                stop = min(start + self.page, self.size)
                yield start, self.read(start, stop) if byte is None else byte

    def coverage(self) -> dict[str, int]:
        """Bytes of the block by kind (`ram.presence.KINDS`)."""
        sizes = dict.fromkeys(KINDS, 0)
        for run in self.runs():
            sizes[run.kind] += run.stop - run.start
        return sizes

    def reason(self, offset: int) -> str:
        """Why no record of this source is about what the guest had at `offset`."""
        if any(start <= offset < stop for start, stop in self.unplugged):
            return UNPLUGGED
        return self.why if self._hollow == "absent" else ONE_VERSION

    def presence(self) -> Presence:
        """How many of its pages are in the source."""
        sizes = dict.fromkeys(KINDS, 0)
        pages, page = -(-self.size // self.page), self.page
        if self._pages is None or self.unplugged:
            for run in self._runs(0, self.size):
                sizes[run.kind] += run.stop - run.start
        else:  # the same, where there may be many, without an object for each
            for kind, count in self._pages.alike(0, pages):
                sizes[NAMES[kind]] += count * page
        return Presence(
            page=page,
            pages=pages,
            sent=pages - -(-(sizes["absent"] + sizes["unplugged"]) // page),
            unplugged=sizes["unplugged"] // page,
            why=self.why,
        )


def _one(kind: str, start: int, stop: int) -> Iterator[Run]:
    if start < stop:
        yield Run(kind, start, stop)


class Ram(Mapping[str, Block]):
    """All RAM blocks: their final contents by name, and what the stream spent on them.

    It is empty, and so false, of a stream without guest memory.

    `blocks`, `rounds`, `round_count` and `page_size` count records (`ram.model`).
    """

    def __init__(self, summary: RamSummary = NOTHING, blocks: Sequence[Block] = ()) -> None:
        self.summary = summary
        self._blocks = {block.name: block for block in blocks}

    def __repr__(self) -> str:
        size = sum(block.size for block in self._blocks.values())
        names = ", ".join(islice(self._blocks, SHOWN)) + (", …" if len(self) > SHOWN else "")
        return brief("Ram", f"{len(self)} blocks, {size:#x} bytes{':' if names else ''}", names)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def _repr_html_(self) -> str:
        from migstream.tables import MOST_ROWS, html_table, rows

        return html_table(repr(self), rows(islice(self.values(), MOST_ROWS)), total=len(self))

    def __getitem__(self, name: str) -> Block:
        block = self._blocks.get(name)
        if not self._blocks:
            raise NoSuchAddress(f"no RAM block {name!r}: the stream has no guest memory")
        if block is None:
            from difflib import get_close_matches

            near = get_close_matches(name, self._blocks, 3) or list(self._blocks)[:3]
            raise NoSuchAddress(
                f"no RAM block {name!r}", hint=f"there are {', '.join(near)}" if near else ""
            )
        return block

    @overload
    def get(self, name: str, /) -> Block | None: ...
    @overload
    def get(self, name: str, default: T, /) -> Block | T: ...
    def get(self, name: str, default: T | None = None, /) -> Block | T | None:
        """The block of that name, or `default`."""
        return self._blocks.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._blocks

    def __iter__(self) -> Iterator[str]:
        return iter(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    def read(self, block: str, start: int, stop: int) -> bytes:
        """Bytes of a block (`machine.physical.BlockReader`)."""
        return self[block].read(start, stop)

    @property
    def page_size(self) -> int | None:
        """Target page size in bytes, None where no record told."""
        return self.summary.page_size

    @property
    def blocks(self) -> tuple[BlockRecords, ...]:
        return self.summary.blocks

    @property
    def rounds(self) -> tuple[Tally, ...]:
        return self.summary.rounds

    @property
    def round_count(self) -> int:
        return self.summary.round_count
