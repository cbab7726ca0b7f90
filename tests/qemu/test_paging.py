"""Page tables as QEMU itself reads them: gva2gpa, info tlb, info mem, x."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import migstream
from migstream.cli.group import cli
from migstream.errors import NoSuchAddress
from migstream.machine.paging.walk import Mapping, VirtualMemory, pages, translate
from migstream.machine.physical import PhysicalMemory, Range
from support.askpaging import NOISE, TABLES, Place, around, gva2gpa, noise, read_by_x
from support.gdbnames import GdbStub
from support.lacking import lacks
from support.pagetables import AARCH64_SWITCH_ON, Cpu, Tree
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

SIZE = 32 << 20


class Memory:
    """Guest memory as pmemsave has it."""

    def __init__(self, guest: Qemu, base: int) -> None:
        path = guest._folder / "memory"
        guest.execute("pmemsave", {"val": base, "size": SIZE, "filename": guest._seen(path)})
        self._data = path.read_bytes()
        self.physical = PhysicalMemory([Range(base, SIZE, "ram", 0, "")], self)

    def read(self, block: str, start: int, stop: int) -> bytes:  # noqa: ARG002
        return self._data[start:stop]


def ours(cpu: Cpu, memory: Memory, address: int) -> int | None:
    try:
        return translate(cpu, memory.physical, address).physical
    except NoSuchAddress as error:
        assert "is not mapped" in error.message  # noqa: PT017
        return None


def lines(guest: Qemu, command: str) -> str:
    return guest.hmp(command).replace("\r", "")


def compare_stream(guest: Qemu, path: Path, addresses: list[int], place: int) -> None:
    """The same from the guest's stream, with the registers and the map that it says itself; and by the command."""
    theirs = {address: gva2gpa(guest, address) for address in addresses}
    seen = read_by_x(guest, place, 64)
    guest.migrate(path)
    with migstream.open(path) as stream:
        cpu, memory = stream.registers[0], stream.memory
        for address, physical in theirs.items():
            try:
                assert translate(cpu, memory, address).physical == physical
            except NoSuchAddress:
                assert physical is None
    result = CliRunner().invoke(cli, ["mem", str(path), hex(place), "--virt", "-n", "64", "-r"])
    assert result.stdout_bytes == seen


def compare(guest: Qemu, cpu: Cpu, memory: Memory, addresses: list[int]) -> None:
    mine = {a: ours(cpu, memory, a) for a in addresses}
    assert mine == {a: gva2gpa(guest, a) for a in addresses}
    assert any(v is not None for v in mine.values())
    assert any(v is None for v in mine.values()) or cpu.arch != "x86_64"


def compare_listing(guest: Qemu, cpu: Cpu, memory: Memory, bits: int) -> None:
    """`info tlb` lists pages, `info mem` runs with the same rights.

    They have their ways: `info tlb` leaves bit 63 in a PAE entry's address and does not know PSE-36, `info mem` goes
    across the gap between the halves and says nothing of five levels.
    """
    runs = list(pages(cpu, memory.physical))
    said = lines(guest, "info tlb")
    listed = re.findall(r"^([0-9a-f]+): ([0-9a-f]+) \S+$", said, re.MULTILINE)
    wide = (1 << 52) - 1 if bits > 32 or not cpu.values["cr4"] & 0x10 else (1 << 32) - 1
    theirs = {int(virtual, 16): int(physical, 16) & wide for virtual, physical in listed}
    assert {run.virtual for run in runs} <= set(theirs)
    for at, physical in theirs.items():
        run = next(r for r in runs if r.virtual <= at < r.virtual + r.size)
        assert run.physical + at - run.virtual & wide == physical
    if bits == 57:
        return
    said = lines(guest, "info mem")
    rights = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) [0-9a-f]+ ([u-])r([w-])$", said, re.MULTILINE)
    mask = (1 << bits) - 1
    assert [(a & mask, b & mask, u, w) for a, b, u, w in merged(runs)] == [
        (int(a, 16) & mask, int(b, 16) & mask, u == "u", w == "w") for a, b, u, w in rights
    ]


