"""Windows of a store that is read from front to back: large ones of a file, in one buffer that is used again."""

from __future__ import annotations

from migstream.source.store import Store, file_under, read_into

__all__ = ["Forward"]

LARGE = 8 << 20  # bytes: half of it stays in a processor's cache
# The next window begins at most so far before the end of one of which all was needed: at a record that is cut off there.
NEAR = 64 << 10


class Forward:
    """Gives what is asked for, and more where the windows follow each other, as they do in guest memory.

    What it gave stays as it is for whoever looks at it still: a buffer is used again when nobody does.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._behind = -1  # where the window before ended
        self._buffer = bytearray()

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop) at least, fewer where the source ends before."""
        store, size = self._store, self._store.size
        goes_on = 0 <= self._behind - start <= NEAR
        if goes_on and stop - start < LARGE <= size - start and file_under(store, start):
            view = self._room()
            read_into(store, start, view)
        else:
            view = store.view(start, stop)
        self._behind = start + len(view)
        return view

    def _room(self) -> memoryview:
        try:
            self._buffer.append(0)  # which is refused as long as somebody looks at a piece of it
            del self._buffer[LARGE:]
        except BufferError:
            self._buffer = bytearray(LARGE)
        if len(self._buffer) < LARGE:
            self._buffer = bytearray(LARGE)
        return memoryview(self._buffer)
