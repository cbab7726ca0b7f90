"""Page tables of s390x, 32-bit Arm and LoongArch as QEMU itself reads them: gva2gpa, x, and its gdbstub."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import migstream
from migstream.errors import NoSuchAddress
from migstream.machine.paging.walk import Mapping, VirtualMemory, pages, translate
from support.askpaging import NOISE, TABLES, Place, around, gva2gpa, noise, read_by_x
from support.gdbnames import GdbStub
from support.lacking import lacks
from support.pagetables import ARM_SWITCH_ON, Tree, loongarch_switch_on
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu


def compare(guest: Qemu, path: Path, addresses: list[int], place: int) -> list[Mapping]:
    """Of the guest's stream the same addresses, the same bytes, and what is listed agrees with what is translated."""
    theirs = {address: gva2gpa(guest, address) for address in addresses}
    seen = read_by_x(guest, place, 64)
    guest.migrate(path)
    with migstream.open(path) as stream:
        cpu, memory = stream.registers[0], stream.memory
        ours: dict[int, int | None] = {}
        for address in theirs:
            try:
                ours[address] = translate(cpu, memory, address).physical
            except NoSuchAddress as error:
                assert "is not mapped" in error.message  # noqa: PT017
                ours[address] = None
        assert {hex(a): p and hex(p) for a, p in ours.items()} == {
            hex(a): p and hex(p) for a, p in theirs.items()
        }
        assert VirtualMemory(cpu, memory).read(place, 64) == seen
        runs = list(pages(cpu, memory))
    found = {
        a: next((r.physical + a - r.virtual for r in runs if 0 <= a - r.virtual < r.size), None)
        for a in ours
    }
    assert found == ours
    return runs


S390X_TYPES = {53: 0xF, 42: 0xB, 31: 0x7, 20: 0}
S390X_DAT = 0x0400_0001_8000_0000
P390, LARGE390, INVALID390 = 0x200, 0x400, 0x20


@pytest.mark.parametrize("depth", [0, 1, 2, 3], ids=["segment", "third", "second", "first"])
@pytest.mark.parametrize("binary", find("qemu-system-s390x"), ids=str)
def test_s390x(binary: Binary, tmp_path: Path, depth: int) -> None:
    steps = [(53, 11), (42, 11), (31, 11), (20, 11), (12, 8)][3 - depth :]
    tree = Tree(
        TABLES,
        steps,
        [S390X_TYPES.get(shift, 0) for shift, _ in steps],
        page=0x4000,
        order="big",
        blank=0x420,
    )
    bits = 31 + 11 * depth
    places = []
    found: list[Place] = [
        (0x40_0000, 12, NOISE, 0),
        (0x40_1000, 12, NOISE + 0x5000, P390),
        (0x40_2000, 12, NOISE, LARGE390),  # invalid
        (0x40_3000, 12, NOISE, 0x800),  # reserved
        (0x40_4000, 12, 0x6000, 0),  # what is at 0 where the prefix is 0x6000
        (0x40_5000, 12, 0x1000, 0),  # ... and the prefix area itself
        (0x40_6000, 12, NOISE, 0x100),  # not executed
        (
            0x80_0000,
            20,
            0x20_0000,
            LARGE390 | P390,
        ),  # QEMU's emulator has no large pages: a table of zeros
        (0xA0_0000, 20, 0x20_0000, INVALID390),
        (0xB0_0000, 20, 0x20_0000, 0x4),  # of another kind of table
        ((1 << bits) - 0x1000, 12, NOISE + 0x1000, 0),
    ]
    for virtual, shift, physical, flags in found:
        tree.put(virtual, shift, physical | flags)
        places.append((virtual, 1 << shift))
    if depth:  # a table that begins later, and ends earlier
        tree.put(5 << 31 | 600 << 20, 12, NOISE)
        tree.put(5 << 31 | 1100 << 20, 12, NOISE)
        tree.put(5 << 31 | 1600 << 20, 12, NOISE)
        third = tree.base
        for _ in range(depth - 1):
            third = tree.entry(third, 0) & -0x1000
        tree.write(third, 5, tree.entry(third, 5) & -4 | 2 | 1 << 6)
        places += [(5 << 31 | n << 20, 4096) for n in (0, 511, 600, 1100, 1600)]
    with (
        Qemu(binary, ["-M", "s390-ccw-virtio", "-cpu", "max", "-m", "32"]) as guest,
        GdbStub(guest) as stub,
    ):
        stub.write(TABLES, tree.data)
        stub.write(NOISE, noise(9))
        set_prefix(stub, 0x6000)
        for name, value in {
            "cr0": 0x10_00E0,
            "cr1": TABLES | depth << 2 | 3,
            "pswm": S390X_DAT,
        }.items():
            stub.set(name, value, "big")
        addresses = [a for p in places for a in around(*p) if a < 1 << 63]
        addresses += [0x5FFF, 0x6000, 1 << bits - 1]
        runs = compare(guest, tmp_path / "guest.mig", addresses, 0x40_0FE0)
        assert {run.flags for run in runs} == {
            ("read", "write", "execute", "user"),
            ("read", "execute", "user"),
            ("read", "write", "user"),
        }


