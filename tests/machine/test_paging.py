"""What no real QEMU is asked for: faults in words, hostile tables, the A20 gate. The rest is in tests/qemu."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migstream.errors import MigstreamError, NoSuchAddress, Unsupported
from migstream.machine.paging.walk import SCHEMES, Mapping, VirtualMemory, pages, translate
from migstream.machine.physical import PhysicalMemory, Range
from support.pagetables import Cpu, Tree

SIZE = 1 << 21
LONG = [(39, 9), (30, 9), (21, 9), (12, 9)]
ROOT = 0x1000


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, block: str, start: int, stop: int) -> bytes:  # noqa: ARG002
        return self.data[start:stop]


def memory(*parts: tuple[int, bytes | bytearray], size: int = SIZE) -> PhysicalMemory:
    data = bytearray(size)
    for at, part in parts:
        data[at : at + len(part)] = part
    return PhysicalMemory([Range(0, size, "ram", 0, "")], Bytes(bytes(data)))


def x86(
    cr3: int = ROOT, *, cr0: int = 1 << 31, cr4: int = 0x20, efer: int = 0xD00, a20: int = -1
) -> Cpu:
    values = {"cr0": cr0, "cr3": cr3, "cr4": cr4, "efer": efer, "a20_mask": a20}
    return Cpu("x86_64", values)


def refused(cpu: Cpu, ram: PhysicalMemory, address: int) -> NoSuchAddress:
    with pytest.raises(NoSuchAddress) as caught:
        translate(cpu, ram, address)
    return caught.value


def test_the_walk_is_told() -> None:
    tree = Tree(ROOT, LONG, 7)
    tree.put(0x40_0000, 12, 0x8067)
    found = translate(x86(), memory((ROOT, tree.data)), 0x40_0123)
    assert (found.physical, found.page_size) == (0x8123, 4096)
    assert found.flags == ("read", "write", "execute", "user", "accessed", "dirty")
    assert [(e.level, e.index, e.address, e.value) for e in found.entries] == [
        ("PML4", 0, 0x1000, 0x2007),
        ("PDPT", 0, 0x2000, 0x3007),
        ("PD", 2, 0x3010, 0x4007),
        ("PT", 0, 0x4000, 0x8067),
    ]


@pytest.mark.parametrize(
    ("virtual", "shift", "value", "reason", "hint"),
    [
        (0x40_0000, 12, 0x8000, "not present", "PT entry 0 at physical 0x4000 is 0x8000"),
        (0x40_0000, 21, 0x10_0083, "reserved bits are set", "PD entry 2 at physical 0x3010"),
        (0x40_0000, 39, 0x2087, "reserved bit 7", "PML4 entry 0"),
        (0x40_0000, 30, 0xFFF_FFFF_F003, "PD table is not in guest memory", "PDPT entry 0"),
    ],
)
def test_faults_say_which_entry(
    virtual: int, shift: int, value: int, reason: str, hint: str
) -> None:
    tree = Tree(ROOT, LONG, 7)
    tree.put(virtual, shift, value)
    error = refused(x86(), memory((ROOT, tree.data)), virtual)
    assert reason in error.message
    assert error.hint.startswith(hint) or hint in error.hint


def test_no_execute_is_reserved_where_it_is_off() -> None:
    tree = Tree(ROOT, LONG, 7)
    tree.put(0x40_0000, 12, 0x8003 | 1 << 63)
    ram = memory((ROOT, tree.data))
    assert "execute" not in translate(x86(), ram, 0x40_0000).flags
    assert "reserved bit 63" in refused(x86(efer=0x500), ram, 0x40_0000).message


def test_rights_are_those_of_all_levels() -> None:
    tree = Tree(ROOT, LONG, 1)
    tree.put(0x40_0000, 12, 0x8007)
    assert translate(x86(), memory((ROOT, tree.data)), 0x40_0000).flags == ("read", "execute")


def test_what_is_no_address() -> None:
    error = refused(x86(), memory(), 1 << 47)
    assert "no address that is translated" in error.message
    assert "0xffff800000000000 to 0xffffffffffffffff" in error.hint
    assert "0x0 to 0xffffffff" in refused(x86(cr0=0), memory(), 1 << 32).hint


def test_the_a20_gate() -> None:
    """While it is closed, odd MiB are seen as the even ones below them; tables are read so too."""
    tree = Tree(ROOT, LONG, 7)
    tree.put(0x40_0000, 12, 0x10_8003)
    tree.put(0x20_0000, 21, 0x0000_0083)
    ram = memory((ROOT, tree.data), (0x8000, b"low"), (0x10_8000, b"high"), (0xFFFFE, b"ab"))
    closed, opened = x86(ROOT | 1 << 20, a20=0xFFEF_FFFF), x86(a20=0xFFFF_FFFF)
    assert VirtualMemory(closed, ram).read(0x40_0000, 3) == b"low"
    assert VirtualMemory(opened, ram).read(0x40_0000, 4) == b"high"
    assert VirtualMemory(closed, ram)[0x2F_FFFE:0x30_0002] == b"ab" + bytes(2)
    assert list(pages(closed, ram)) == [
        Mapping(0x20_0000, 0x10_0000, 0, ("read", "write", "execute")),
        Mapping(0x30_0000, 0x10_0000, 0, ("read", "write", "execute")),
        Mapping(0x40_0000, 0x1000, 0x8000, ("read", "write", "execute")),
    ]
    assert VirtualMemory(x86(cr0=0, a20=0xFFEF_FFFF), ram).read(0xFFFFE, 4) == b"ab" + bytes(2)


def test_runs_are_merged() -> None:
    tree = Tree(ROOT, LONG, 7)
    for n in range(4):
        tree.put(0x1000 * n, 12, 0x8003 + 0x1000 * n | 0x20 * (n % 2))
    tree.put(0x4000, 12, 0xC001)
    assert list(pages(x86(), memory((ROOT, tree.data)))) == [
        Mapping(0, 0x4000, 0x8000, ("read", "write", "execute")),
        Mapping(0x4000, 0x1000, 0xC000, ("read", "execute")),
    ]


def test_tables_that_lead_to_themselves_end() -> None:
    table = (ROOT | 7).to_bytes(8, "little") * 512
    with pytest.raises(Unsupported, match="more than 20 page tables"):
        list(pages(x86(), memory((ROOT, table)), limit=20))


def test_a_self_map_is_no_loop() -> None:
    """Windows maps its tables so: one entry of the root leads to the root."""
    tree = Tree(ROOT, LONG, 7)
    tree.put(0x40_0000, 12, 0x8003)
    tree.write(ROOT, 0x1ED, ROOT | 3)
    assert len(list(pages(x86(), memory((ROOT, tree.data))))) == 5


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(SCHEMES)),
    st.dictionaries(
        st.sampled_from(
            [
                "cr0",
                "cr3",
                "cr4",
                "efer",
                "satp",
                "priv",
                "tcr_el1",
                "ttbr0_el1",
                "ttbr1_el1",
                "sctlr_el1",
                "pstate",
                "hcr_el2",
                "a20_mask",
                *("psw.mask", "prefix", "c0", "c1", "c13"),
                *("sctlr", "ttbcr", "ttbr0", "ttbr1", "dacr", "cpsr"),
                *("crmd", "pgdl", "pgdh", "pwcl", "pwch", "dmw0", "dmw1", "dmw2", "dmw3"),
                *("msr", "lpcr", "pidr", "patb_entry", "ptcr"),
            ]
        ),
        st.integers(0, (1 << 64) - 1),
    ),
    st.binary(max_size=512),
    st.integers(0, (1 << 64) - 1),
)
def test_only_our_errors(arch: str, values: dict[str, int], data: bytes, address: int) -> None:
    cpu = Cpu(arch, values)
    ram = memory((0, data * (0x4000 // max(len(data), 1))), size=0x4000)
    for work in (
        lambda: translate(cpu, ram, address),
        lambda: VirtualMemory(cpu, ram).read(address, 8192),
        lambda: list(pages(cpu, ram, limit=8)),
    ):
        try:
            work()
        except MigstreamError as error:
            assert error.message  # noqa: PT017


@pytest.mark.parametrize(
    ("arch", "values", "said"),
    [
        ("aarch64", {"sctlr_el3": 1, "pstate": 0x3CD}, "stands at EL3"),
        ("aarch64", {"sctlr_el1": 1, "pstate": 0x3C5, "hcr_el2": 1}, "two stages"),
        ("aarch64", {"sctlr_el1": 1, "pstate": 0x1D3}, "AArch32"),
        ("aarch64", {"sctlr_el1": 1, "pstate": 0x3C5}, "no register tcr_el1"),
        ("riscv64", {"satp": 0, "priv": 1, "virt": 1, "hgatp": 8 << 60}, "two stages"),
        ("riscv64", {"satp": 15 << 60, "priv": 1}, "satp.MODE 15"),
        ("x86_64", {"cr0": 1 << 31}, "no register cr3"),
        ("s390x", {}, "no register psw.mask"),
        ("arm", {}, "no register sctlr"),
        ("arm", {"sctlr": 1 << 23, "cpsr": 0x1DA}, "Hyp mode"),
        ("arm", {"sctlr": 1, "ttbcr": 0}, "ARMv5"),
        ("loongarch64", {"crmd": 0x10}, "no register dmw0"),
        ("ppc64", {"msr": 0x10}, "page tables of ppc64"),
        ("ppc64", {}, "page tables of ppc64"),
        ("ppc", {"msr": 0x30}, "page tables of ppc"),
    ],
)
def test_what_is_not_read(arch: str, values: dict[str, int], said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        translate(Cpu(arch, values), memory(), 0)


@pytest.mark.parametrize(
    ("arch", "off"),
    [
        ("arm", {"sctlr": 0}),
        ("arm", {"xpsr": 0, "sctlr": 1}),
        ("ppc64", {"msr": 0x20}),
        ("ppc", {"msr": 0}),
        ("s390x", {"psw.mask": 1 << 32}),
        ("s390x", {"psw.mask": 0, "prefix": 0}),
        ("s390x", {"psw.mask": 1 << 58, "c1": 1 << 5}),
        ("loongarch64", {"crmd": 8}),
    ],
)
def test_where_nothing_is_translated(arch: str, off: dict[str, int]) -> None:
    assert translate(Cpu(arch, off), memory(), 0x1234).physical == 0x1234


def test_large_pages_of_s390x() -> None:
    """QEMU's emulator has none; with KVM there are."""
    segments = 0x4000
    entries = {4: 0x10_0400, 5: 0x20_0600, 6: 0x30_0500}
    table = b"".join(entries.get(n, 0x20).to_bytes(8, "big") for n in range(2048))
    ram = memory((segments, table))
    cpu = Cpu("s390x", {"psw.mask": 1 << 58 | 3 << 31, "c0": 9 << 20, "c1": segments | 3})
    assert list(pages(cpu, ram)) == [
        Mapping(0x40_0000, 1 << 20, 0x10_0000, ("read", "write", "execute", "user")),
        Mapping(0x50_0000, 1 << 20, 0x20_0000, ("read", "execute", "user")),
        Mapping(0x60_0000, 1 << 20, 0x30_0000, ("read", "write", "user")),
    ]
    assert translate(cpu, ram, 0x51_2345).physical == 0x21_2345
    refused(cpu, ram, 0x70_0000)
