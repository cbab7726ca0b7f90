"""Pages of a mapped-ram area: what is shown of them is what is read of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.ram import bitmap, kernel
from migstream.ram.bitmap import BitmapPages
from migstream.ram.model import MappedRam
from migstream.ram.records import BlockId
from migstream.source.store import Whole
from migstream.wire.model import Span

P = 1024
AREA = 3 * P


class Copied:
    """Makes memory of what it is shown (`ram.records.Seen`)."""

    def __init__(self, pages: int) -> None:
        self.pages: list[bytes | None] = [None] * pages

    def begin(self) -> None: ...

    def rows(
        self, name: str, block: BlockId, rows: memoryview, used: int, window: memoryview, base: int
    ) -> None:
        assert (name, block.stride) == ("ram", P)
        assert used
        for row in range(0, used * kernel.ROW, kernel.ROW):
            kind, first, count, where = rows[row : row + kernel.ROW]
            for page in range(count):
                assert self.pages[first + page] is None
                at = where - base + page * block.stride
                content = bytes(P) if kind == kernel.FILL else bytes(window[at : at + P])
                self.pages[first + page] = content


def mapped(bits: list[bool]) -> tuple[BitmapPages, bytes]:
    """A block with contents where a bit is set, and what its memory is; holes hold something else."""
    count = len(bits)
    size = -(-count // 64) * 8
    words = sum(bit << n for n, bit in enumerate(bits)).to_bytes(size, "little")
    noise = random.Random(count).randbytes(count * P)  # noqa: S311 - filler, no secret
    source = words + bytes(AREA - size) + noise
    ram = MappedRam(
        version=1,
        page_size=P,
        bitmap_offset=0,
        pages_offset=AREA,
        header=Span(0, 0),
        bitmap=Span(0, size),
        gap=Span(size, AREA),
        pages=Span(AREA, AREA + count * P),
        pages_present=sum(bits),
    )
    memory = b"".join(noise[n * P : (n + 1) * P] if bit else bytes(P) for n, bit in enumerate(bits))
    return BitmapPages(ram, count * P, Whole(source)), memory


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=12),
    st.integers(1, 9),
    st.integers(1, 4),
)
def test_what_is_shown_is_what_is_read(runs: list[tuple[bool, int]], most: int, rows: int) -> None:
    bits = [bit for bit, count in runs for _ in range(count)]
    pages, memory = mapped(bits)
    out = bytearray(len(memory))
    pages.fill(0, memoryview(out))
    assert bytes(out) == memory
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bitmap, "SHOWN", most * P)
        patched.setattr(bitmap, "ROWS", rows)
        seen = Copied(len(bits))
        pages.show("ram", BlockId(0, len(memory), P, P), seen)
    assert b"".join(page or b"?" for page in seen.pages) == memory