def merged(runs: list[Mapping]) -> list[tuple[int, int, bool, bool]]:
    out: list[tuple[int, int, bool, bool]] = []
    for run in runs:
        kind = "user" in run.flags, "write" in run.flags
        stop = run.virtual + run.size
        if out and out[-1][1] == run.virtual and out[-1][2:] == kind:
            out[-1] = (out[-1][0], stop, *kind)
        else:
            out.append((run.virtual, stop, *kind))
    return out


def compare_reads(guest: Qemu, cpu: Cpu, memory: Memory, places: list[tuple[int, int]]) -> None:
    virtual = VirtualMemory(cpu, memory.physical)
    for address, size in places:
        theirs = read_by_x(guest, address, size)
        assert theirs is not None
        assert virtual.read(address, size) == theirs
        assert any(theirs), "nothing is there that could differ"


P, RW, US, PS, NX = 1, 2, 4, 0x80, 1 << 63

X86_LONG = [(39, 9), (30, 9), (21, 9), (12, 9)]
UPPER = 0xFFFF_8000_0000_0000


def fill_long(tree: Tree, high: int) -> list[tuple[int, int]]:
    """Pages of all sizes in both halves; (address, size) of each."""
    places = []
    for virtual, shift, physical, flags in (
        (0x0000_0000_0040_0000, 12, NOISE, P | RW | US),
        (0x0000_0000_0040_1000, 12, NOISE + 0x5000, P | RW | US),
        (0x0000_0000_0040_2000, 12, NOISE + 0x6000, P | US),
        (0x0000_0000_0040_3000, 12, NOISE + 0x7000, P | RW | NX | 0x160),
        (0x0000_0000_0060_0000, 21, 0x0040_0000, P | RW | US | PS),
        (0x0000_0000_0080_0000, 21, 0x0060_0000, P | RW | US | PS),
        (0x0000_0001_0000_0000, 30, 0x0000_0000, P | RW | PS),
        (0x0000_7FFF_FFFF_F000, 12, NOISE + 0x1000, P),
        (high, 12, NOISE + 0x2000, P | RW),
        (0xFFFF_FFFF_8000_0000, 21, 0x0040_0000, P | RW | PS),
        (0xFFFF_FFFF_FFE0_0000, 21, 0x0040_0000, P | RW | NX | PS | 0x120),
    ):
        tree.put(virtual, shift, physical | flags)
        places.append((virtual, 1 << shift))
    tree.put(0x0000_0000_0050_0000, 12, 0x1234_5000)  # not present
    tree.put(0x0000_0123_4567_8000, 12, 0xFFF_FFF0_0000 | P)  # far beyond memory
    return [*places, (0x500000, 4096), (0x12345678000, 4096), (0x1000, 4096)]


@pytest.mark.parametrize("five", [False, True], ids=["4-level", "5-level"])
def test_x86_long_mode(qemu: Binary, tmp_path: Path, five: bool) -> None:
    steps = [(48, 9), *X86_LONG] if five else X86_LONG
    tree = Tree(TABLES, steps, P | RW | US)
    places = fill_long(tree, 0xFF00_0000_0000_0000 if five else UPPER)
    with (
        Qemu(qemu, ["-M", "pc", "-m", "32", "-cpu", "max"]) as guest,
        GdbStub(guest) as stub,
    ):
        stub.write(TABLES, tree.data)
        stub.write(NOISE, noise(1))
        stub.write(0x5F0000, noise(8))
        stub.set("cr4", 0x1020 if five else 0x20)
        stub.set("efer", 0x901)
        stub.set("cr3", TABLES | 0x18)
        stub.set("cr0", 0x80000011)
        cpu = Cpu("x86_64", {n: stub.get(n) for n in ("cr0", "cr3", "cr4", "efer")})
        memory = Memory(guest, 0)
        addresses = [a for place in places for a in around(*place)]
        beyond = [1 << 47, UPPER - 1, 1 << 56, 1 << 63, (1 << 64) - 1, 0x8000_1234_5678_9000]
        compare(guest, cpu, memory, addresses + beyond)
        compare_listing(guest, cpu, memory, 57 if five else 48)
        compare_reads(guest, cpu, memory, [(0x400FF0, 64), (0x401F80, 0x100), (0x7FFFF0, 32)])
        name = "5-level paging" if five else "4-level paging"
        assert translate(cpu, memory.physical, 0x400000).scheme == name
        compare_stream(guest, tmp_path / "stream", addresses, 0x400FF0)


