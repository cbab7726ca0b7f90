"""Bytes in, items out: the one driver of a walk, for what is pushed in and for what is at hand.

    push = Push(Walker(SECTIONS))
    for piece in connection:
        push.feed(piece)
        for item in push.items():
            ...
    push.end()
    for item in push.items():
        ...

It opens nothing and waits for nothing. However the bytes are cut into pieces, the items are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from migstream.errors import NeedData, ParseError
from migstream.wire.cursor import WINDOW, Bytes, Cursor
from migstream.wire.window import Window

if TYPE_CHECKING:
    from migstream.wire.model import Item
    from migstream.wire.walk import Walker

__all__ = ["Push", "drive", "through"]

View = Callable[[int, int], memoryview]


class Push(Window):
    """A walk that is fed, or that asks for what it needs.

    Of guest memory less than a record is held behind the bytes that were read; of a device that is
    not described, all of it: its item is complete when what follows it has been seen.

    Parameters
    ----------
    walker : what reads; `start` is where it stands
    whole : all of the source, where it is at hand. Nothing is fed then
    view : gives windows of it as `whole.view` does, and may give more than was asked for
    tell : told, again and again, the offset that it has come to
    window : bytes that are asked for at once, where less is not enough more

    Attributes
    ----------
    last : absolute offset behind the last item
    """

    def __init__(
        self,
        walker: Walker,
        start: int = 0,
        *,
        whole: Bytes | None = None,
        view: View | None = None,
        tell: Callable[[int], None] = lambda _: None,
        window: int = WINDOW,
    ) -> None:
        super().__init__(start)
        self.walker = walker
        self.last = start
        self._whole = whole
        self._view = whole.view if view is None and whole is not None else view
        self._tell = tell
        self._want = self._window = window
        self._broken: ParseError | None = None
        self._behind: ParseError | None = None  # damage to go on behind

    def items(self) -> Iterator[Item]:
        """The items that are complete by now. On shortage it ends, and nothing is consumed.

        Raises
        ------
        ParseError : at damage, each time again
        """
        if self._broken is not None:
            raise self._broken
        walker = self.walker
        while not self.done:
            self._tell(self.mark)
            cur = self.cursor()
            try:
                while not self.done:
                    item = walker.step(cur) if self._behind is None else self._recovered(cur)
                    if item is not None:
                        self.last = item.span.stop
                        yield item
            except NeedData:
                pass
            except ParseError as damage:
                self._broken = damage
                raise
            finally:
                self.settle(cur)
                del cur  # the window is free
            if self._whole is None:
                return
            self._want = 2 * self._want if self._stalled else self._window

    @property
    def done(self) -> bool:
        """Whether the last item was given."""
        return self.walker.done and not self.walker.pending

    def cursor(self) -> Cursor:
        whole = self._whole
        if whole is None or self._view is None:
            return super().cursor()
        view = self._view(self.mark, self.mark + self._want)
        return Cursor(view, self.mark, eof=self.mark + len(view) >= whole.size, whole=whole)

    # --- behind damage -----------------------------------------------------------------------

    def recover(self, error: ParseError) -> None:
        """Go on behind damage. All of the source has to be at hand: fed up to its end, or `whole`."""
        self._broken, self._behind = None, error

    def _recovered(self, cur: Cursor) -> Item:
        assert self._behind is not None
        item = self.walker.recover(cur, self._behind, self.last)
        self._behind = None
        return item


def through(push: Push) -> Iterator[Item]:
    """All items of a source that is at hand. Damage ends up in `walker.damage`, not raised."""
    while not push.done:
        try:
            yield from push.items()
        except ParseError as damage:
            push.recover(damage)


def drive(
    store: Bytes,
    walker: Walker,
    start: int = 0,
    tell: Callable[[int], None] = lambda _: None,
    view: View | None = None,
) -> Iterator[Item]:
    """Items from `start` on of a source that is at hand. Damage ends up in `walker.damage`."""
    return through(Push(walker, start, whole=store, view=view, tell=tell))
