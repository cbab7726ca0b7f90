"""A CPU of eight 32-bit registers. An instruction is four bytes: what to do, and a, b, c.

Names in the table of `instruction`: a, b, c are registers; `imm` is b and c, 16 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from machine.clock import NS, Device
from machine.ram import Ram
from migstream.vmstate import U32, U64, Bool, VMState, array

__all__ = ["OPCODES", "RESET", "Cpu"]

RESET, VECTOR = 0x100, 0x104  # where it begins, and where interrupts do
WORD = 0xFFFF_FFFF


class Cpu(VMState, name="toy-cpu", version=1):
    """Registers, and the number of instructions since reset, which is the machine's time."""

    regs: list[U32] = array(8, default=0)
    pc: U32 = RESET
    epc: U32 = 0  # where an interrupt goes back to
    icount: U64 = 0
    interrupts: Bool = False  # enabled
    halted: Bool = False

    def attach(self, ram: Ram, ports: Mapping[int, Device]) -> None:
        """Connect to memory and devices: `ports` is by the upper four bits of a port's number."""
        self.ram = ram
        self.ports = ports
        self.until = 0  # `icount` at which `run` returns

    @property
    def now(self) -> int:
        """Time in ns."""
        return self.icount * NS

    @property
    def off(self) -> bool:
        """Halted for good: nothing can wake it."""
        return self.halted and not self.interrupts

    def run(self, until: int) -> None:
        """Execute up to `until` instructions since reset, less when a device was written to."""
        if self.halted:
            self.icount = until
            return
        self.until = until
        load, step = self.ram.load, STEPS
        while self.icount < self.until:
            word = load(self.pc)
            self.pc = self.pc + 4 & WORD
            self.icount += 1
            step[word & 0xFF](self, word >> 8 & 0xFF, word >> 16 & 0xFF, word >> 24)

    def interrupt(self) -> None:
        """Go to the handler, if interrupts are enabled."""
        if self.interrupts:
            self.epc, self.pc = self.pc, VECTOR
            self.interrupts = self.halted = False

    def post_load(self, version: int) -> None:  # noqa: ARG002 - as every hook
        """Refuse what no CPU of this kind saves: devices count in signed 64-bit nanoseconds."""
        if self.now >= 1 << 62:
            raise ValueError(f"icount {self.icount} is later than any clock shows")


Step = Callable[[Cpu, int, int, int], None]
OPCODES: dict[str, tuple[int, str]] = {}  # mnemonic: opcode and operands, for the assembler


def invalid(cpu: Cpu, a: int, b: int, c: int) -> None:
    """What is no instruction turns the machine off."""
    halt(cpu, a, b, c)


STEPS: list[Step] = [invalid] * 256


def instruction(operands: str) -> Callable[[Step], Step]:
    """Give a function the next opcode, and its own name as mnemonic."""

    def enter(step: Step) -> Step:
        opcode = len(OPCODES) + 1
        OPCODES[step.__name__.rstrip("_")] = opcode, operands
        STEPS[opcode] = step
        return step

    return enter


@instruction("a imm")
def li(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = b | c << 8


@instruction("a imm")
def hi(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = cpu.regs[a & 7] & 0xFFFF | b << 16 | c << 24


@instruction("a b c")
def add(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = cpu.regs[b & 7] + cpu.regs[c & 7] & WORD


@instruction("a b c")
def mul(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = cpu.regs[b & 7] * cpu.regs[c & 7] & WORD


@instruction("a b c")
def xor(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = cpu.regs[b & 7] ^ cpu.regs[c & 7]


@instruction("a b c")
def and_(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = cpu.regs[b & 7] & cpu.regs[c & 7]


@instruction("a b n")
def shr(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = cpu.regs[b & 7] >> (c & 31)


@instruction("a b n")
def inc(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = cpu.regs[b & 7] + (c - (c >> 7 << 8)) & WORD


@instruction("a b n")
def lw(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7] = cpu.ram.load(cpu.regs[b & 7] + c)


@instruction("a b n")
def sw(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.ram.store(cpu.regs[b & 7] + c, cpu.regs[a & 7])


@instruction("a imm")
def jz(cpu: Cpu, a: int, b: int, c: int) -> None:
    if not cpu.regs[a & 7]:
        cpu.pc = b | c << 8


@instruction("a imm")
def jnz(cpu: Cpu, a: int, b: int, c: int) -> None:
    if cpu.regs[a & 7]:
        cpu.pc = b | c << 8


@instruction("a imm")
def call(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.regs[a & 7], cpu.pc = cpu.pc, b | c << 8


@instruction("a")
def ret(cpu: Cpu, a: int, b: int, c: int) -> None:  # noqa: ARG001
    cpu.pc = cpu.regs[a & 7]


@instruction("a imm")
def in_(cpu: Cpu, a: int, b: int, c: int) -> None:  # noqa: ARG001
    device = cpu.ports.get(b >> 4)
    cpu.regs[a & 7] = device.read(b & 15) if device else WORD


@instruction("a imm")
def out(cpu: Cpu, a: int, b: int, c: int) -> None:  # noqa: ARG001
    if device := cpu.ports.get(b >> 4):
        device.write(b & 15, cpu.regs[a & 7], cpu.now)
    cpu.until = 0  # a deadline may be nearer now


@instruction("")
def ei(cpu: Cpu, a: int, b: int, c: int) -> None:  # noqa: ARG001
    cpu.interrupts = True
    cpu.until = 0  # an interrupt may be waiting


@instruction("")
def iret(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.pc = cpu.epc
    ei(cpu, a, b, c)


@instruction("")
def wait(cpu: Cpu, a: int, b: int, c: int) -> None:  # noqa: ARG001
    cpu.halted = True
    cpu.until = 0


@instruction("")
def halt(cpu: Cpu, a: int, b: int, c: int) -> None:
    cpu.interrupts = False
    wait(cpu, a, b, c)
