"""A hexdump of any length: only the lines that are seen are read."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as Colours
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from migstream.render.layout import bytes_beside, bytes_line
from migstream.render.shown import Bytes, Line, Mark
from migstream.tui.paint import PLAIN, STYLES, styled
from migstream.tui.sources import Source
from migstream.wire.model import Span

__all__ = ["HexView"]

DIGITS = 8  # of an address, at least
MARKED = Colours(reverse=True)


class HexView(Widget, can_focus=True):
    """Bytes of a source, some of them marked.

    Messages
    --------
    Picked : somebody clicked on the byte at `address`
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "turn(-1)", show=False),
        Binding("pagedown", "turn(1)", show=False),
        Binding("home", "edge(0)", show=False),
        Binding("end", "edge(1)", show=False),
    ]

    class Picked(Message):
        """A byte that was clicked on."""

        def __init__(self, address: int) -> None:
            super().__init__()
            self.address = address

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.source: Source | None = None
        self.mark = Span(0, 0)
        self.top = 0

    def show(self, source: Source | None, mark: Span | None = None, at: int | None = None) -> None:
        """Show a source from its beginning on, or so that what is marked is seen, or from address `at` on."""
        self.source = source
        self.mark = mark or Span(0, 0)
        if source is not None:
            self.top = source.start
            if at is not None:
                self._to(at)
            elif mark is not None and mark.stop > self._bottom:
                # a line of what stands before it is seen, too
                self._to(mark.start - self._per)
        self.refresh()

    @property
    def _digits(self) -> int:
        stop = self.source.stop if self.source else 0
        return max(DIGITS, len(f"{max(stop - 1, 0):x}"))

    @property
    def _per(self) -> int:
        """Bytes in a line."""
        return bytes_beside(self.size.width, self._digits)

    @property
    def _bottom(self) -> int:
        return self.top + self._per * max(self.size.height, 1)

    def _to(self, address: int) -> None:
        """Let the first line be the one with this address, as far as there are lines to show."""
        assert self.source is not None
        start, stop, per = self.source.start, self.source.stop, self._per
        lines = max(-(-(stop - start) // per) - max(self.size.height, 1), 0)
        wanted = (address - start) // per
        self.top = start + per * min(max(wanted, 0), lines)
        self.refresh()

    def on_resize(self) -> None:
        """Lines may have become longer or shorter: what is marked stays in sight."""
        if self.source is not None:
            seen = self.mark.start - self._per if self.mark.size else self.top
            self._to(seen if self.mark.stop > self._bottom or not self.mark.size else self.top)

    def action_move(self, by: int) -> None:
        if self.source is not None:
            self._to(self.top + by * self._per)

    def action_turn(self, by: int) -> None:
        self.action_move(by * max(self.size.height - 1, 1))

    def action_edge(self, end: int) -> None:
        if self.source is not None:
            self._to(self.source.stop if end else self.source.start)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_move(-3)

    def on_click(self, event: events.Click) -> None:
        """Which byte it was: by its digits, or by its character."""
        if self.source is None:
            return
        per = self._per
        first = self.top + event.y * per
        x = event.x - (self._digits if first >> 32 else DIGITS) - 2
        index = x // 3 if x < 3 * per else x - 3 * per - 1
        address = first + index
        if x >= 0 and index < per and address < self.source.stop:
            self.post_message(self.Picked(address))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        at = self.top + y * self._per
        if self.source is None or at >= self.source.stop:
            return Strip.blank(width, PLAIN)
        size = min(self._per, self.source.stop - at)
        found = self.source.row(at, size)
        if isinstance(found, str):
            line = Line((f"{at:0{self._digits if at >> 32 else DIGITS}x}  ", Mark("dim", found)))
        else:
            marked = frozenset(n for n in range(size) if at + n in self.mark)
            line = bytes_line(Bytes(at, found, marked=marked), self._per, self._digits)
        # The layout has marked the bytes as values: here they are reversed, which needs no colour.
        cells = [
            Segment(text, MARKED if style is STYLES["value"] else style)
            for text, style in styled(line)
        ]
        return Strip(cells).adjust_cell_length(width, PLAIN)
