"""Guest memory by addresses that are typed: guest-physical, a CPU's virtual ones, or offsets in a RAM block."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Literal, Protocol

from migstream.errors import NoSuchAddress

if TYPE_CHECKING:
    from migstream.machine.paging.walk import VirtualMemory
    from migstream.machine.physical import PhysicalMemory
    from migstream.machine.registers.read import Cpu
    from migstream.machine.search import Gap, Hit, Segment
    from migstream.ram.image import Ram

__all__ = ["Space", "View"]

Space = Literal["physical", "virtual", "block"]

SOME = 256
PAGE = 4096
END = 1 << 64
TERM = r"([+-]?)(\$?[\w.]+)"
HEX = r"[0-9a-fA-F]+"


class Guest(Protocol):
    """Whose memory it is (`stream.Stream`)."""

    @property
    def memory(self) -> PhysicalMemory: ...
    @property
    def ram(self) -> Ram: ...
    @property
    def registers(self) -> tuple[Cpu, ...]: ...
    def read(self, block: str, start: int, stop: int) -> bytes: ...


class Noting:
    """Reads RAM blocks, and notes what of that is not in the stream (`machine.physical.BlockReader`)."""

    def __init__(self, stream: Guest) -> None:
        self._stream = stream
        self.missed: dict[Gap, None] = {}

    def read(self, block: str, start: int, stop: int) -> bytes:
        from migstream.machine.search import block_segments, gaps

        self.missed |= dict.fromkeys(gaps(block_segments(block, start, stop), self._stream.ram))
        return self._stream.read(block, start, stop)


class View:
    """What addresses mean: guest-physical, those of CPU `cpu` with `virt`, offsets in a RAM block that is named."""

    def __init__(
        self, stream: Guest, *, cpu: int = 0, virt: bool = False, block: str | None = None
    ) -> None:
        self._stream = stream
        self._cpu = cpu
        self.space: Space = "block" if block is not None else "virtual" if virt else "physical"
        self.block = block or ""

    @property
    def memory(self) -> PhysicalMemory:
        return self._stream.memory

    @cached_property
    def noting(self) -> Noting:
        """What page tables are read through."""
        return Noting(self._stream)

    @cached_property
    def tables(self) -> PhysicalMemory:
        """Guest-physical memory for whoever walks page tables."""
        from migstream.machine.physical import PhysicalMemory

        return PhysicalMemory(self.memory.ranges, self.noting)

    @property
    def cpu(self) -> Cpu:
        cpus = self._stream.registers
        if not 0 <= self._cpu < len(cpus):
            raise NoSuchAddress(
                f"no CPU {self._cpu}", hint=f"there are CPUs 0 to {len(cpus) - 1}" if cpus else ""
            )
        return cpus[self._cpu]

    @property
    def ram(self) -> Ram:
        ram = self._stream.ram
        if not ram:
            raise NoSuchAddress("there is no guest memory in this stream")
        return ram

    def address(self, text: str) -> int:
        """A number, or a sum with registers of the CPU in it: `$rip+0x10`, `$cs.base+$rip`.

        Raises
        ------
        ValueError : it is neither
        NoSuchAddress : the CPU has no such register
        """
        terms = re.findall(TERM, text)
        if not terms or "".join(sign + term for sign, term in terms) != text or terms[0][0]:
            raise ValueError(f"{text!r} is not an address, such as 0x7c00 or $rip+16")
        total = 0
        for sign, term in terms:
            try:
                value = self._register(term[1:]) if term.startswith("$") else int(term, 0)
            except ValueError:
                hint = f": 0x{term}?" if re.fullmatch(HEX, term) else ", such as 16 or 0x10"
                raise ValueError(f"{term!r} is not a number{hint}") from None
            total += -value if sign == "-" else value
        return total % END if "$" in text else total

    def _register(self, name: str) -> int:
        cpu = self.cpu
        values = {"pc": cpu.pc, **cpu.values}
        value = values.get(name.lower())
        if value is None:
            raise NoSuchAddress(
                f"CPU {cpu.index} has no register {name!r}", hint=f"it has {', '.join(values)}"
            )
        return value

    def some(self, address: int) -> int:
        """How many bytes to show where nobody says: no more than there are before the next hole."""
        if self.space == "block":
            there = self.ram[self.block].size - address
        elif self.space == "physical":
            pieces = self.memory.pieces(address, SOME)
            there = sum(
                size for one, _, size in takewhile(lambda piece: piece[0] is not None, pieces)
            )
        else:
            there = SOME
        return min(max(there, 1), SOME)

    def read(self, address: int, size: int) -> Iterator[tuple[int, bytes]]:
        """Bytes page by page, so that what is there is there before an error."""
        reader = self._reader()
        stop = address + size
        while address < stop:
            here = min(PAGE - address % PAGE, stop - address)
            yield address, reader(address, here)
            address += here

    def _reader(self) -> Callable[[int, int], bytes]:
        if self.space == "block":
            block = self.ram[self.block]
            return lambda at, size: bytes(block.read(at, at + size))
        if self.space == "physical":
            return self.memory.read
        return self._virtual.read

    def places(self, address: int, size: int) -> Iterator[Segment]:
        """Where the bytes of [address, address + size) are, as far as they are guest memory."""
        from migstream.machine import search

        if self.space != "virtual":
            yield from self.segments(address, address + size)
            return
        stop = address + size
        while address < stop:
            here = min(PAGE - address % PAGE, stop - address)
            try:
                at = self._virtual.translate(address).physical
            except NoSuchAddress:
                return  # reading it says so
            for part in search.physical_segments(self.memory, at, at + here):
                yield part._replace(address=part.address + address - at)
            address += here

    def around(self, hit: Hit, context: int) -> tuple[int, bytes]:
        """A hit and so many bytes on either side of it, as far as they are there and follow each other."""
        if not context:
            return hit.address, hit.data
        from migstream.machine.search import surroundings

        low = max(hit.address - context, 0)
        size = hit.address + len(hit.data) + context - low
        if self.space == "block":
            size = min(size, self.ram[self.block].size - low)
        return surroundings(self.places(low, size), self.ram, hit.address)

    @cached_property
    def _virtual(self) -> VirtualMemory:
        from migstream.machine.paging.walk import VirtualMemory

        return VirtualMemory(self.cpu, self.tables)

    def segments(self, start: int, stop: int) -> Iterable[Segment]:
        """What is to be looked through."""
        from migstream.machine import search

        if self.space == "block":
            size = self.ram[self.block].size
            return search.block_segments(self.block, min(start, size), min(stop, size))
        if self.space == "physical":
            return search.physical_segments(self.memory, start, stop)
        return search.virtual_segments(self.cpu, self.tables, start, stop)
