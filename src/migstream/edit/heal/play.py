"""Where a load is played: a QEMU put together from the catalogue, a real one that is asked, or one that is as it is."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.foretell import foretell_in, put_together
from migstream.analysis.compat.load import compat
from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.compose import Composed, compose
from migstream.catalogue.libvirt.read import Described
from migstream.edit.heal.commandline import CommandLine
from migstream.edit.heal.guest import split
from migstream.edit.heal.knowledge import Knowledge
from migstream.edit.heal.layout import Seat, seats
from migstream.edit.heal.streams import system_registers
from migstream.errors import Unsupported
from migstream.stream import open_stream

if TYPE_CHECKING:
    from migstream.analysis.compat.model import Report
    from migstream.catalogue.files import Catalogue
    from migstream.qemu.load import Verdict
    from migstream.stream import Stream

__all__ = ["AsItIs", "Player", "RealQemu", "Seated", "Shelved"]

PLUGGED = ("device", "vga", "drive", "serial")
MOST_KEPT = 256
MOST_READ = 8  # destinations whose streams are taken apart: some MiB each


class Seated(NamedTuple):
    """Where the devices of a command line are: those that it names, paths and slots of the machine's own."""

    seats: list[Seat]
    own: frozenset[str]
    taken: tuple[str, ...]


class Player(Protocol):
    """A destination that can be started otherwise, and what is known of its kind."""

    @property
    def starts(self) -> bool:
        """Whether it has options that can be changed."""
        ...

    @property
    def release(self) -> tuple[int, ...] | None:
        """Its release, as far as it is known."""
        ...

    def play(self, line: CommandLine, stream: Stream) -> Report:
        """The load, foretold.

        Raises
        ------
        QemuError, Unsupported : it does not start with these arguments
        """
        ...

    def knowledge(self, line: CommandLine) -> Knowledge | None:
        """What the catalogue knows of its machine type."""
        ...

    def seated(self, line: CommandLine) -> Seated | None:
        """Where its devices are."""
        ...

    def registers(self, line: CommandLine) -> Mapping[int, int]:
        """The system registers of its Arm CPUs, with their values after a reset; none where they are not known."""
        ...

    def verify(self, line: CommandLine, path: Path, capabilities: Collection[str]) -> Verdict:
        """What becomes of the stream in a file that a real one is given."""
        ...


def _registers(stream: Stream) -> dict[int, int]:
    cpu = next((device for device in stream.devices if device.name == "cpu"), None)
    return {} if cpu is None else system_registers(cpu)


def _nobody(*_: object) -> Unsupported:
    return Unsupported("no QEMU was named that could try it", hint="--try goes with --to-qemu")


class _Composing:
    """What a catalogue says of a command line."""

    def __init__(self, catalogue: Catalogue | None) -> None:
        self.catalogue = catalogue
        self._made: dict[tuple[str, ...], Composed] = {}
        self._known: dict[str, Knowledge] = {}
        self._own: dict[tuple[str, ...], frozenset[str]] = {}

    def made(self, line: CommandLine) -> Composed:
        assert self.catalogue is not None
        words = line.words()
        key = tuple(words)
        if key not in self._made:
            if len(self._made) >= MOST_KEPT:
                self._made.clear()
            self._made[key] = compose(self.catalogue, parse_arguments(words))
        return self._made[key]

    def knowledge(self, line: CommandLine) -> Knowledge | None:
        if self.catalogue is None:
            return None
        try:
            machine = self.made(line).machine
        except Unsupported:
            return None
        if machine not in self._known:
            self._known[machine] = Knowledge(self.catalogue, machine)
        return self._known[machine]

    def seated(self, line: CommandLine) -> Seated | None:
        knowledge = self.knowledge(line)
        if knowledge is None:
            return None
        made = self.made(line)
        bare = CommandLine(tuple(one for one in line.entries if one.name not in PLUGGED))
        key = tuple(bare.words())
        if key not in self._own:
            with open_stream(self.made(bare).stream) as stream:
                names = [section.name for section in stream.sections]
            self._own[key] = frozenset(split(name)[0] for name in names)
        return Seated(seats(line, knowledge, made.places), self._own[key], made.taken)


