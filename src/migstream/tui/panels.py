"""What is shown on the whole screen, for a while: the answers of other verbs, findings, memory, keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, ClassVar

from rich.text import Text as Shown
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList, Static

from migstream.analysis.check import Report
from migstream.analysis.findings import Finding
from migstream.errors import MigstreamError
from migstream.machine.view import View
from migstream.render.findings import finding_parts
from migstream.render.shown import Line, Mark, Part, Table, dim, name
from migstream.stream import Stream
from migstream.tui.hexview import HexView
from migstream.tui.paint import lines, shown
from migstream.tui.sources import Memory

__all__ = ["PANELS", "Busy", "Findings", "MemoryScreen", "Told", "help_parts", "report_of"]

MOST = 1000  # findings that are listed
EDGES = 4  # columns for the frame, and the bar by which one scrolls


class Told(ModalScreen[None]):
    """What another verb answers, laid out anew whenever the terminal becomes another."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back"),
    ]

    def __init__(self, title: str, parts: Iterable[Part]) -> None:
        super().__init__()
        self._title = title
        self._parts = list(parts)

    def compose(self) -> ComposeResult:
        with VerticalScroll() as pane:
            pane.border_title = Shown(self._title)
            yield Static(id="told")
        yield Footer(compact=True, show_command_palette=False)

    def on_resize(self) -> None:
        """Lay it out."""
        told = lines(self._parts, max(self.size.width - EDGES, 20))
        self.query_one("#told", Static).update(Shown("\n").join(told))


def _info(stream: Stream) -> Iterator[Part]:
    from migstream.render.info import info, info_parts

    yield from info_parts(info(stream, walked=stream.walked), everything=True)


def _registers(stream: Stream) -> Iterator[Part]:
    from migstream.render.registers.table import cpu_parts

    for cpu in stream.registers:
        yield from cpu_parts(cpu)


def _consoles(stream: Stream) -> Iterator[Part]:
    from migstream.machine.console import consoles
    from migstream.render.screen import consoles_parts

    return consoles_parts(list(consoles(stream)))


PANELS: dict[str, Callable[[Stream], Iterator[Part]]] = {
    "info": _info,
    "registers": _registers,
    "console": _consoles,
}


def help_parts(keys: Iterable[tuple[str, str]]) -> Iterator[Part]:
    """The keys, and what a place is."""
    yield Table([(name(key), what) for key, what in keys], "<<")
    yield ""
    yield "A place is what `show` takes:"
    yield Table(
        [
            (name("cpu[0]/env.eip"), "a value; * and ** stand for names"),
            (name("@0x40"), "what owns a byte of the stream"),
            (name("@0x40-0x80"), "bytes of it"),
            (name("ram/pc.ram@0x1000"), "bytes of a RAM block"),
        ],
        "<<",
    )
    yield ""
    yield dim("The mouse opens what it clicks on; a byte leads to its field.")


# --- findings ---------------------------------------------------------------------------------------


def report_of(stream: Stream) -> Report:
    """All that `check` finds."""
    from migstream.analysis.check import check

    return check(stream)


class Findings(ModalScreen[Finding | None]):
    """What `check` found; the one that is chosen is the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back"),
    ]

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report
        self._found = report.findings[:MOST]

    def compose(self) -> ComposeResult:
        yield OptionList(id="findings")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """List them."""
        width = max(self.app.size.width - EDGES, 20)
        found = self.query_one(OptionList)
        more = len(self._report.findings) - len(self._found)
        found.border_title = Shown(
            f"check: {len(self._report.findings)} found"
            + (f", the first {MOST} of them" if more else "")
            + ("" if self._report.complete else "; the stream could not be read to its end")
        )
        for one in self._found:
            parts = finding_parts(one, "", verbose=False)
            found.add_option(Shown("\n").join(lines(parts, width)))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with it."""
        self.dismiss(self._found[event.option_index])


# --- memory -----------------------------------------------------------------------------------------


class MemoryScreen(ModalScreen[None]):
    """Guest memory by address: guest-physical, or as a CPU sees it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "address", "address"),
        Binding("v", "virtual", "virtual/physical"),
        Binding("p", "cpu", "next CPU"),
        Binding("escape,q", "back", "back"),
    ]

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream
        self._cpu = 0
        self._virtual = False
        self._view = View(stream)

    def compose(self) -> ComposeResult:
        yield HexView(id="memory")
        yield Static(id="said")
        yield Input(
            placeholder="0x7c00, $rip, $rsp-64", id="address", compact=True, select_on_focus=False
        )
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin with the first memory there is."""
        self.query_one("#address").display = False
        self._look(None)

    def _look(self, address: int | None) -> None:
        self._view = View(self._stream, cpu=self._cpu, virt=self._virtual)
        pane = self.query_one(HexView)
        pane.show(Memory(self._view), at=address)
        pane.border_title = Shown(
            f"virtual memory of CPU {self._cpu}" if self._virtual else "guest-physical memory"
        )
        pane.focus()

    def action_back(self) -> None:
        """Away with the prompt, or else with the memory."""
        prompt = self.query_one("#address")
        if prompt.display:
            prompt.display = False
            self.query_one(HexView).focus()
        else:
            self.dismiss()

    def action_address(self) -> None:
        prompt = self.query_one("#address", Input)
        prompt.value = ""
        prompt.display = True
        prompt.focus()

    def action_virtual(self) -> None:
        """The other kind of addresses: the virtual ones begin where the CPU runs."""
        try:
            at = self._view.cpu.pc if not self._virtual else None
        except MigstreamError as error:
            self._say(error.message)
            return
        self._virtual = not self._virtual
        self._look(at)

    def action_cpu(self) -> None:
        try:
            self._cpu = (self._cpu + 1) % max(len(self._stream.registers), 1)
        except MigstreamError as error:
            self._say(error.message)
            return
        self._look(self._view.cpu.pc if self._virtual else self.query_one(HexView).top)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the address."""
        try:
            self._look(self._view.address(event.value.strip()))
        except (MigstreamError, ValueError) as error:
            self._say(str(error))
            return
        self._say("")
        self.query_one("#address").display = False

    def _say(self, text: str) -> None:
        self.query_one("#said", Static).update(shown(Line((Mark("warning", text),))))


# --- waiting ----------------------------------------------------------------------------------------


class Busy(ModalScreen[None]):
    """Something takes long: what, until it is done; Esc stops what can be stopped."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "stop", "stop")]

    def __init__(self, what: str, work: Future[Any], stop: Callable[[], None] | None) -> None:
        super().__init__()
        self._what = what
        self._work = work
        self._stop = stop

    def compose(self) -> ComposeResult:
        told = f"{self._what} …" + ("  (Esc stops)" if self._stop else "")
        yield Static(shown(Line((Mark("head", told),))), id="busy")

    def on_mount(self) -> None:
        """Look now and then whether it is done."""
        self.set_interval(0.05, self._look)

    def _look(self) -> None:
        if self._work.done() and self.is_current:
            self.dismiss()

    def action_stop(self) -> None:
        if self._stop is not None:
            self._stop()