def test_x86_pae(qemu: Binary) -> None:
    base = TABLES + 0x20  # the root is four entries anywhere at 32 bytes
    tree = Tree(TABLES, [(30, 2), (21, 9), (12, 9)], P | RW | US, top=P)
    places = []
    for virtual, shift, value in (
        (0x0040_0000, 12, NOISE | P | RW | US),
        (0x0040_1000, 12, NOISE + 0x3000 | P | US),
        (0x7FE0_0000, 21, NOISE | P | RW | PS),
        (0xC000_0000, 21, 0x0060_0000 | P | RW | PS),
        (0xFFFF_F000, 12, NOISE + 0x4000 | P | RW | NX),
    ):
        tree.put(virtual, shift, value)
        places.append((virtual, 1 << shift))
    tree.data[0x20:0x40] = tree.data[:0x20]
    tree.data[:0x20] = bytes(0x20)
    with Qemu(qemu, ["-M", "pc", "-m", "32", "-cpu", "max"]) as guest, GdbStub(guest) as stub:
        stub.write(TABLES, tree.data)
        stub.write(NOISE, noise(2))
        for name, value in (("cr4", 0x20), ("efer", 0x800), ("cr3", base), ("cr0", 0x80000011)):
            stub.set(name, value)
        cpu = Cpu("x86_64", {n: stub.get(n) for n in ("cr0", "cr3", "cr4", "efer")})
        memory = Memory(guest, 0)
        addresses = [a for p in places for a in around(*p) if a < 1 << 32] + [0, 0x1234_5678]
        compare(guest, cpu, memory, addresses)
        compare_listing(guest, cpu, memory, 32)
        compare_reads(guest, cpu, memory, [(0x400FF0, 64), (0x7FE00010, 32)])
        assert translate(cpu, memory.physical, 0x400000).scheme == "PAE paging"


@pytest.mark.parametrize("pse", [False, True], ids=["plain", "pse"])
def test_x86_32_bit(qemu: Binary, pse: bool) -> None:
    tree = Tree(TABLES, [(22, 10), (12, 10)], P | RW | US, width=4)
    places = []
    for virtual, shift, value in (
        (0x0040_0000, 12, NOISE | P | RW | US),
        (0x0040_1000, 12, NOISE + 0x3000 | P | US),
        (0xFFFF_F000, 12, NOISE + 0x4000 | P | RW),
    ):
        tree.put(virtual, shift, value)
        places.append((virtual, 1 << shift))
    tree.put(0xC000_0000, 22, NOISE | P | RW | PS)
    # bits 20:13 are 39:32 of the address, of a page far beyond memory
    tree.put(0xD000_0000, 22, 0x0080_0000 | 0x5A << 13 | P | RW | PS)
    places += [(0xC000_0000, 4 << 20), (0xD000_0000, 4 << 20)]
    with Qemu(qemu, ["-M", "pc", "-m", "32", "-cpu", "max"]) as guest, GdbStub(guest) as stub:
        stub.write(TABLES, tree.data)
        stub.write(NOISE, noise(3))
        for name, value in (("cr4", 0x10 if pse else 0), ("cr3", TABLES | 8), ("cr0", 0x80000011)):
            stub.set(name, value)
        cpu = Cpu("i386", {n: stub.get(n) for n in ("cr0", "cr3", "cr4")})
        memory = Memory(guest, 0)
        addresses = [a for p in places for a in around(*p) if a < 1 << 32] + [0x1234_5678]
        compare(guest, cpu, memory, addresses)
        if pse:
            compare_listing(guest, cpu, memory, 32)
        compare_reads(guest, cpu, memory, [(0x400FF0, 64)])
        assert translate(cpu, memory.physical, 0x400000).scheme == "32-bit paging"


