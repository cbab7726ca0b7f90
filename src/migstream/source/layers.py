"""What is open: a source, or what stands inside a container, and the containers on the way to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self

import msgspec

from migstream.errors import SourceError
from migstream.source.store import Store

__all__ = [
    "READING",
    "SPOOLING",
    "UNPACKED_FLOOR",
    "UNPACKED_RATIO",
    "UNPACKING",
    "Asked",
    "Layer",
    "Opened",
    "Pipe",
    "Tell",
    "Watch",
    "passed",
    "telling",
]

SPOOL_CHUNK = 1 << 18
STEP = 1 << 20  # bytes at most after which whoever watches is told again
MOST_HEAD = 1 << 20  # bytes of a pipe that are looked at before they are read
# What a compressed file may unpack to on a disk: this much in any case, and so many times its own size.
UNPACKED_FLOOR, UNPACKED_RATIO = 64 << 20, 256
MOST_ALIEN = (
    256 << 20
)  # bytes of a pipe that are read where what it begins with is not what was asked for


class Pipe(Protocol):
    """Bytes that go by once."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, none at the end; raises SourceError where they are damaged."""
        ...


# What is done, how many bytes of it are, and of how many, 0 where nobody knows; at the end, however it ends, all
# of them are.
Watch = Callable[[str, int, int], None]
READING = "reading"
SPOOLING = frozenset(("copying to a temporary file", "unpacking to a temporary file"))
COPIED, UNPACKED = sorted(SPOOLING)
UNPACKING = frozenset(("unpacking", UNPACKED))


Tell = Callable[[int], None]


def _nothing(_: int) -> None:
    pass


@contextmanager
def telling(watch: Watch | None, what: str, total: int) -> Iterator[Tell]:
    """Tell it in steps, how many bytes were done since the last one; at the end, however it ends, all are."""
    if watch is None or not total:
        yield _nothing
        return
    done, step = 0, min(total >> 8, STEP)
    due = step

    def tell(more: int) -> None:
        nonlocal done, due
        done += more
        if due <= done < total:
            due = done + step
            watch(what, done, total)

    try:
        yield tell
    finally:
        watch(what, total, total)


class Closing(Protocol):
    """What is closed with what is open."""

    def close(self) -> None: ...


class Layer(msgspec.Struct, frozen=True):
    """A container that was opened on the way.

    Attributes
    ----------
    name : a key of CONTAINERS
    said : what it says of itself, in a few words
    facts : the same for programs, and more
    """

    name: str
    said: str = ""
    facts: dict[str, Any] = {}


