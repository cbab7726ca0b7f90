"""ELF cores, read by a reader of our own and by readelf. tests/qemu/test_elf.py compares with QEMU's."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from migstream.errors import Unsupported
from migstream.export.elf import ElfPlan, elf_head
from migstream.export.targets import TARGETS
from migstream.machine.physical import Range
from support import volatility

PAGE = 4096
MIB = 1 << 20
LMA = {"efer": 1 << 10}
WITH_NOTES = sorted(arch for arch, target in TARGETS.items() if target.notes)


def made(start: int, size: int) -> Range:
    return Range(start, size, "ram", 0, "a test")


@dataclass
class Cpu:
    values: Mapping[str, int]
    index: int = 0


def names(arch: str) -> list[str]:
    """Every register that the notes of an architecture have room for."""
    notes = (*TARGETS[arch].notes, *TARGETS[arch].qemu_notes)
    return [name for note in notes for name in note.registers()]


def written(plan: ElfPlan, path: Path) -> Path:
    """The file, its memory a hole."""
    with path.open("wb") as file:
        file.write(plan.head)
        file.truncate(plan.size)
    return path


def with_memory(plan: ElfPlan, path: Path) -> Path:
    """The file, each byte of a range's memory the range's number from 1."""
    written(plan, path)
    with path.open("r+b") as file:
        stops = (*plan.offsets[1:], plan.size)
        for number, (at, stop) in enumerate(zip(plan.offsets, stops, strict=True), 1):
            file.seek(at)
            file.write(bytes([number]) * (stop - at))
    return path


def gdb(core: Path, *commands: str) -> str:
    """What gdb says of a core alone. It starts with nothing that is set up for somebody here."""
    if shutil.which("gdb") is None:
        pytest.skip("gdb is not installed")
    asked = (part for command in commands for part in ("-ex", command))
    said = subprocess.run(
        ["gdb", "-nx", "-batch", "-c", str(core), *asked],
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout + said.stderr


def readelf(*arguments: str | Path) -> str:
    """What readelf says, which must not be a word of complaint."""
    if shutil.which("readelf") is None:
        pytest.skip("readelf is not installed")
    # Its exit status says nothing: for an Arm core without sections, QEMU's too, it is 1.
    said = subprocess.run(
        ["readelf", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert not said.stderr
    assert "Warning" not in said.stdout
    return said.stdout


def segments64(head: bytes) -> list[tuple[int, int, int, int]]:
    """Type, offset, address and size of each little-endian 64-bit program header."""
    at, count = struct.unpack_from("<32xQ16xH", head)
    rows = [struct.unpack_from("<IIQQQQQQ", head, at + 56 * index) for index in range(count)]
    return [(kind, offset, to, size) for kind, _, offset, _, to, size, _, _ in rows]


@pytest.mark.parametrize("arch", WITH_NOTES)
def test_readelf_reads_every_architecture(arch: str, tmp_path: Path) -> None:
    values = dict.fromkeys(names(arch), 5)
    cpus = [Cpu(values), Cpu(values, 1)]
    plan = elf_head(arch, cpus, [made(0, PAGE), made(0x10000, PAGE)])
    assert plan.remarks == ()
    said = readelf("-a", written(plan, tmp_path / "core"))
    assert said.count("NT_PRSTATUS") == 2
    assert said.count(" LOAD ") == 2


def test_memory_stands_where_the_headers_say() -> None:
    ranges = [made(0, 0xA0000), made(1 << 20, 1 << 20), made(1 << 32, PAGE)]
    plan = elf_head("x86_64", [Cpu(LMA)], ranges)
    (note, *loads) = segments64(plan.head)
    assert note[1] + note[3] == len(plan.head) == plan.offsets[0]
    assert [(offset, to, size) for _, offset, to, size in loads] == [
        (offset, one.start, one.size) for offset, one in zip(plan.offsets, ranges, strict=True)
    ]
    assert plan.size == plan.offsets[-1] + PAGE


def test_x86_64_registers_are_where_linux_has_them() -> None:
    """The order of struct user_regs_struct: gdb's orig_rax is the sixteenth word."""
    values = {**LMA, "r15": 1, "rdi": 2, "rip": 3, "gs.base": 4, "gs.selector": -1, "rax": 1 << 64}
    plan = elf_head("x86_64", [Cpu(values, 7)], [made(0, PAGE)])
    at = segments64(plan.head)[0][1]
    assert plan.head[at : at + 20] == struct.pack("<III", 5, 336, 1) + b"CORE\0\0\0\0"
    prstatus = plan.head[at + 20 : at + 356]
    assert struct.unpack_from("<I", prstatus, 32) == (8,)
    registers = struct.unpack_from("<27Q", prstatus, 112)
    assert [registers[index] for index in (0, 14, 16, 22, 26, 10)] == [1, 2, 3, 4, (1 << 64) - 1, 0]