def set_prefix(stub: GdbStub, value: int) -> None:
    """By the instruction for it: no debugger does it."""
    code = bytes.fromhex("b2100200a7f40000")  # spx 0x200; j .
    stub.write(0x200, value.to_bytes(4, "big"))
    stub.write(0xA000, code)
    stub.set("pswm", 0x1_8000_0000, "big")
    stub.set("pswa", 0xA000, "big")
    stub.run(0.3)


@pytest.mark.parametrize("binary", find("qemu-system-s390x"), ids=str)
def test_s390x_behind_its_prefix(binary: Binary, tmp_path: Path) -> None:
    with (
        Qemu(binary, ["-M", "s390-ccw-virtio", "-cpu", "max", "-m", "32"]) as guest,
        GdbStub(guest) as stub,
    ):
        for at in (0, 0x6000):
            stub.write(at, noise(10 + at)[:0x2000])
        set_prefix(stub, 0x6000)
        runs = compare(
            guest,
            tmp_path / "guest.mig",
            [0, 0x1FFF, 0x2000, 0x5FFF, 0x6000, 0x7FFF, 0x8000],
            0x1FE0,
        )
        assert [(r.virtual, r.size, r.physical) for r in runs][:4] == [
            (0, 0x2000, 0x6000),
            (0x2000, 0x4000, 0x2000),
            (0x6000, 0x2000, 0),
            (0x8000, (1 << 64) - 0x8000, 0x8000),
        ]


ARM_RAM = 0x4000_0000
SECTION, COARSE, AP3, AP_READ = 2, 1, 0xC00, 0x8C00


@pytest.mark.parametrize("n", [0, 1, 7])
@pytest.mark.parametrize("binary", find("qemu-system-arm"), ids=str)
def test_arm_short(binary: Binary, tmp_path: Path, n: int) -> None:
    noisy = ARM_RAM + NOISE
    trees, places = [], []
    base = ARM_RAM + TABLES
    for upper in (0, 1) if n else (0,):
        tree = Tree(base, [(20, 12), (12, 8)], COARSE | 1 << 5, width=4, page=0x4000)
        low = 1 << 32 - n if upper else 0
        found: list[Place] = [
            (low + 0x40_0000, 12, noisy, 0x32),
            (low + 0x40_1000, 12, noisy + 0x3000, 0x32 | 0x200),  # read-only
            (
                low + 0x40_2000,
                12,
                noisy + 0x4000,
                0x02,
            ),  # no access, which QEMU asked for up to 10.0
            (low + 0x40_3000, 12, noisy + 0x5000, 0x33),  # not executed
            *((low + 0x41_0000 + (k << 12), 12, noisy, 0x31) for k in range(16)),
            (low + 0x60_0000, 20, noisy, SECTION | AP3 | 1 << 5),
            (low + 0x70_0000, 20, noisy, SECTION | AP_READ | 1 << 5),
            (low + 0x80_0000, 20, noisy, SECTION | AP3 | 2 << 5),  # a domain without access
            (low + 0x90_0000, 20, noisy, SECTION | 3 << 5),  # a manager's
            *(
                (low + 0x100_0000 + (k << 20), 20, ARM_RAM, SECTION | 1 << 18 | AP3)
                for k in range(16)
            ),
        ]
        for virtual, shift, physical, flags in found:
            if flags == 0x02 and not binary.version.startswith("11."):
                continue
            tree.put(virtual, shift, physical | flags)
            places.append((virtual, 1 << shift))
        trees.append(tree)
        base += len(tree.data)
    values = (trees[0].base, trees[-1].base, n, 0b11_00_01_01, 0xC5_0879)
    code = ARM_SWITCH_ON + b"".join(v.to_bytes(4, "little") for v in values)
    run_arm(binary, tmp_path, trees, code, [a for p in places for a in around(*p) if a < 1 << 32])


