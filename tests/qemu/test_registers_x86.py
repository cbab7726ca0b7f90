"""Registers of x86 against what QEMU's monitor and gdbstub say of the same guest at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from support.gdbnames import GdbStub
from support.inforegs import Group, give, observe
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

CODE, TABLES, GDT, GDTR, VECTORS = 0x7C00, 0x1000, 0x4000, 0x4100, 0x5000
# Goes from real mode to 64-bit mode, loads segments, LDT and TR.
ENTER = bytes.fromhex(
    "fa660f011600410f20e0660d200604000f22e066b8001000000f22d866b9800000c066b801090000"
    "6631d20f3066b8110000800f22c066ea3e7c0000080066b810008ed88ed066b818000f00d066b828"
    "000f00d80f010c2500510000"
)
# XCR0 = 7; vmovdqu into ymm1 and ymm15
AVX = bytes.fromhex("31c931d2b8070000000f01d1c5fe6f0c2500500000c57e6f3c2520500000")
# Puts 1 and pi on the stack of the x87; adds 1 to 0x7f, the flags of which QEMU works out only when asked; stays.
STAY = bytes.fromhex("dbe3d9e8d9ebb07f0401ebfe")
DESCRIPTORS = (
    0,
    0x00AF9B000000FFFF,  # 64-bit code
    0x00CF93000000FFFF,  # data
    *(0x0000820123450FFF, 0xFFFF8000),  # LDT
    *(0x0000890567800067, 0),  # TSS
)
LONG, SHORT = "rbx rcx rdx rsi rdi rbp rsp", "ebx ecx edx esi edi ebp esp"
HIGH = "r8 r9 r10 r11 r12 r13 r14 r15"
SEGMENTS = ["cs", "ds", "es", "fs", "gs", "ss"]
# What the gdbstub calls otherwise than we do.
FROM_GDB = {
    "eflags": "rflags",
    "k_gs_base": "kernelgsbase",
    "fs_base": "fs.base",
    "gs_base": "gs.base",
    **{f"e{name}": f"r{name}" for name in ["ax", "bx", "cx", "dx", "si", "di", "bp", "sp", "ip"]},
    **{name: f"{name}.selector" for name in SEGMENTS},
}
KNOWN = (
    *(
        "rax",
        "rip",
        "eax",
        "eip",
        "eflags",
        "cr0",
        "cr2",
        "cr3",
        "cr4",
        "efer",
        "mxcsr",
        "fctrl",
        "fstat",
    ),
    *(*LONG.split(), *SHORT.split(), *HIGH.split(), *SEGMENTS, "fs_base", "gs_base", "k_gs_base"),
    *(f"st{n}" for n in range(8)),
    *(f"xmm{n}" for n in range(16)),
)
MACHINE = ["-M", "pc", "-m", "16", "-smp", "2", "-cpu", "max"]


def little(*words: int) -> bytes:
    return b"".join(word.to_bytes(8, "little") for word in words)


def started(_: Qemu, stub: GdbStub) -> None:
    """The firmware at work."""
    stub.run(0.3)


def filled(guest: Qemu, stub: GdbStub) -> None:
    """Both CPUs where they begin, registers as a debugger left them."""
    long = guest.binary.name.endswith("x86_64")
    names = ["rax", *LONG.split(), *HIGH.split()] if long else ["eax", *SHORT.split()]
    for cpu in (0, 1):
        groups = [
            Group(names, 8 if long else 4),
            Group([f"xmm{n}" for n in range(16 if long else 8)], 16),
            Group([f"st{n}" for n in range(8)], 10),
        ]
        give(stub, cpu, groups, "little")
        for n, name in enumerate(SEGMENTS):
            stub.set(name, 0x1234 + 0x1111 * n)
        for name, value in (("eflags", 0xCD7), ("mxcsr", 0x1FA5), ("fctrl", 0x27F)):
            stub.set(name, value)


def long_mode(guest: Qemu, stub: GdbStub) -> None:
    """In 64-bit mode, with flags that are not worked out yet."""
    for at, words in (
        (TABLES, [TABLES + 0x1003]),
        (TABLES + 0x1000, [TABLES + 0x2003]),
        (TABLES + 0x2000, [0x83]),
        (GDT, DESCRIPTORS),
        (VECTORS, [0x1111_1111_1111_1111 * n for n in range(1, 9)]),
    ):
        stub.write(at, little(*words))
    stub.write(GDTR, (len(DESCRIPTORS) * 8 - 1).to_bytes(2, "little") + little(GDT))
    stub.write(CODE, ENTER + (AVX if has_avx(guest.binary) else b"") + STAY)
    stub.set("cs", 0)
    stub.set("rip", CODE)
    stub.run(0.3)
    names = [*LONG.split(), *HIGH.split(), "fs_base", "gs_base", "k_gs_base"]
    give(stub, 0, [Group(names, 8), Group(["xmm7"], 16)], "little")


def has_avx(binary: Binary) -> bool:
    """Whether this QEMU emulates it."""
    return int(binary.version.split(".")[0]) >= 7


def told(stub: GdbStub) -> list[dict[str, int]]:
    """What the gdbstub says of each CPU."""
    found = []
    for cpu in (0, 1):
        stub.select(cpu)
        values: dict[str, int] = {}
        for name in KNOWN:
            with suppress(KeyError):  # the 32-bit program has not all of them
                values[FROM_GDB.get(name, name)] = stub.get(name)
        found.append(values)
    return found


# What a stream does not say: pattern, what stands there instead, reason.
CLOSE = (r"(XMM\d\d=\w{16})(\w{16})", r"\1 \2", "QEMU 5.2 leaves no blank there")
UNKNOWN = {
    "x86_64": (CLOSE,),
    "i386": (CLOSE, (r"EFER=.*", "", "the program without 64 bits does not save it")),
}
UNSAVED = {"x86_64": (), "i386": ("efer", "kernelgsbase")}
# The gdbstub counts from the top of the stack since QEMU 10.0; 5.2 swaps the halves it writes.
TOP = 0x3800
TURNED = [f"st{n}" for n in range(8)]
SWAPPED = [f"xmm{n}" for n in range(16)]
Make = Callable[[Qemu, GdbStub], None]
GUESTS: list[tuple[str, Make]] = [
    ("x86_64", started),
    ("x86_64", filled),
    ("x86_64", long_mode),
    ("i386", started),
    ("i386", filled),
]


@pytest.mark.parametrize(
    ("binary", "make"),
    [
        pytest.param(binary, make, id=f"{binary}-{make.__name__}")
        for name, make in GUESTS
        for binary in find(f"qemu-system-{name}")
    ],
)
def test_what_qemu_says(binary: Binary, make: Make, tmp_path: Path) -> None:
    with Qemu(binary, MACHINE) as guest:
        with GdbStub(guest) as stub:
            make(guest, stub)
            known = told(stub)
        both = observe(guest, tmp_path / "guest.mig", known)
    assert len(both) == 2
    for one in both:
        assert one.printed() == one.expected(UNKNOWN[one.cpu.arch])
        assert len(one.told) > 30
        untold = [*UNSAVED[one.cpu.arch], *(TURNED if one.told["fstat"] & TOP else ())]
        untold += SWAPPED if binary.version.startswith("5.") else ()
        theirs = {name: value for name, value in one.told.items() if name not in untold}
        assert {name: one.cpu.values.get(name) for name in theirs} == theirs
    if make is long_mode:
        in_long_mode(both[0].cpu.values, both[0].cpu.root, avx=has_avx(binary))


def in_long_mode(values: dict[str, int], root: int | None, *, avx: bool) -> None:
    """What neither the monitor nor the gdbstub tells."""
    assert values["rflags"] & 0x8D5 == 0x890  # OF, SF, AF
    assert root == TABLES
    assert (values["ldt.base"], values["ldt.limit"]) == (0xFFFF_8000_0001_2345, 0x0FFF)
    if avx:
        assert values["ymm1"] == int.from_bytes(
            little(*(0x1111_1111_1111_1111 * n for n in range(1, 5))), "little"
        )