@pytest.mark.parametrize(
    ("arch", "values", "ranges", "magic", "machine"),
    [
        ("x86_64", LMA, [made(0, PAGE)], "0201", 62),
        # as QEMU does, a CPU that is not in long mode is an i386
        ("x86_64", {}, [made(0, PAGE)], "0101", 3),
        ("i386", {}, [made(0xFFFF0000, 0x10000)], "0201", 3),
        ("i386", {}, [made(0, (1 << 32) - PAGE), made(0x1000, PAGE)], "0201", 3),
        ("ppc", {}, [made(0xFFFF0000, 0x10000)], "0102", 20),
        ("ppc64", {"lpcr": 1 << 25}, [made(0, PAGE)], "0201", 21),
        ("arm", {"sctlr": 1 << 25}, [made(0, PAGE)], "0102", 40),
        ("arm", {}, [made(0, 1 << 32)], "0201", 40),
        ("m68k", {}, [made(0, PAGE)], "0102", 4),
        ("nonesuch", {}, [made(0, PAGE)], "0201", 0),
        (None, {}, [made(0, PAGE)], "0201", 0),
    ],
)
def test_class_order_machine(
    arch: str | None, values: dict[str, int], ranges: list[Range], magic: str, machine: int
) -> None:
    head = elf_head(arch, [Cpu(values)], ranges).head
    assert head[4:6].hex() == magic
    assert int.from_bytes(head[18:20], "little" if head[5] == 1 else "big") == machine


def test_memory_only_where_no_notes_are_known(tmp_path: Path) -> None:
    plan = elf_head("m68k", [Cpu({})], [made(0, PAGE)])
    assert plan.remarks == ("no notes of CPUs are known for m68k: memory only",)
    assert "NOTE" not in readelf("-lW", written(plan, tmp_path / "core"))


def test_memory_only_where_no_cpu_is_described() -> None:
    assert elf_head("s390x", [], [made(0, PAGE)]).remarks == (
        "the stream tells no registers: memory only",
    )


def test_registers_that_are_missing_are_named() -> None:
    values = dict.fromkeys(names("riscv64"), 1)
    del values["x7"]
    (remark,) = elf_head("riscv64", [Cpu(values)], [made(0, PAGE)]).remarks
    assert remark == "registers not in the stream, written as zero: x7"


def test_a_note_that_a_cpu_need_not_have() -> None:
    """An Arm CPU without floating point has no such note, and so nothing is missing."""
    without = elf_head("arm", [Cpu({"r0": 0})], [made(0, PAGE)])
    having = elf_head("arm", [Cpu({"r0": 0, "d0": 0})], [made(0, PAGE)])
    assert len(having.head) - len(without.head) == 12 + 8 + 260
    (remark,) = without.remarks
    assert "r1" in remark
    assert "d1" not in remark