@pytest.mark.parametrize(("size0", "size1"), [(0, 0), (1, 1), (2, 0), (0, 3), (4, 5)])
@pytest.mark.parametrize("binary", find("qemu-system-arm"), ids=str)
def test_arm_long(binary: Binary, tmp_path: Path, size0: int, size1: int) -> None:
    noisy = ARM_RAM + NOISE
    page, block, af = 3, 1, 1 << 10
    trees, places = [], []
    base = ARM_RAM + TABLES
    for upper, size in enumerate((size0, size1)):
        bits = 32 - size
        steps = [(30, 2), (21, 9), (12, 9)] if bits > 30 else [(21, bits - 21), (12, 9)]
        tree = Tree(base, steps, page)
        low = (1 << 32) - (1 << bits) if size else 1 << 32 - size0 if upper and size0 else 0
        start = low if size else 0
        found: list[Place] = [
            (low + 0x40_0000, 12, noisy, page | af),
            (low + 0x40_1000, 12, noisy + 0x3000, page | af | 1 << 7),
            (low + 0x40_2000, 12, noisy + 0x3000, block | af),  # no block at the last level
            (low + 0x40_3000, 12, noisy + 0x4000, page | af | 1 << 54),
            (low + 0x60_0000, 21, noisy, block | af),
        ]
        for virtual, shift, physical, flags in found:
            tree.put(virtual - start, shift, physical | flags)
            places.append((virtual, 1 << shift))
        trees.append(tree)
        base += len(tree.data)
    ttbcr = 1 << 31 | size0 | size1 << 16
    values = (trees[0].base, trees[1].base, ttbcr, 0, 0xC5_0879)
    code = ARM_SWITCH_ON + b"".join(v.to_bytes(4, "little") for v in values)
    run_arm(binary, tmp_path, trees, code, [a for p in places for a in around(*p) if a < 1 << 32])


def run_arm(
    binary: Binary, folder: Path, trees: list[Tree], code: bytes, addresses: list[int]
) -> None:
    with (
        Qemu(binary, ["-M", "virt", "-m", "32", "-cpu", "cortex-a15"]) as guest,
        GdbStub(guest) as stub,
    ):
        for tree in trees:
            stub.write(tree.base, tree.data)
        stub.write(ARM_RAM + NOISE, noise(11))
        stub.write(ARM_RAM, code)
        stub.set("pc", ARM_RAM)
        guest.execute("cont")
        time.sleep(0.3)
        guest.execute("stop")
        compare(guest, folder / "guest.mig", addresses, 0x40_0FE0)


@pytest.mark.parametrize("shape", ["16K", "4K", "4K-4"])
@pytest.mark.parametrize("binary", find("qemu-system-loongarch64"), ids=str)
def test_loongarch(binary: Binary, tmp_path: Path, shape: str) -> None:
    if int(binary.version.split(".")[0]) < 10:
        lacks(f"{binary} does not read page tables by itself")
    granule, count = {"16K": (14, 3), "4K": (12, 3), "4K-4": (12, 4)}[shape]
    index = granule - 3
    steps = [(granule + index * n, index) for n in reversed(range(count))]
    top = min(steps[0][0] + steps[0][1], 47)
    pwcl = granule | index << 5
    for at, (shift, bits) in zip((10, 20), steps[-2:0:-1], strict=False):
        pwcl |= shift << at | bits << at + 5
    pwch = steps[0][0] | index << 6
    rwx, huge, present = 0x3, 1 << 6, 1 << 7
    trees, places = [], []
    base, big = TABLES, steps[-2][0]
    for upper in (0, 1):
        tree = Tree(base, steps, 0, page=1 << granule)
        low = (1 << 64) - (1 << top) if upper else 0
        for virtual, shift, physical, flags in (
            (low + (4 << granule), granule, NOISE, rwx | present),
            (low + (5 << granule), granule, NOISE + (1 << granule), 1 | present),
            (low + (6 << granule), granule, NOISE + (1 << granule), present),  # not valid
            (low + (7 << granule), granule, NOISE + (2 << granule), rwx | 0xC | 1 << 62 | present),
            (low + (3 << big), big, 0, rwx | huge | present),
            (low + (1 << top) - (1 << granule), granule, NOISE, rwx | present),
        ):
            tree.put(virtual, shift, physical | flags)
            places.append((virtual, 1 << shift))
        trees.append(tree)
        base += len(tree.data)
    code = loongarch_switch_on(
        {
            "pgdl": trees[0].base,
            "pgdh": trees[1].base,
            "pwcl": pwcl,
            "pwch": pwch,
            "dmw0": 0x8000_0000_0000_0011,
            "dmw1": 0x9000_0000_0000_0011,
            "crmd": 0x10,
        }
    )
    with Qemu(binary, ["-M", "virt", "-m", "1G"]) as guest, GdbStub(guest) as stub:
        for tree in trees:
            stub.write(tree.base, tree.data)
        stub.write(NOISE, noise(12))
        stub.write(0x8000, code)
        stub.set("pc", 0x9000_0000_0000_8000)
        guest.execute("cont")
        time.sleep(0.5)
        guest.execute("stop")
        addresses = [a for p in places for a in around(*p)]
        addresses += [0x9000_0000_0000_8123, 0x8000_0000_1000_0000]
        compare(guest, tmp_path / "guest.mig", addresses, (5 << granule) - 0x20)


