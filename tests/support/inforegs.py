"""What a stream says of the registers, held against what QEMU itself says of the same guest.

The values are told by the gdbstub, the printed lines by `info registers`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Literal

from qemu.qmp import QMPError

import migstream
from migstream.errors import QemuError
from migstream.machine.registers.read import READERS, Cpu, registers
from support.gdbnames import GdbStub
from support.lacking import lacks
from support.qemu import Binary, Qemu


@dataclass(frozen=True)
class Group:
    """Registers of one width that a debugger may set.

    Attributes
    ----------
    names : the debugger's; numbers where QEMU describes two registers by one name, or counts otherwise
    size : bytes
    ours : our names, where they differ
    ahead : bytes that QEMU skips before it takes the value
    """

    names: Sequence[str] | range
    size: int
    ours: Sequence[str] = ()
    ahead: int = 0


@dataclass(frozen=True)
class Observed:
    """One CPU: ours, and in QEMU's words."""

    cpu: Cpu
    said: list[str]
    told: Mapping[str, int]

    def printed(self) -> list[str]:
        """Our lines."""
        render = import_module(f"migstream.render.registers.{READERS[self.cpu.arch]}")
        found: list[str] = render.lines(self.cpu.values, self.cpu.arch)
        return found

    def expected(self, unknown: Iterable[tuple[str, str, str]]) -> list[str]:
        """QEMU's lines without what cannot be known: (pattern, what stands there instead, reason)."""
        lines = []
        for line in self.said:
            for pattern, instead, _ in unknown:
                line = re.sub(pattern, instead, line)
            if line:
                lines.append(line)
        return lines


def give(
    stub: GdbStub, cpu: int, groups: Iterable[Group], order: Literal["big", "little"]
) -> dict[str, int]:
    """Put a value of its own into every register, and return what each holds then, by our names.

    Some registers have bits that do not take every value. `order` is the guest's.
    """
    stub.select(cpu)
    listed = [
        (stub._registers[name][0] if isinstance(name, str) else name, str(ours), group)
        for group in groups
        for name, ours in zip(group.names, group.ours or group.names, strict=True)
    ]
    for place, (number, _, group) in enumerate(listed):
        value = bytes(cpu * 101 + place * 17 + at * 29 + 3 & 0xFF for at in range(group.size))
        said = stub.ask(f"P{number:x}={(bytes(group.ahead) + value).hex()}")
        assert said == "OK", f"{number}: {said}"
    return {
        ours: int.from_bytes(bytes.fromhex(stub.ask(f"p{number:x}")), order)
        for number, ours, _ in listed
    }


def observe(guest: Qemu, stream: Path, told: Sequence[Mapping[str, int]] = ()) -> list[Observed]:
    """Write the stream of a guest that stands still, and ask for the registers of each CPU."""
    count = len(guest.execute("query-cpus-fast"))
    # Twice: QEMU 7.2 changes mideleg of RISC-V when it is read (target/riscv/csr.c: rmw_mideleg64).
    said = [[_said(guest, index) for index in range(count)] for _ in range(2)][-1]
    guest.migrate(stream)
    with migstream.open(stream) as opened:
        found = registers(opened)
    assert len(found) == count
    return [
        Observed(cpu, said[cpu.index], told[cpu.index] if cpu.index < len(told) else {})
        for cpu in found
    ]


@contextmanager
def after_firmware(binary: Binary, arguments: Sequence[str]) -> Iterator[Qemu]:
    """A guest that stands still after a moment of firmware; without its firmware a QEMU does not start."""
    with ExitStack() as stack:
        try:
            guest = stack.enter_context(Qemu(binary, arguments))
        except (QMPError, QemuError, EOFError) as error:
            lacks(f"{binary} does not start {' '.join(arguments)}: {error}")
        guest.execute("cont")
        time.sleep(0.3)
        guest.execute("stop")
        yield guest


def _said(guest: Qemu, index: int) -> list[str]:
    answer = guest.execute(
        "human-monitor-command", {"command-line": "info registers", "cpu-index": index}
    )
    lines = (line.rstrip() for line in answer.splitlines())
    return [line for line in lines if line and not re.fullmatch(r"CPU#\d+", line)]
