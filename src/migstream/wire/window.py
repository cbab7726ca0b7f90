"""The bytes that were pushed in and not read yet: what stands between pieces of any size and a cursor.

Whoever reads takes `cursor()`, reads on with it until NeedData, and gives it back to `settle`.
"""

from __future__ import annotations

from migstream.errors import Unsupported
from migstream.wire.cursor import WINDOW, Cursor

__all__ = ["LARGEST", "Window"]

LARGEST = 16 << 20


class Window:
    """Bytes [base, stop) of a source that is fed.

    Bytes that were read are given up at the next `feed`, so that no more is held than one piece and
    what was not enough yet.

    Parameters
    ----------
    start : absolute offset of the first byte that it will be fed
    most : bytes that may be not enough, at most

    Attributes
    ----------
    base : absolute offset of the first byte that is held
    mark : absolute offset behind what was read; nothing before it will be read again
    """

    def __init__(self, start: int = 0, *, most: int = LARGEST) -> None:
        self.base = self.mark = start
        self._most = most
        self._held = bytearray()
        self._eof = False
        self._stalled = False  # nothing was read the last time

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """The next bytes. They are copied, and views of earlier ones stay as they are.

        Raises
        ------
        Unsupported : more is not held (`stuck`)
        ValueError : the end was said
        """
        if self._eof:
            raise ValueError("bytes behind the end")
        if self.stuck:
            raise Unsupported(
                f"{self._most >> 20} MiB are not enough for what is being read",
                at=self.mark,
                hint="save the stream to a file first, then open the file",
            )
        gone = self.mark - self.base
        try:
            del self._held[:gone]
            self._held += data
        except BufferError:  # somebody still looks at a piece of it
            self._held = self._held[gone:] + data
        self.base = self.mark

    def end(self) -> None:
        """No more bytes come: what is missing now is damage."""
        self._eof = True

    def cursor(self) -> Cursor:
        """At the first byte that was not read."""
        return Cursor(memoryview(self._held)[self.mark - self.base :], self.mark, eof=self._eof)

    def settle(self, cur: Cursor) -> None:
        """What the cursor committed is read."""
        cur.rollback()
        self._stalled = cur.mark == self.mark
        self.mark = cur.mark

    @property
    def stuck(self) -> bool:
        """Whether all that may be held was not enough for what is being read."""
        return self._stalled and not self._eof and self.stop - self.mark >= self._most

    @property
    def want(self) -> int:
        """How many bytes are worth feeding next: fewer may do, and many small pieces cost more."""
        return max(WINDOW, self.stop - self.mark if self._stalled else 0)

    @property
    def stop(self) -> int:
        """Absolute offset behind the last byte that is held."""
        return self.base + len(self._held)

    def view(self, start: int, stop: int) -> memoryview:
        """Bytes [start, stop) that are held."""
        return memoryview(self._held)[start - self.base : stop - self.base]