@pytest.mark.parametrize("pages_of", [12, 16], ids=["4K", "64K"])
@pytest.mark.parametrize("binary", find("qemu-system-ppc64"), ids=str)
def test_ppc64_radix(binary: Binary, tmp_path: Path, pages_of: int) -> None:
    valid, leaf, rwx = 1 << 63, 1 << 62, 0x187
    last = (12, 9) if pages_of == 12 else (16, 5)
    steps = [(39, 13), (30, 9), (21, 9), last]
    links = [valid | 9, valid | 9, valid | last[1], 0]
    trees, places = [], []
    base = TABLES
    for upper in (0, 1):
        tree = Tree(base, steps, links, page=0x10000, order="big", mask=(1 << 60) - 1)
        low = 0xC000_0000_0000_0000 * upper
        for virtual, shift, physical, flags in (
            (0x40_0000, pages_of, NOISE, rwx),
            (
                0x40_0000 + (1 << pages_of),
                pages_of,
                NOISE + 0x20000,
                0x10C,
            ),  # privileged, read-only
            (0x40_0000 + (3 << pages_of), pages_of, NOISE, 0),
            (0x80_0000, 21, NOISE, rwx | 8),
            (0xC0_0000, 21, NOISE, 0x187),
            (1 << 30, 30, 0, rwx | 8),
            ((1 << 52) - (1 << pages_of), pages_of, NOISE, rwx | 8),
        ):
            if flags:
                tree.put(virtual, shift, physical | flags | valid | leaf)
            places.append((low + virtual, 1 << shift))
        trees.append(tree)
        base += len(tree.data) + 0xFFFF & ~0xFFFF
    processes = bytearray(4096)
    for number, tree in zip((7, 0), trees, strict=True):
        root = 2 << 61 | 5 << 5 | tree.base | 13
        processes[16 * number : 16 * number + 8] = root.to_bytes(8, "big")
    with (
        Qemu(binary, ["-M", "pseries", "-cpu", "power9", "-m", "256"]) as guest,
        GdbStub(guest) as stub,
    ):
        for tree in trees:
            stub.write(tree.base, tree.data)
        stub.write(NOISE, noise(13))
        stub.write(NOISE + 0x20000, noise(14))
        stub.write(0xF_0000, processes)
        # H_REGISTER_PROC_TBL: a new one, of radix trees; then mtpidr of 7, and stay there
        stub.write(0x8000, bytes.fromhex("44000022 38600007 7c700ba6 48000000"))
        for name, value in {"r3": 0x37C, "r4": 0x1D, "r5": 0xF_0000, "r6": 0, "r7": 0}.items():
            stub.set(name, value, "big")
        stub.set("pc", 0x8000, "big")
        stub.run(0.3)
        stub.set("msr", stub.get("msr", "big") | 0x30, "big")
        addresses = [a for p in places for a in around(*p)]
        addresses += [1 << 52, 0x4000_0000_0000_0000, 0xC010_0000_0000_0000]
        compare(guest, tmp_path / "guest.mig", addresses, 0x40_0000 + (1 << pages_of) - 0x20)