def test_x86_without_paging(qemu: Binary) -> None:
    with Qemu(qemu, ["-M", "pc", "-m", "32"]) as guest, GdbStub(guest) as stub:
        stub.write(NOISE, noise(4))
        cpu = Cpu("x86_64", {n: stub.get(n) for n in ("cr0", "cr3", "cr4", "efer")})
        memory = Memory(guest, 0)
        for address in (0, 0x7C00, 0x10_0000, 0xFFFF_FFF0):
            assert ours(cpu, memory, address) == gva2gpa(guest, address)
        compare_reads(guest, cpu, memory, [(NOISE + 0xFF0, 32)])


RV_V, RV_R, RV_W, RV_X, RV_U, RV_A, RV_D = 1, 2, 4, 8, 16, 64, 128
DRAM = 0x8000_0000


@pytest.mark.parametrize("levels", [3, 4, 5], ids=["Sv39", "Sv48", "Sv57"])
@pytest.mark.parametrize("binary", find("qemu-system-riscv64"), ids=str)
def test_riscv64(binary: Binary, tmp_path: Path, levels: int) -> None:
    steps = [(12 + 9 * n, 9) for n in reversed(range(levels))]
    base = DRAM + TABLES
    tree = Tree(base, steps, RV_V, frame=2)
    half = 1 << (11 + 9 * levels)
    rwx = RV_V | RV_R | RV_W | RV_X | RV_A | RV_D
    noisy = DRAM + NOISE
    places = []
    for virtual, shift, physical, flags in (
        (0x40_0000, 12, noisy, rwx),
        (0x40_1000, 12, noisy + 0x4000, rwx),
        (0x40_2000, 12, noisy + 0x5000, RV_V | RV_R | RV_A),
        (0x40_3000, 12, noisy + 0x6000, rwx | RV_U),
        (0x60_0000, 21, noisy, rwx),
        (0x80_0000, 21, noisy + 0x1000, rwx),  # not aligned: a fault
        (0xA0_0000, 21, noisy, RV_V | RV_W),  # reserved
        (0x1_0000_0000, 30, DRAM, rwx),
        (half - 0x1000, 12, noisy + 0x1000, rwx),
        ((1 << 64) - half, 12, noisy + 0x2000, rwx),
        ((1 << 64) - (1 << 21), 21, noisy, rwx),
        (0xC0_0000, 12, noisy, RV_V),  # leads on from the last level
        (0xE0_0000, 21, base + 0x1000, RV_V | RV_D),  # a table with D
    ):
        tree.put(virtual, shift, physical >> 2 | flags)
        places.append((virtual, 1 << shift))
    with (
        Qemu(
            binary, ["-M", "virt", "-cpu", "rv64,pmp=false", "-m", "32", "-bios", "none"]
        ) as guest,
        GdbStub(guest) as stub,
    ):
        stub.write(base, tree.data)
        stub.write(noisy, noise(5))
        stub.set("mstatus", stub.get("mstatus") | 1 << 18)  # SUM: the kernel may read a user's page
        stub.set("satp", (5 + levels) << 60 | base >> 12)
        stub.set("priv", 1)
        cpu = Cpu("riscv64", {n: stub.get(n) for n in ("satp", "priv", "mstatus")})
        memory = Memory(guest, DRAM)
        beyond = [half, (1 << 64) - half - 1, 1 << 63, 0]
        compare(guest, cpu, memory, [a for p in places for a in around(*p)] + beyond)
        compare_reads(guest, cpu, memory, [(0x400FF0, 64)])
        assert translate(cpu, memory.physical, 0x400000).scheme == f"Sv{3 + 9 * (levels + 1)}"
        compare_riscv_listing(guest, cpu, memory)
        stub.set("priv", 3)
        bare = Cpu("riscv64", {n: stub.get(n) for n in ("satp", "priv", "mstatus")})
        assert ours(bare, memory, 0x400000) == gva2gpa(guest, 0x400000) == 0x400000
        stub.set("priv", 1)
        compare_stream(
            guest, tmp_path / "stream", [a for p in places for a in around(*p)], 0x400FF0
        )


