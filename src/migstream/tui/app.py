"""The tree on the left, the bytes on the right, and the keys."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import ClassVar, TypeVar

from rich.text import Text as Shown
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Input, Static, Tree
from textual.widgets.tree import TreeNode

from migstream.analysis.check import Report
from migstream.analysis.findings import Finding
from migstream.errors import MigstreamError
from migstream.machine.view import View
from migstream.names import unescape
from migstream.places import Place, places
from migstream.render.errors import error_lines
from migstream.render.shown import Line, Mark
from migstream.render.text import escape
from migstream.stream import Stream
from migstream.tui.entries import Entry, is_it, leads, root
from migstream.tui.facts import facts
from migstream.tui.hexview import HexView
from migstream.tui.paint import shown
from migstream.tui.panels import (
    PANELS,
    Busy,
    Findings,
    MemoryScreen,
    Told,
    help_parts,
    report_of,
)
from migstream.tui.seek import Sought, aim
from migstream.tui.sources import Memory, Source, StreamBytes

__all__ = ["Browser"]

T = TypeVar("T")
GLANCE = 0.1  # seconds: what takes longer is said to be under way

HELP = (
    ("↑ ↓ ← →", "go through the tree; Enter opens and closes"),
    ("Tab", "to the bytes and back; PgUp, PgDn, Home, End there"),
    ("/", "search names, paths and values; a place goes there"),
    ("n, N", "to the next that was found, and the one before"),
    ("g", "go to a place"),
    ("y", "copy the path of what is chosen"),
    ("m", "guest memory by address; v: as the CPU sees it"),
    ("c", "what `check` finds; Enter goes there"),
    ("r, i, t", "registers, info, text of the consoles"),
    ("?, q", "this, and away"),
)


class Lines(Tree[Entry]):
    """The tree; lines below one are made when it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "open", show=False),
        Binding("left", "close", show=False),
    ]

    def action_open(self) -> None:
        """What is below it, or else the first of that."""
        node = self.cursor_node
        if node is None or not node.allow_expand:
            return
        if node.is_expanded:
            self.action_cursor_down()
        else:
            node.expand()

    def action_close(self) -> None:
        """Nothing below it any more, or else what it is below of."""
        node = self.cursor_node
        if node is not None and node.allow_expand and node.is_expanded:
            node.collapse()
        else:
            self.action_cursor_parent()


