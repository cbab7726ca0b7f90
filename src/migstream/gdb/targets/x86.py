"""x86: the registers of QEMU's i386-64bit.xml and i386-32bit.xml, then what else the stream holds.

References
----------
QEMU, gdb-xml/i386-64bit.xml, gdb-xml/i386-32bit.xml; target/i386/gdbstub.c: ``x86_cpu_gdb_read_register``
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from migstream.gdb.target import Feature, Register, Target, listed, others
from migstream.gdb.targets.types import VECTOR, flags
from migstream.machine.registers.read import Cpu
from migstream.vmstate.meaning.symbols.cpus import CPU

__all__ = ["describe"]

LONG = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip"
SHORT = "ax cx dx bx sp bp si di ip"
POINTERS = {"sp": "data_ptr", "bp": "data_ptr", "ip": "code_ptr"}  # by the end of the name
SEGMENTS = "cs ss ds es fs gs"
# The x87's last instruction and operand are in no register that is read here.
X87 = "fctrl fstat ftag fiseg fioff foseg fooff fop"
# The type of each register whose bits have names, and whose bits they are.
FLAGS = {
    "i386_eflags": "eflags",
    "x86_cr0": "cr[0]",
    "x86_cr4": "cr[4]",
    "x86_efer": "efer",
    "i386_mxcsr": "mxcsr",
}
EMPTY = 3  # of the two bits that a full tag word has for each register


def _tags(used: int) -> int:
    """The full tag word from a bit for each register in use; one in use is told as valid."""
    return sum(EMPTY << 2 * n for n in range(8) if not used >> n & 1)


def _general(arch: str) -> tuple[Register, ...]:
    if arch == "x86_64":
        plain = listed(LONG, 64, "int64", number=0)
    else:
        plain = listed([f"e{name}=r{name}" for name in SHORT.split()], 32, "int32", number=0)
    typed = [POINTERS.get(one.name[-2:], one.type) for one in plain]
    return tuple(
        msgspec.structs.replace(one, type=type_) for one, type_ in zip(plain, typed, strict=True)
    )


def _flags(name: str, size: int) -> str:
    width = 4 if name.startswith("i386") else size
    return flags(name, width, CPU[f"env.{FLAGS[name]}"])


def describe(cpus: Sequence[Cpu]) -> Target:
    """One feature, and a second of our own."""
    arch = cpus[0].arch
    bits, word, vectors = (64, "int64", 16) if arch == "x86_64" else (32, "int32", 8)
    x87 = tuple(
        msgspec.structs.replace(one, seen=_tags) if one.name == "ftag" else one
        for one in listed(X87, 32, "int", group="float")
    )
    core = Feature(
        "org.gnu.gdb.i386.core",
        f"i386-{bits}bit.xml",
        (
            *_general(arch),
            *listed("eflags=rflags", 32, "i386_eflags"),
            *listed([f"{name}={name}.selector" for name in SEGMENTS.split()], 32, "int32"),
            *listed("fs_base=fs.base gs_base=gs.base k_gs_base=kernelgsbase", bits, word),
            *listed("cr0", bits, "x86_cr0"),
            *listed("cr2 cr3", bits, word),
            *listed("cr4", bits, "x86_cr4"),
            *listed("cr8", bits, word),
            *listed("efer", bits, "x86_efer"),
            *listed([f"st{n}" for n in range(8)], 80, "i387_ext"),
            *x87,
            *listed([f"xmm{n}" for n in range(vectors)], 128, "vec128"),
            *listed("mxcsr", 32, "i386_mxcsr", group="vector"),
        ),
        "".join((VECTOR, *(_flags(name, bits // 8) for name in FLAGS))),
    )
    vector = {f"{name}{n}" for name in ("xmm", "ymm", "zmm") for n in range(32)}
    more = others(cpus, [core], vector)
    system = Feature("org.migstream.i386.system", "migstream-system.xml", more)
    return Target("i386:x86-64" if arch == "x86_64" else "i386", (core, system))