def test_a_guest_note_comes_last() -> None:
    note = struct.pack("<III", 11, 4, 0) + b"VMCOREINFO\0\0" + b"A=1\n"
    without = elf_head("x86_64", [Cpu(LMA)], [made(0, PAGE)]).head
    for raw, found in ((note + b"rest", note), (note, note), (note[:-1], b""), (note[:8], b"")):
        plan = elf_head("x86_64", [Cpu(LMA)], [made(0, PAGE)], guest_note=raw)
        assert plan.head[-len(note) :] == (found or without[-len(note) :])
        assert segments64(plan.head)[0][3] == len(plan.head) - segments64(plan.head)[0][1]


@pytest.mark.parametrize("count", [0xFFFD, 0xFFFE, 70_000])
def test_more_ranges_than_the_header_can_count(count: int, tmp_path: Path) -> None:
    ranges = [made(index * 2 * PAGE, PAGE) for index in range(count)]
    plan = elf_head("x86_64", [Cpu(LMA)], ranges)
    said = readelf("-hlW", written(plan, tmp_path / "core"))
    assert said.count(" LOAD ") == count


@pytest.mark.parametrize("one", [made((1 << 64) - 1, 2), made(0, 1 << 63)])
def test_what_no_file_can_hold(one: Range) -> None:
    with pytest.raises(Unsupported):
        elf_head("x86_64", [], [one])


@pytest.mark.parametrize(
    ("arch", "values", "prefix", "ranges"),
    [
        ("x86_64", LMA, "r", [made(0, 0xA0000), made(1 << 20, MIB)]),
        ("x86_64", {}, "e", [made(0, 0xA0000), made(1 << 20, MIB)]),
        ("x86_64", {}, "e", [made(0, 0xA0000), made(0xFFF00000, MIB)]),
        ("i386", {}, "e", [made(0, 0xA0000), made(1 << 20, MIB)]),
    ],
)
def test_gdb_tells_registers_and_memory(
    arch: str, values: dict[str, int], prefix: str, ranges: list[Range], tmp_path: Path
) -> None:
    named = {name: 0x1000 + 16 * at for at, name in enumerate(names(arch)) if "." not in name}
    cpus = [Cpu({**named, **values}), Cpu({**named, **values, "rip": 0x7C00}, 1)]
    core = with_memory(elf_head(arch, cpus, ranges), tmp_path / "core")
    border = ranges[0].stop - 2
    last = ranges[1].stop - 1
    said = gdb(
        core,
        "info registers",
        "info threads",
        f"x/2xb {border:#x}",
        f"x/1xb {last:#x}",
        f"x/1xb {ranges[0].stop:#x}",
    )
    found = dict(re.findall(r"^([a-z0-9]+) +(0x[0-9a-f]+) ", said, re.MULTILINE))
    for name in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp", "ip"):
        assert int(found[prefix + name], 16) == named[f"r{name}"], name
    if prefix == "r":
        assert [int(found[f"r{n}"], 16) for n in range(8, 16)] == [
            named[f"r{n}"] for n in range(8, 16)
        ]
    assert int(found["eflags"], 16) == named["rflags"]
    assert re.search(r"2 +LWP 2 +0x0*7c00 in", said)
    assert f"{border:#x}:\t0x01\t0x01" in said
    assert f"{last:#x}:\t0x02" in said
    assert f"Cannot access memory at address {ranges[0].stop:#x}" in said


def test_volatility_reads_it(tmp_path: Path) -> None:
    """It knows the cores of 64-bit x86."""
    ranges = [made(0, 0xA0000), made(1 << 20, MIB), made(1 << 32, MIB)]
    plan = elf_head("x86_64", [Cpu(LMA)], ranges)
    layer = volatility.layer("elf", "Elf64Layer", with_memory(plan, tmp_path / "core"))
    for number, one in enumerate(ranges, 1):
        assert layer.read(one.start, one.size) == bytes([number]) * one.size
