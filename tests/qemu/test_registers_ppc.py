"""Registers of PowerPC, of many kinds of processor, against QEMU's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.gdbnames import GdbStub
from support.inforegs import Group, after_firmware, give, observe
from support.qemu import Binary, Qemu, find

pytestmark = pytest.mark.qemu

VECTORS, HALVES = [f"v{n}" for n in range(32)], [f"vsl{n}" for n in range(32)]


def groups(binary: Binary, cpu: int) -> list[Group]:
    """What a debugger sets. By numbers, as the special-purpose registers have lr, ctr and xer once more."""
    wide = binary.name.endswith("64")
    size = 8 if wide else 4
    found = [
        Group(range(32), size, [f"r{n}" for n in range(32)]),
        Group(range(64, 65), size, ["nip"]),
        Group(range(66, 67), 4, ["cr"]),
        Group(range(67, 69), size, ["lr", "ctr"]),
        Group(range(71, 103), 8, [f"f{n}" for n in range(32)]),
    ]
    if wide:
        # QEMU 11.1 counts one register less in front of v0 than it describes, so that it gets none.
        missing = int(binary.version.startswith("11."))
        found += [
            Group(range(104, 136 - missing), 16, VECTORS[missing:]),
            Group(range(138 - missing, 170 - missing), 8, HALVES),
        ]
    if cpu == 0:  # up to 7.2 others have none in the debugger
        found += [
            Group(["srr0", "srr1", "dar", "sprg0", "sprg1", "sprg2", "sprg3"], size),
            Group(["hsrr0", "hsrr1", "ptcr"] if wide else [], size),
        ]
    return found


FILLED = {
    "ppc": ["-M", "g3beige", "-m", "64"],
    "ppc64": ["-M", "pseries", "-cpu", "power9", "-m", "256", "-smp", "2"],
}
OLD = "cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off"  # POWER8 in emulation
MACHINES = [
    ("ppc", ["-M", "mac99", "-m", "64"]),
    ("ppc", ["-M", "bamboo", "-m", "64"]),
    ("ppc", ["-M", "ppce500", "-m", "64"]),
    ("ppc64", ["-M", "ppce500", "-cpu", "e5500", "-m", "64"]),
    ("ppc64", ["-M", "mac99", "-m", "64"]),
    ("ppc64", ["-M", f"pseries,{OLD}", "-cpu", "power8", "-m", "256"]),
    ("ppc64", ["-M", "powernv9", "-m", "1G"]),
    ("ppc64", ["-M", "powernv10", "-m", "1G"]),
]
UNKNOWN = (
    (r"^(NIP .*) CPU#\d+$", r"\1", "the number of the CPU is told beside its registers"),
    (r"^(MSR .*)  HF .*$", r"\1", "QEMU's own flags, made of others"),
    (r"^TB .*", "", "clocks are of the machine, and go on"),
    (r"     RES [0-9a-f]+@[0-9a-f]+$", "", "from 10.0 on a reservation does not migrate"),
    (r"^ LPCR 00000000$", "", "printed for SPR 318, which is none of an embedded processor"),
)
NO_FLOAT = (
    (r"^FPR\d\d( 0{16}){4}$", "", "printed for a processor that has none"),
    (r"^FPSCR 0+$", "", "printed for a processor that has none"),
)


@pytest.mark.parametrize(
    "binary", [b for arch in FILLED for b in find(f"qemu-system-{arch}")], ids=str
)
def test_what_a_debugger_put_there(binary: Binary, tmp_path: Path) -> None:
    arch = binary.name.removeprefix("qemu-system-")
    with Qemu(binary, FILLED[arch]) as guest, GdbStub(guest) as stub:
        told = [
            give(stub, cpu, groups(binary, cpu), "big")
            for cpu in range(len(guest.execute("query-cpus-fast")))
        ]
        for one in observe(guest, tmp_path / "guest.mig", told):
            assert {name: one.cpu.values[name] for name in one.told} == one.told
            assert one.cpu.pc == one.told["nip"]
            assert one.cpu.root is None
            assert one.printed() == one.expected(UNKNOWN)


@pytest.mark.parametrize(
    ("binary", "arguments"),
    [
        pytest.param(binary, arguments, id=f"{binary}-{arguments[1].partition(',')[0]}")
        for arch, arguments in MACHINES
        for binary in find(f"qemu-system-{arch}")
    ],
)
def test_after_a_moment_of_firmware(binary: Binary, arguments: list[str], tmp_path: Path) -> None:
    with after_firmware(binary, arguments) as guest:
        (one,) = observe(guest, tmp_path / "guest.mig")
    unknown = UNKNOWN if "f0" in one.cpu.values else (*UNKNOWN, *NO_FLOAT)
    assert one.printed() == one.expected(unknown)