def compare_riscv_listing(guest: Qemu, cpu: Cpu, memory: Memory) -> None:
    """`info mem`: virtual, physical, size, what the entry allows."""
    said = lines(guest, "info mem")
    theirs = re.findall(r"^([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) (\S+)$", said, re.MULTILINE)
    assert theirs
    runs = list(pages(cpu, memory.physical))
    for virtual, physical, size, rights in theirs:
        at, length = int(virtual, 16), int(size, 16)
        run = next((r for r in runs if r.virtual <= at and at + length <= r.virtual + r.size), None)
        if run is None:  # it lists entries that no access gets through: not aligned, write-only
            assert gva2gpa(guest, at) is None
            continue
        assert run.physical + at - run.virtual == int(physical, 16)
        assert ("write" in run.flags, "user" in run.flags) == ("w" in rights, "u" in rights)


@pytest.mark.parametrize("binary", find("qemu-system-riscv32"), ids=str)
def test_riscv32(binary: Binary) -> None:
    base, noisy = DRAM + TABLES, DRAM + NOISE
    rwx = RV_V | RV_R | RV_W | RV_X | RV_A | RV_D
    tree = Tree(base, [(22, 10), (12, 10)], RV_V, width=4, frame=2)
    places = []
    for virtual, shift, physical in (
        (0x40_0000, 12, noisy),
        (0x40_1000, 12, noisy + 0x4000),
        (0xC000_0000, 22, DRAM),
        (0xFFFF_F000, 12, noisy + 0x2000),
        (0x8000_0000, 22, 0x3_0040_0000),
    ):
        tree.put(virtual, shift, physical >> 2 | rwx)
        places.append((virtual, 1 << shift))
    arguments = ["-M", "virt", "-cpu", "rv32,pmp=false", "-m", "32", "-bios", "none"]
    with Qemu(binary, arguments) as guest, GdbStub(guest) as stub:
        stub.write(base, tree.data)
        stub.write(noisy, noise(6))
        stub.set("satp", 1 << 31 | base >> 12)
        stub.set("priv", 1)
        cpu = Cpu("riscv32", {n: stub.get(n) for n in ("satp", "priv")})
        memory = Memory(guest, DRAM)
        compare(guest, cpu, memory, [a for p in places for a in around(*p) if a < 1 << 32])
        compare_reads(guest, cpu, memory, [(0x400FF0, 64)])


ARM_RAM = 0x4000_0000
AF, NG, EL0, RO, XN = 1 << 10, 1 << 11, 1 << 6, 1 << 7, 3 << 53
GRANULE_FIELDS = {12: (0, 2), 14: (2, 1), 16: (1, 3)}


def arm_steps(granule: int, bits: int) -> list[tuple[int, int]]:
    """(shift, bits) of each level for an address of so many bits."""
    steps = []
    shift = granule
    while shift < bits:
        steps.append((shift, min(granule - 3, bits - shift)))
        shift += granule - 3
    return steps[::-1]