class Browser(App[None]):
    """A stream to look at.

    Parameters
    ----------
    stream : what it shows; it stays open, and is not read but for what is looked at
    """

    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide"), (120, "-roomy")]  # noqa: RUF012 - as Textual has it
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask('/')", "search", key_display="/"),
        Binding("n", "step(1)", "next"),
        Binding("N", "step(-1)", show=False),
        Binding("g", "ask('go to')", "go"),
        Binding("m", "memory", "memory"),
        Binding("c", "check", "check"),
        Binding("r", "tell('registers')", "registers"),
        Binding("i", "tell('info')", "info"),
        Binding("t", "tell('console')", show=False),
        Binding("y", "copy", show=False),
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("escape", "leave", show=False),
    ]

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._sought: Sought | None = None
        self._asked = "/"
        self._aimed: tuple[TreeNode[Entry], Place] | None = None
        # All that may take long is done there, one thing at a time: a stream has one reader.
        self._worker = ThreadPoolExecutor(1)

    def compose(self) -> ComposeResult:
        first = root(self._stream)
        with Horizontal(id="both"):
            tree = Lines(shown(first.label), first, id="tree")
            tree.guide_depth = 2
            tree.auto_expand = True
            yield tree
            with Vertical(id="chosen"):
                yield Static(id="facts")
                yield HexView(id="bytes")
        yield Static(id="said")
        yield Input(id="prompt", compact=True, select_on_focus=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Open what is open from the beginning."""
        self.theme = "ansi-dark"  # the terminal's own colours, of which even old ones have some
        self.query_one("#prompt").display = False
        tree = self._tree
        self._fill(tree.root)
        tree.root.expand()
        tree.focus()
        for error in self._stream.noticed[:1]:
            self._say(" ".join(error_lines(error, self._stream.name)))

    def on_unmount(self) -> None:
        """Nothing more is to be done."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    @property
    def _tree(self) -> Lines:
        return self.query_one(Lines)

    # --- the tree ------------------------------------------------------------------------------------

    def _fill(self, node: TreeNode[Entry]) -> None:
        """Make what is below a line, once."""
        entry = node.data
        if entry is None or entry.below is None or node.children:
            return
        try:
            for one in entry.below():
                below = node.add(
                    shown(one.label), one, expand=one.opened, allow_expand=one.below is not None
                )
                if one.opened:
                    self._fill(below)
        except MigstreamError as error:
            self._wrong(error)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Entry]) -> None:
        """Its lines are there before they are seen; a walk is done first where they need one."""
        node, entry = event.node, event.node.data
        if entry is not None and entry.walks and not node.children:
            self._later("reading", lambda: self._stream.items, lambda _: self._fill(node))
        else:
            self._fill(node)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Entry]) -> None:
        """Show what it is."""
        if event.node.data is not None:
            self._choose(event.node.data)

    def _choose(self, entry: Entry) -> None:
        mark = self._mark(entry)
        told = facts(self._stream, entry)
        self.query_one("#facts", Static).update(Shown("\n").join(map(shown, told)))
        if entry.block is not None:
            at = mark.start if mark is not None and not mark.whole else None
            self._memory_of(entry.block, at)
            return
        source: Source | None = None
        span = entry.span
        if entry.around is not None:
            source = StreamBytes(self._stream, entry.around)
        if mark is not None and mark.span is not None:
            span = mark.span
        self.query_one("#bytes", HexView).show(source, span if span != entry.around else None)

    def _mark(self, entry: Entry) -> Place | None:
        """The place that somebody went to, where this is the line for it."""
        if self._aimed is None or self._aimed[0].data is not entry:
            return None
        return self._aimed[1]

    def _memory_of(self, block: str, at: int | None) -> None:
        """The bytes of a RAM block, which has to be read for that."""
        pane = self.query_one("#bytes", HexView)
        pane.show(None)

        def show(source: Memory) -> None:
            node = self._tree.cursor_node
            if node is not None and node.data is not None and node.data.block == block:
                pane.show(source, at=at)

        self._later("reading", lambda: Memory(View(self._stream, block=block)), show)

    def go(self, place: Place) -> None:
        """Choose what a place names, and open what is above it."""

        def found(shown_as: Place) -> None:
            node = self._tree.root
            self._fill(node)
            while node.data is not None and not is_it(node.data, shown_as):
                self._fill(node)
                ways = [
                    (leads(below.data, shown_as), below) for below in node.children if below.data
                ]
                best = max(ways, key=lambda way: way[0], default=(0, node))
                if not best[0]:
                    break
                node.expand()
                node = best[1]
            self._aimed = node, place
            # A line that was made just now has no number before the tree is drawn.
            self.call_after_refresh(self._land, node)

        self._later("reading", partial(self._aim, place), found)

    def _land(self, node: TreeNode[Entry]) -> None:
        if self._tree.cursor_node is node and node.data is not None:
            self._choose(node.data)
        self._tree.move_cursor(node)

    def _aim(self, place: Place) -> Place:
        found = aim(self._stream, place)
        if found.kind in {"item", "live"}:
            _ = self._stream.items
        return found

    def on_hex_view_picked(self, event: HexView.Picked) -> None:
        """Go to what owns the byte."""
        node = self._tree.cursor_node
        if node is None or node.data is None or node.data.block is not None:
            return
        self._later("reading", lambda: places(self._stream, f"@{event.address:#x}")[0], self.go)

    # --- looking for something -------------------------------------------------------------------------

    def action_ask(self, what: str) -> None:
        """Ask for a word, or a place."""
        self._asked = what
        prompt = self.query_one("#prompt", Input)
        prompt.value = ""
        prompt.placeholder = (
            "a name, a value, or a place" if what == "/" else "cpu[0]/env.eip, @0x40, ram/pc.ram@0"
        )
        prompt.border_title = what
        prompt.display = True
        prompt.focus()

    def action_leave(self) -> None:
        """Away with the prompt, and what was said."""
        self.query_one("#prompt").display = False
        self._say("")
        self._tree.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look for it."""
        text = event.value.strip()
        self.action_leave()
        if not text:
            return
        if self._asked == "/":
            self._sought = Sought(self._stream, text)
            self.action_step(1)
        else:
            self._later(
                "looking",
                lambda: next(islice(places(self._stream, unescape(text)), 1)),
                self.go,
            )

    def action_step(self, by: int) -> None:
        """To the next that was found, or the one before."""
        looking = self._sought
        if looking is None:
            self._say("nothing is looked for: / asks for it")
            return

        def step() -> Place | None:
            return looking.step(by)

        def found(place: Place | None) -> None:
            if place is None:
                self._say("not found")
                return
            self._say(f"{looking.at + 1}: {escape(place.path)}")
            self.go(place)

        self._later("looking", step, found, stop=looking.give_up)

    # --- others --------------------------------------------------------------------------------------

    def action_tell(self, what: str) -> None:
        """What another verb says."""
        self._later(
            what,
            lambda: list(PANELS[what](self._stream)),
            lambda parts: self.push_screen(Told(what, parts or ["nothing"])),
        )

    def action_help(self) -> None:
        self.push_screen(Told("help", help_parts(HELP)))

    def action_check(self) -> None:
        """What is wrong with the stream, to choose from."""

        def chosen(finding: Finding | None) -> None:
            if finding is not None:
                self._go_to(finding)

        def show(report: Report) -> None:
            if report.findings:
                self.push_screen(Findings(report), chosen)
            else:
                self._say("check: nothing found")

        self._later("checking", lambda: report_of(self._stream), show)

    def _go_to(self, finding: Finding) -> None:
        """To the value that it is about, or else its bytes."""

        def place() -> Place | None:
            named = [finding.path] if finding.path else []
            named += [f"@{finding.span.start:#x}"] if finding.span else []
            for text in named:
                with suppress(MigstreamError):
                    return places(self._stream, text)[0]
            return None

        def found(place: Place | None) -> None:
            if place is None:
                self._say("it is about the whole stream")
            else:
                self.go(place)

        self._later("looking", place, found)

    def action_memory(self) -> None:
        """Guest memory by address."""
        self._later(
            "reading",
            lambda: Memory(View(self._stream)),
            lambda _: self.push_screen(MemoryScreen(self._stream)),
        )

    def action_copy(self) -> None:
        """The path of what is chosen, to the terminal's clipboard."""
        node = self._tree.cursor_node
        path = escape(node.data.path) if node is not None and node.data is not None else ""
        if path:
            self.copy_to_clipboard(path)
            self._say(f"copied: {path}")

    # --- what takes long, and what is said ---------------------------------------------------------------

    def _later(
        self,
        what: str,
        work: Callable[[], T],
        then: Callable[[T], object],
        *,
        stop: Callable[[], None] | None = None,
    ) -> None:
        """Do some work beside the screen, and then something with what it gave."""
        doing = self._worker.submit(work)

        def done(_: None = None) -> None:
            self._finish(doing, then)

        try:
            doing.exception(GLANCE)
        except NotYet:
            self.push_screen(Busy(what, doing, stop), done)
        else:
            done()

    def _finish(self, doing: Future[T], then: Callable[[T], object]) -> None:
        try:
            found = doing.result()
        except MigstreamError as error:
            self._wrong(error)
        except (OSError, MemoryError, RecursionError) as error:
            self._say(str(error) or type(error).__name__)
        else:
            then(found)

    def _wrong(self, error: MigstreamError) -> None:
        self._say(" ".join(error_lines(error, self._stream.name)))

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(shown(Line((Mark("warning", text),))))
