"""Memory that is searched: a block that is no stream's, and bytes for it."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

from migstream.errors import NoSuchAddress
from migstream.ram.image import Run

PAGE = 64


class Block:
    """Pages of bytes; those in `elsewhere` cannot be read, those of zeros are said to be such."""

    def __init__(self, data: bytes, elsewhere: frozenset[int] = frozenset()) -> None:
        self.data = data
        self.elsewhere = elsewhere
        self.asked: list[tuple[int, int]] = []

    def read(self, start: int, stop: int) -> bytes:
        self.asked.append((start, stop))
        if any(page in self.elsewhere for page in range(start // PAGE, -(-stop // PAGE))):
            raise NoSuchAddress("elsewhere")
        return self.data[start:stop]

    def readinto(self, start: int, out: memoryview) -> None:
        out[:] = self.read(start, start + len(out))

    def runs(self, start: int, stop: int) -> Iterator[Run]:
        for at in range(start - start % PAGE, stop, PAGE):
            page = self.data[at : at + PAGE]
            kind = "absent" if at // PAGE in self.elsewhere else "data" if any(page) else "zero"
            yield Run(kind, max(at, start), min(at + PAGE, stop))


ALPHABET = st.sampled_from([0, 0, 0, 97, 98, 65, 255])
DATA = st.lists(
    st.one_of(
        st.lists(ALPHABET, min_size=1, max_size=40).map(bytes),
        st.integers(1, 600).map(bytes),
    ),
    max_size=12,
).map(b"".join)
