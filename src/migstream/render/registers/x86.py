"""Registers of x86 as `info registers` has them (target/i386/cpu-dump.c: x86_cpu_dump_state).

The layout goes by the mode: long in 64-bit code, short elsewhere. Kinds of segments: Intel SDM volume 3,
sections 3.4.5 and 3.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migstream.render.registers.bits import Bits
from migstream.render.registers.lines import fill, rows

__all__ = ["lines"]

Values = Mapping[str, int]

# target/i386/cpu.h: HF_*
PROTECTED, LONG_MODE, LONG_CODE = 1 << 7, 1 << 14, 1 << 15
INHIBIT = 3
# XCR0 (Intel SDM volume 1, section 13.3)
AVX, AVX512 = 0x06, 0xE6

GENERAL = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15"
SEGMENTS = "es cs ss ds fs gs ldt tr"
FLAGS = (("D", 10), ("O", 11), ("S", 7), ("Z", 6), ("A", 4), ("P", 2), ("C", 0))
STATES = (("A20", "a20"), ("SMM", "smm"), ("HLT", "halted"))

# The flags of a segment are the upper half of its descriptor; `@8:4` are those shown, without limit and base.
TYPE, PRIVILEGE = 8, 13
CODE, NO_SYSTEM, PRESENT, CODE_64, BIG = 1 << 11, 1 << 12, 1 << 15, 1 << 21, 1 << 22
RIGHTS = ((1 << 10, "EC"), (1 << 9, "WR"), (1 << 8, "AA"))  # of data, of code
SHORT_SYSTEM = {
    1: "TSS16-avl",
    2: "LDT",
    3: "TSS16-busy",
    4: "CallGate16",
    5: "TaskGate",
    6: "IntGate16",
    7: "TrapGate16",
    9: "TSS32-avl",
    11: "TSS32-busy",
    12: "CallGate32",
    14: "IntGate32",
    15: "TrapGate32",
}
LONG_SYSTEM = {
    0: "<hiword>",
    2: "LDT",
    9: "TSS64-avl",
    11: "TSS64-busy",
    12: "CallGate64",
    14: "IntGate64",
    15: "TrapGate64",
}


def lines(values: Values, arch: str) -> list[str]:
    """Those of which all registers are known; nothing stands behind the last word of a line."""
    hflags = values.get("hflags", 0)
    templates = (
        *_general(values, hflags),
        *(_segment(values, name, hflags) for name in SEGMENTS.split()),
        *_control(hflags, arch),
        *_floating(values),
        *_vectors(values, hflags),
    )
    return fill(templates, Bits(values), 8)


def _general(values: Values, hflags: int) -> Iterator[str]:
    long = bool(hflags & LONG_CODE)
    names = GENERAL.split()[: 16 if long else 8]
    labels = (name.upper() if long else f"E{name[1:].upper()}" for name in names)
    width = 16 if long else 8
    cells = (f"{label:3}={{{n}:{width}}}" for label, n in zip(labels, names, strict=True))
    yield from rows(cells, 4)
    flags = values.get("rflags", 0)
    marks = "".join(letter if flags >> bit & 1 else "-" for letter, bit in FLAGS)
    pc, status = ("RIP", "RFL") if long else ("EIP", "EFL")
    states = (f" {label}={{{name}:1}}" for label, name in STATES if name in values)
    yield (
        f"{pc}={{rip:{width}}} {status}={{rflags}} [{marks}] CPL={{cpl:1}}"
        f" II={hflags >> INHIBIT & 1}{''.join(states)}"
    )


def _segment(values: Values, name: str, hflags: int) -> str:
    flags = values.get(f"{name}.flags", 0)
    width = 16 if hflags & LONG_CODE else 8
    line = (
        f"{name.upper():3}={{{name}.selector:4}} {{{name}.base:{width}}} {{{name}.limit}}"
        f" 00{{{name}.flags@8:4}}00"
    )
    if not (hflags & PROTECTED and flags & PRESENT):
        return line
    return f"{line} DPL={flags >> PRIVILEGE & 3} {_kind(flags, bool(hflags & LONG_MODE))}"


def _kind(flags: int, long: bool) -> str:
    """What a segment is, and what it allows."""
    if not flags & NO_SYSTEM:
        known = LONG_SYSTEM if long else SHORT_SYSTEM
        return known.get(flags >> TYPE & 15, "Reserved")
    code = bool(flags & CODE)
    rights = "".join(letters[code] if flags & bit else "-" for bit, letters in RIGHTS)
    if code:
        return f"CS{64 if flags & CODE_64 else 32 if flags & BIG else 16} [{rights}]"
    return f"{'DS  ' if flags & BIG or long else 'DS16'} [{rights}]"


def _control(hflags: int, arch: str) -> Iterator[str]:
    width = 16 if hflags & LONG_MODE else 8
    for name in ("gdt", "idt"):
        yield f"{name.upper()}=     {{{name}.base:{width}}} {{{name}.limit}}"
    yield f"CR0={{cr0}} CR2={{cr2:{width}}} CR3={{cr3:{width}}} CR4={{cr4}}"
    debug = 8 if arch == "i386" else 16
    yield from (
        " ".join(f"DR{n}={{dr{n}:{debug}}}" for n in numbers) for numbers in ((0, 1, 2, 3), (6, 7))
    )
    yield "EFER={efer:16}"


def _floating(values: Values) -> Iterator[str]:
    top = values.get("fstat", 0) >> 11 & 7
    yield f"FCW={{fctrl:4}} FSW={{fstat:4}} [ST={top}] FTW={{ftag:2}} MXCSR={{mxcsr}}"
    yield from rows((f"FPR{n}={{st{n}:16}} {{st{n}@64:4}}" for n in range(8)), 2)


def _vectors(values: Values, hflags: int) -> Iterator[str]:
    xcr0 = values.get("xcr0", 0)
    long = bool(hflags & LONG_CODE)
    if xcr0 & AVX512 == AVX512 and "zmm0" in values:
        yield from rows((f"Opmask{n:02}={{k{n}:16}}" for n in range(8)), 4)
        yield from rows(_wide("zmm", 32 if long else 8, 8), 1)
    elif xcr0 & AVX == AVX:
        yield from rows(_wide("ymm", 16 if long else 8, 4), 1)
    else:
        yield from rows(_wide("xmm", 16 if long else 8, 2), 2)


def _wide(kind: str, count: int, words: int) -> Iterator[str]:
    """Registers in words of 64 bits, the highest first."""
    for n in range(count):
        parts = (f"{{{kind}{n}@{64 * at}:16}}" for at in reversed(range(words)))
        yield f"{kind.upper()}{n:02}={' '.join(parts)}"