class Asked:
    """What was asked for of what stands in containers.

    Attributes
    ----------
    container : the name of the outermost container; "none" where there is none, whatever its bytes
        look like; None where its bytes tell
    watch : is told of what takes long
    """

    def __init__(
        self,
        container: str | None = None,
        inside: str | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.container = container
        self.watch = watch
        self._inside = inside

    def take(self) -> str | None:
        """The name of what is wanted of a container that holds several things; the first one that asks gets it."""
        inside, self._inside = self._inside, None
        return inside

    @property
    def left(self) -> str | None:
        """A name that no container asked for."""
        return self._inside


class Opened:
    """An open source: `store` where the bytes are at hand, else `pipe` to read them from, once.

    `cut` says why a pipe that was spooled ended early; `path` is that of a plain file; `device`
    tells a block device, whose end is not the stream's; `origin` is where in the outermost source
    the first byte is; `layers` are the containers that it was taken out of, the outermost first.
    `beside` are the recordings of the stream's channels that the same container holds.
    `base` is the offset in the file that QEMU wrote to of the first byte: what mapped-ram's offsets
    count from. `asked` says which of several things in a container is wanted. `far` is a source
    each range of which takes a round trip: all of it is read only where nothing less does.
    """

    def __init__(
        self, name: str, store: Store | None, pipe: Pipe | None, closing: list[object]
    ) -> None:
        self.name = name
        self.store = store
        self.pipe = pipe
        self.cut: SourceError | None = None
        self.path: str | None = None
        self.device = False
        self.far = False
        self.origin = 0
        self.base = 0
        self.asked = Asked()
        self.layers: tuple[Layer, ...] = ()
        self.beside: list[Opened] = []
        self._closing = closing
        self._outer: Opened | None = None
        self._where: Callable[[int], int | None] = lambda at: at
        self._packed: Callable[[], int] | None = None
        self._forward_from: Callable[[], Pipe] | None = None

    # --- for containers ------------------------------------------------------------------------

    def head(self, size: int) -> bytes:
        """The first bytes, fewer where there are fewer; they stay to be read. At most 1 MiB."""
        if self.store is not None:
            return bytes(self.store.view(0, size))
        assert self.pipe is not None
        if not isinstance(self.pipe, _Ahead):
            self.pipe = _Ahead(self.pipe)
        return self.pipe.peek(min(size, MOST_HEAD))

    def reader(self) -> Pipe:
        """All bytes from the first to the last, once."""
        if self.pipe is not None:
            return self.pipe
        assert self.store is not None
        return _Forward(self.store)

    def inside(
        self,
        layer: Layer,
        *,
        store: Store | None = None,
        pipe: Pipe | None = None,
        where: Callable[[int], int | None] = lambda _: None,
        packed: Callable[[], int] | None = None,
        base: int | None = None,
        ends: bool = False,
        forward: Callable[[], Pipe] | None = None,
        close: Closing | None = None,
    ) -> Opened:
        """What stands inside this, which is closed with it.

        Parameters
        ----------
        layer : the container
        store, pipe : its contents, as one of the two
        where : from an offset in them to that in the container, None where no single byte is it
        packed : bytes of the container that were read so far, for one that is compressed: they
            bound what it may unpack to
        base : what `Opened.base` is of it, where that does not follow from `where`
        ends : whether the container says where its contents end, also on a device
        forward : gives the bytes of `store` from the first one on, up to where they are damaged
        close : what is to be closed besides
        """
        if close is not None:
            self._closing.append(close)
        inner = Opened(self.name, store, pipe, self._closing)
        inner.layers = (*self.layers, layer)
        inner.cut = self.cut
        inner._outer = self
        inner._where = where
        inner._packed = self._packed or packed
        inner._forward_from = forward
        inner.asked = self.asked
        inner.far = self.far
        inner.device = self.device and pipe is None and not ends
        begin = where(0)
        inner.base = base if base is not None else 0 if begin is None else self.base + begin
        first = inner.outermost(0)
        inner.origin = self.origin if first is None else first
        return inner

    # --- for readers -----------------------------------------------------------------------------

    def outermost(self, at: int) -> int | None:
        """The offset in the outermost file of the byte at offset `at`; None where no single byte is it."""
        if self._outer is None:
            return at + self.origin
        outer = self._where(at)
        return None if outer is None else self._outer.outermost(outer)

    @property
    def packed(self) -> int | None:
        """Bytes of the outermost compressed file that were read so far; None where nothing is compressed."""
        return None if self._packed is None else self._packed()

    def go_forward(self) -> bool:
        """Read a store whose blocks turned out to be damaged from its beginning, once; False where that gives no more."""
        if self._forward_from is None:
            return False
        self.store, self.pipe, self._forward_from = None, self._forward_from(), None
        return True

    def forward_from(self, start: int) -> Callable[[], Pipe] | None:
        """What `inside` takes as `forward` for what begins at `start` of this."""
        begin = self._forward_from
        return None if begin is None else lambda: passed(begin(), start)

    def spool(self, most: int | None = None) -> Self:
        """Make a file of a pipe, so that all bytes are at hand; of a longer one than `most` its beginning."""
        if self.store is None:
            self.store = self.drain(b"", most)
        return self

    def drain(self, first: bytes, most: int | None = None) -> Store:
        """The rest of a pipe behind `first`, in a temporary file that no folder names.

        Parameters
        ----------
        most : bytes after which it is let go; `cut` says so

        Raises
        ------
        SourceError : there is no room for it, or it unpacks to more than it ever should
        """
        from migstream.source.spool import Spool

        assert self.pipe is not None
        spool = Spool()
        self._closing.append(spool)
        spool.append(first)
        tell = self.told(COPIED, UNPACKED)
        try:
            spool.fill(self._rest(spool.size, most, tell))
        finally:
            tell(None)
        self.pipe = None
        return spool

    def _rest(self, done: int, most: int | None, tell: Callable[[int], None]) -> Iterator[bytes]:
        """The pieces of a pipe of which `done` bytes were read; see `drain`."""
        while piece := self._next():
            if self.packed is not None and done > self.most:
                raise SourceError(
                    f"{self.packed} bytes unpack to more than {done >> 20} MiB",
                    hint="if that is meant, unpack it to a file first, then open that",
                )
            yield piece
            done += len(piece)
            tell(done)
            if most is not None and done > most:
                self.cut = SourceError(
                    f"no more than its first {most >> 20} MiB was read",
                    hint="it goes on, and does not begin as a stream does",
                )
                break

    def told(
        self, reading: str = READING, unpacking: str = "unpacking"
    ) -> Callable[[int | None], None]:
        """Tells whoever watches what is read of this: so many bytes from its beginning; None at the end.

        Of what is compressed the bytes of the file count, whose number is known.
        """
        watch = self.asked.watch
        if watch is None:
            return lambda _: None
        packed = self.packed is not None and self.pipe is not None and self._total > 0
        what = unpacking if packed else reading
        total = self._total if packed else 0 if self.store is None else self.store.size
        last = 0

        def tell(at: int | None) -> None:
            nonlocal last
            if at is None:
                watch(what, total or last, total or last)
                return
            last = (self.packed or 0) if packed else at
            watch(what, min(last, total - 1) if total else last, total)

        return tell

    def _next(self) -> bytes:
        """The next piece of a pipe; `cut` says where it could not be read."""
        assert self.pipe is not None
        try:
            return self.pipe.read(SPOOL_CHUNK)
        except SourceError as error:
            self.cut = error
            return b""

    @property
    def _total(self) -> int:
        """Bytes of the outermost source; 0 for a pipe."""
        one = self
        while one._outer is not None:
            one = one._outer
        return 0 if one.store is None else one.store.size

    @property
    def most(self) -> int:
        """Bytes that may be unpacked to a temporary file."""
        return UNPACKED_FLOOR + UNPACKED_RATIO * (self.packed or 0)

    def close(self) -> None:
        for thing in reversed(self._closing):
            thing.close()  # type: ignore[attr-defined]


def passed(pipe: Pipe, size: int) -> Pipe:
    """A pipe of which so many bytes were read."""
    while size:
        piece = pipe.read(min(size, SPOOL_CHUNK))
        if not piece:
            break
        size -= len(piece)
    return pipe


class _Ahead:
    """A pipe whose first bytes can be looked at; damage in them is said when it is its turn."""

    def __init__(self, inner: Pipe) -> None:
        self._inner = inner
        self._ahead = b""
        self._error: SourceError | None = None

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size and self._error is None:
            try:
                piece = self._inner.read(size - len(self._ahead))
            except SourceError as error:
                self._error = error
                break
            if not piece:
                break
            self._ahead += piece
        return self._ahead[:size]

    def read(self, size: int, /) -> bytes:
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
            return piece
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._inner.read(size)


class _Forward:
    """A store as a pipe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._at = 0

    def read(self, size: int, /) -> bytes:
        piece = bytes(self._store.view(self._at, self._at + size))
        self._at += len(piece)
        return piece