class Shelved(_Composing):
    """A QEMU of the catalogue.

    Parameters
    ----------
    how : as it is started first, and what was assumed for that; nothing where its machine is taken to be the stream's
    """

    def __init__(
        self,
        catalogue: Catalogue,
        capabilities: Collection[str] = (),
        how: Described | None = None,
    ) -> None:
        super().__init__(catalogue)
        self._there: dict[tuple[str, ...], Destination] = {}
        self._how = how or Described(())
        self.starts = bool(self._how.arguments)
        self._release = catalogue.index.release[:2]
        self._capabilities = capabilities

    @property
    def release(self) -> tuple[int, ...] | None:
        return self._release

    def play(self, line: CommandLine, stream: Stream) -> Report:
        assert self.catalogue is not None
        how = msgspec.structs.replace(self._how, arguments=tuple(line.words()))
        there = self._destination(line, how) if line.entries else None
        return foretell_in(stream, self.catalogue, how, self._capabilities, (), there).report

    def _destination(self, line: CommandLine, how: Described) -> Destination:
        """The QEMU of a command line, put together once: answers differ by the stream, too."""
        assert self.catalogue is not None
        made = self.made(line)
        if twice := made.twice:
            raise Unsupported(f"two devices are at {twice}: it would not start")
        if how.arguments not in self._there:
            if len(self._there) >= MOST_READ:
                self._there.clear()
            self._there[how.arguments] = put_together(self.catalogue, how, self._capabilities, made)
        return self._there[how.arguments]

    def registers(self, line: CommandLine) -> Mapping[int, int]:
        with open_stream(self.made(line).stream) as stream:
            return _registers(stream)

    def verify(self, line: CommandLine, path: Path, capabilities: Collection[str]) -> Verdict:
        raise _nobody(line, path, capabilities)


class RealQemu(_Composing):
    """A QEMU that is started with each command line and asked.

    Parameters
    ----------
    command : its path, or a wrapper and what it runs
    catalogue : that of its release, or of the one that is most like it
    """

    starts = True

    def __init__(
        self,
        command: Sequence[str],
        catalogue: Catalogue | None,
        release: tuple[int, ...],
        capabilities: Collection[str] = (),
    ) -> None:
        super().__init__(catalogue)
        self.command = command
        self._registers: dict[tuple[str, ...], dict[int, int]] = {}
        self._release = release
        self._capabilities = tuple(capabilities)

    @property
    def release(self) -> tuple[int, ...] | None:
        return self._release

    def play(self, line: CommandLine, stream: Stream) -> Report:
        from migstream.analysis.compat.offered import Offered
        from migstream.qemu.ask import ask
        from migstream.vmstate.schema import open_schema

        words = line.words()
        with ExitStack() as stack:
            asked = stack.enter_context(ask(self.command, words))
            other = stack.enter_context(open_stream(os.fspath(asked.stream)))
            self._registers[tuple(words)] = _registers(other)
            on = tuple(name for name, value in asked.capabilities.items() if value)
            destination = Destination(
                open_schema(asked.schema),
                other,
                asked.release,
                " ".join(self.command),
                Offered(self.command, words, asked.stream),
                (*self._capabilities, *on),
                asked.capabilities,
            )
            return compat(stream, destination)

    def registers(self, line: CommandLine) -> Mapping[int, int]:
        return self._registers.get(tuple(line.words()), {})

    def verify(self, line: CommandLine, path: Path, capabilities: Collection[str]) -> Verdict:
        from migstream.qemu.load import Verdict, load
        from migstream.qemu.process import Refused

        try:
            return load(self.command, line.words(), path, tuple(capabilities))
        except Refused as error:
            return Verdict(False, error.said)


class AsItIs:
    """A destination of which a schema or a stream is known: nobody can start it otherwise."""

    starts = False

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    @property
    def release(self) -> tuple[int, ...] | None:
        bounds = self._destination.release
        return bounds.first

    def play(self, line: CommandLine, stream: Stream) -> Report:  # noqa: ARG002 - it has none
        return compat(stream, self._destination)

    def knowledge(self, line: CommandLine) -> Knowledge | None:  # noqa: ARG002
        return None

    def seated(self, line: CommandLine) -> Seated | None:  # noqa: ARG002
        return None

    def registers(self, line: CommandLine) -> Mapping[int, int]:  # noqa: ARG002
        stream = self._destination.stream
        return {} if stream is None else _registers(stream)

    def verify(self, line: CommandLine, path: Path, capabilities: Collection[str]) -> Verdict:
        raise _nobody(line, path, capabilities)
