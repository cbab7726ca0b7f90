"""A pipe that is read once: its bytes are pushed through a walk, and of what goes by that is kept which is not guest memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migstream.errors import SourceError, Truncated
from migstream.source.layers import Opened
from migstream.source.store import Kept, Rest
from migstream.wire.model import Item, Opaque, Section, SectionType, Trailer
from migstream.wire.push import Push
from migstream.wire.walk import MAX_ITEMS, Walker

__all__ = ["Piped", "most_items"]

# Items that a compressed file may unpack to: so many in any case, and so many for each of its own bytes.
ITEMS_FLOOR, ITEMS_RATIO = 1 << 15, 64


class Piped:
    """A pipe on its way through a walk.

    Parameters
    ----------
    tell : told how far it is

    Attributes
    ----------
    kept : what will be asked for later
    cut : why the pipe ended early, None where it did not
    """

    def __init__(self, opened: Opened, walker: Walker, tell: Callable[[int], None]) -> None:
        assert opened.pipe is not None
        self.push = Push(walker, tell=tell)
        self.kept = Kept()
        self.cut: Truncated | None = None
        self._opened = opened
        self._pipe = opened.pipe

    def items(self) -> Iterator[Item]:
        """Items up to the end, or to what no window is large enough for; raises ParseError at damage."""
        push, walker = self.push, self.push.walker
        while not (push.done or push.stuck):
            self._fill(push.want)
            walker.most = most_items(self._opened)
            try:
                for item in push.items():
                    if _worth_keeping(item):
                        self._keep(item.span.start, item.span.stop)
                    self.kept.size = max(self.kept.size, item.span.stop)
                    yield item
            finally:
                if walker.kept_from is not None:
                    self._keep(walker.kept_from, push.mark)

    def _fill(self, want: int) -> None:
        while want > 0:
            try:
                piece = self._pipe.read(want)
            except SourceError as cut:
                piece = b""
                self.cut = Truncated(cut.message, at=self.push.stop, hint=cut.hint)
            if not piece:
                self.push.end()
                return
            self.push.feed(piece)
            want -= len(piece)

    def _keep(self, start: int, stop: int) -> None:
        start = max(start, self.push.base)  # what is before that was kept when it went by
        if stop > start:
            self.kept.add(start, bytes(self.push.view(start, stop)))

    def rest(self, start: int) -> Rest:
        """All from `start` on, which was kept or is held, as a store; the pipe is read to its end."""
        push = self.push
        lead = self.kept.join(start)[: max(push.base - start, 0)]
        assert start >= push.base or start + len(lead) == push.base
        lead += bytes(push.view(max(start, push.base), push.stop))
        rest = Rest(self._opened.drain(lead), start)
        if self._opened.cut is not None and self.cut is None:
            cut = self._opened.cut
            self.cut = Truncated(cut.message, at=rest.size, hint=cut.hint)
        self.kept.rest = rest
        self.kept.size = rest.size
        return rest


def most_items(opened: Opened) -> int:
    """Items that may come out of what was read so far."""
    packed = opened.packed
    return MAX_ITEMS if packed is None else min(MAX_ITEMS, ITEMS_FLOOR + ITEMS_RATIO * packed)


def _worth_keeping(item: Item) -> bool:
    """Whether the bytes of an item of a pipe will be asked for: all but live state and trailers."""
    if isinstance(item, Section):
        return item.content is None or item.type == SectionType.FULL
    return not isinstance(item, Trailer | Opaque)
