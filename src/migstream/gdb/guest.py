"""The guest that a debugger sees: CPUs that stand still, and memory through their page tables or without."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from migstream.errors import MigstreamError, NoSuchAddress, Unsupported
from migstream.gdb.target import Target, target
from migstream.machine.paging.walk import VirtualMemory
from migstream.machine.physical import PhysicalMemory

if TYPE_CHECKING:
    from migstream.machine.registers.read import Cpu
    from migstream.ram.image import Ram
    from migstream.stream import Stream

__all__ = ["Guest"]

PAGE = 4096


class Contents:
    """RAM blocks of which only that is read which the stream holds (`machine.physical.BlockReader`)."""

    def __init__(self, ram: Ram) -> None:
        self._ram = ram

    def read(self, block: str, start: int, stop: int) -> bytes:
        one = self._ram[block]
        for run in one.runs(start, stop):
            if run.kind in {"absent", "unplugged"}:
                raise NoSuchAddress(
                    f"{block}@{run.start:#x} is not in the stream", hint=one.reason(run.start)
                )
        return one.read(start, stop)


class Guest:
    """A stream as a machine that has stopped.

    Attributes
    ----------
    round : after which dirty round memory is shown; None for its final contents
    physical_mode : addresses are guest-physical, as QEMU's own packet switches it

    Raises
    ------
    Unsupported : the stream has no registers, or none that are described for gdb
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.cpus: tuple[Cpu, ...] = stream.registers
        self.target: Target = target(self.cpus)
        self.physical_mode = False
        self.round: int | None = None
        self._memory = self._of(stream.ram)

    def _of(self, ram: Ram) -> PhysicalMemory:
        return PhysicalMemory(self.stream.memory.ranges, Contents(ram))

    @cached_property
    def untranslated(self) -> str:
        """Why virtual addresses of the first CPU lead nowhere; empty where they are translated."""
        try:
            VirtualMemory(self.cpus[0], self._memory)
        except Unsupported as error:
            return error.message
        return ""

    def show_round(self, turn: int | None) -> None:
        """Show memory as it was after a dirty round; None for what it was in the end. Raises as `Stream.ram_after`."""
        self._memory = self._of(self.stream.ram if turn is None else self.stream.ram_after(turn))
        self.round = turn

    def read(self, cpu: Cpu, address: int, size: int) -> bytes:
        """As many of these bytes as can be read before the first that cannot; none where that is the first."""
        try:
            memory = self._memory if self.physical_mode else VirtualMemory(cpu, self._memory)
        except Unsupported:
            return b""
        out = bytearray()
        while len(out) < size:
            at = address + len(out)
            here = min(size - len(out), PAGE - at % PAGE)
            try:
                out += memory.read(at, here)
            except MigstreamError:  # not mapped, no memory, not in the stream, damaged there
                break
        return bytes(out)