@pytest.mark.parametrize(
    ("granule", "size0", "size1", "more"),
    [
        (12, 16, 16, 0),
        (12, 25, 25, 0),
        (12, 33, 28, 0),
        (14, 16, 17, 0),
        (14, 28, 36, 0),
        (16, 16, 22, 0),
        (16, 12, 12, 6 << 32),  # LVA and LPA
        (12, 12, 14, 1 << 59),  # LPA2
        (14, 12, 16, 1 << 59),
        (12, 16, 16, 3 << 37),  # TBI
        (12, 20, 20, 1 << 7),  # EPD0
    ],
)
@pytest.mark.parametrize("binary", find("qemu-system-aarch64"), ids=str)
def test_aarch64(
    binary: Binary, tmp_path: Path, granule: int, size0: int, size1: int, more: int
) -> None:
    ds, wide = bool(more >> 59), bool(more >> 32 & 7)
    if (ds and tuple(map(int, binary.version.split(".")[:2])) < (7, 1)) or (
        wide and binary.version.startswith("5.")
    ):
        lacks("this QEMU has no 52-bit addresses")
    noisy = ARM_RAM + NOISE
    page = 1 << granule
    trees, places = [], []
    base = ARM_RAM + TABLES
    for upper, size in enumerate((size0, size1)):
        steps = arm_steps(granule, 64 - size)
        tree = Tree(base, steps, 3, page=page)
        low = (1 << 64) - (1 << (64 - size)) if upper else 0
        big = steps[-2][0]
        found: list[Place] = [
            (low + 0x40_0000, granule, noisy, 3 | AF),
            (low + 0x40_0000 + page, granule, noisy + 2 * page, 3 | AF | EL0),
            (low + 0x40_0000 + 2 * page, granule, noisy + 3 * page, 3 | AF | RO | XN | NG),
            (low + 0x40_0000 + 3 * page, granule, noisy, 1 | AF),  # a block at the last level
            (low + (1 << big) * 3, big, ARM_RAM & -(1 << big), 1 | AF),
            (low + (1 << (64 - size)) - page, granule, noisy + page, 3 | AF),
        ]
        if granule == 12 and len(steps) > 2:
            found.append((low + (1 << 30) * 3, 30, ARM_RAM, 1 | AF))
        if granule == 12 and len(steps) > 3 and not binary.version.startswith(("5.", "7.")):
            found.append(
                (low + (1 << 39) * 2, 39, 0, 1 | AF)
            )  # with LPA2 only; older QEMUs take it
        for virtual, shift, physical, flags in found:
            tree.put(virtual - low, shift, physical | flags)
            places.append((virtual, 1 << shift))
        trees.append(tree)
        base += len(tree.data) + 0xFFFF & ~0xFFFF
    tg0, tg1 = GRANULE_FIELDS[granule]
    tcr = size0 | tg0 << 14 | size1 << 16 | tg1 << 30 | (more or 5 << 32)
    if not wide:
        tcr |= (6 if ds else 5) << 32
    values = {
        "ttbr0_el1": trees[0].base,
        "ttbr1_el1": trees[1].base,
        "tcr_el1": tcr,
        "sctlr_el1": 0x30D0_0985,
    }
    with (
        Qemu(binary, ["-M", "virt", "-m", "32", "-cpu", "max"]) as guest,
        GdbStub(guest) as stub,
    ):
        for tree in trees:
            stub.write(tree.base, bytes(tree.data))
        stub.write(noisy, noise(7))
        stub.write(
            ARM_RAM, AARCH64_SWITCH_ON + b"".join(v.to_bytes(8, "little") for v in values.values())
        )
        stub.set("pc", ARM_RAM)
        cpu = Cpu("aarch64", {**values, "pstate": stub.get("cpsr")})  # EL1, and stays there
        guest.execute("cont")
        time.sleep(0.3)
        guest.execute("stop")
        memory = Memory(guest, ARM_RAM)
        addresses = [a for p in places for a in around(*p)]
        if more >> 37 & 3:
            addresses += [
                a & (1 << 56) - 1 | tag << 56 for a, _ in places for tag in (0, 0x5A, 0xFF)
            ]
        addresses += [1 << (64 - size0), (1 << 64) - (1 << (64 - size1)) - 1, 1 << 55, 1 << 63]
        compare(guest, cpu, memory, addresses)
        at = (1 << 64) - (1 << (64 - size1)) + 0x40_0000 + page - 16
        compare_reads(guest, cpu, memory, [(at, 48)])
        compare_stream(guest, tmp_path / "stream", addresses, at)
