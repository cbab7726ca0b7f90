"""Names of registers and interrupts of other architectures than x86, against a QEMU that knows them by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import migstream
from migstream.vmstate.meaning.sprs import names_of
from support.gdbnames import GdbStub
from support.qemu import Qemu, own

pytestmark = pytest.mark.qemu

# --- system registers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "machine", "least"),
    [
        ("aarch64", "-M virt,secure=on,virtualization=on -cpu cortex-a57", 150),
        ("aarch64", "-M virt -cpu max", 150),
        ("arm", "-M virt,secure=on -cpu cortex-a15", 90),
        ("arm", "-M vexpress-a9", 80),
    ],
)
def test_system_registers_of_arm(program: str, machine: str, least: int, tmp_path: Path) -> None:
    """The gdbstub has those that the guest's own state shows, by QEMU's names."""
    path = tmp_path / "guest.mig"
    with Qemu(own(f"qemu-system-{program}"), machine.split()) as guest:
        with GdbStub(guest) as stub:
            told = {name.upper(): stub.get(name) for name in stub._registers}
        guest.migrate(path)
    with migstream.open(path) as stream:
        named = {
            value.symbol.split()[0]: int(value)
            for value in stream["cpu[0]/cpreg_vmstate_values"]
            if value.symbol
        }
        ids = [value.symbol for value in stream["cpu[0]/cpreg_vmstate_indexes"]]
    assert {*named} == {*ids}
    both = named.keys() & told.keys()
    assert len(both) >= least
    assert {name: named[name] for name in both} == {name: told[name] for name in both}


# --- special-purpose registers -----------------------------------------------------------------------

# the monitor and gdb have these apart from the others
APART = {"lr", "ctr", "vrsave", "xer"}


@pytest.mark.parametrize(
    ("program", "machine", "least"),
    [
        ("ppc64", "-M pseries -cpu power9", 80),
        ("ppc64", "-M pseries -cpu power8", 80),
        ("ppc", "-M mac99", 20),
        ("ppc", "-M none -cpu e500v2", 20),
    ],
)
def test_special_purpose_registers_of_power(
    program: str, machine: str, least: int, tmp_path: Path
) -> None:
    """The gdbstub lists them by their numbers, which it does not tell."""
    path = tmp_path / "guest.mig"
    with Qemu(own(f"qemu-system-{program}"), machine.split()) as guest:
        with GdbStub(guest) as stub:
            theirs = [name.lower() for name in stub._registers]
        guest.migrate(path)
    with migstream.open(path) as stream:
        values = stream["cpu[0]/env.spr"]
        assert values[287].symbol == "PVR"
        ours = [value.symbol.split()[0].lower() for value in values if value.symbol]
        assert ours == [name for _, name in sorted(names_of(int(values[287])).items())]
    both = ({*ours} & {*theirs}) - APART
    assert len(both) >= least
    assert [n for n in ours if n in both] == [n for n in theirs if n in both]


# --- interrupt controllers ---------------------------------------------------------------------------


def driven(program: str, machine: str, writes: Mapping[int, int], path: Path) -> None:
    """The stream of a machine into whose registers a debugger wrote, where no CPU runs."""
    with Qemu(own(f"qemu-system-{program}"), machine.split()) as guest:
        with GdbStub(guest) as stub:
            for address, value in writes.items():
                stub.write(address, value.to_bytes(4, "little"))
        guest.migrate(path)


DISTRIBUTOR, REDISTRIBUTOR, CPU_INTERFACE = 0x0800_0000, 0x080A_0000, 0x0801_0000
SGI_FRAME = 0x1_0000


def test_interrupts_of_gicv3(tmp_path: Path) -> None:
    """GICD_CTLR, ISENABLER1, ISPENDR1, ICFGR2, IROUTER34, GICR_WAKER, ISENABLER0 (Arm IHI 0069, 12)."""
    path = tmp_path / "guest.mig"
    writes = {
        DISTRIBUTOR: 0x13,
        DISTRIBUTOR + 0x104: 1 << 1 | 1 << 9,
        DISTRIBUTOR + 0x204: 1 << 9,
        DISTRIBUTOR + 0xC08: 2 << 2,
        DISTRIBUTOR + 0x6000 + 8 * 34: 1,
        REDISTRIBUTOR + 0x14: 0,
        REDISTRIBUTOR + SGI_FRAME + 0x100: 1 << 3 | 1 << 27,
    }
    driven("aarch64", "-M virt,gic-version=3 -smp 2", writes, path)
    with migstream.open(path) as stream:
        gic = stream["arm_gicv3[0]"]
        assert gic["gicd_ctlr"].symbol == "GRP0 GRP1NS ARE_S DS"
        assert gic["enabled[1]"].symbol == "SPI1(33) SPI9(41)"
        assert gic["pending[1]"].symbol == "SPI9(41)"
        assert gic["edge_trigger[1]"].symbol == "SPI1(33)"
        assert gic["gicd_irouter[34]"].text == "1 SPI2(34) (to CPU 0.0.0.1)"
        assert gic["cpu[0]/gicr_ienabler0"].symbol == "SGI3 PPI11(27)"
        assert gic["cpu[0]/gicr_waker"].symbol == ""
        assert gic["cpu[1]/gicr_waker"].symbol == "SLEEP CHILDREN_ASLEEP"


def test_interrupts_of_gicv2(tmp_path: Path) -> None:
    """GICD_CTLR, ISENABLER0 and 1, ISPENDR1, GICC_CTLR, GICC_PMR (Arm IHI 0048, 4)."""
    path = tmp_path / "guest.mig"
    writes = {
        DISTRIBUTOR: 1,
        DISTRIBUTOR + 0x104: 1 << 9,
        DISTRIBUTOR + 0x204: 1 << 9,
        CPU_INTERFACE: 1,
        CPU_INTERFACE + 4: 0xF0,
    }
    driven("aarch64", "-M virt,gic-version=2", writes, path)
    with migstream.open(path) as stream:
        gic = stream["arm_gic[0]"]
        assert gic["ctlr"].symbol == "GRP0"
        assert gic["cpu_ctlr[0]"].symbol == "GRP0"
        assert gic["irq_state[41]/enabled"].symbol.startswith("SPI9(41)")
        assert int(gic["irq_state[41]/enabled"]) != 0
        assert int(gic["irq_state[40]/enabled"]) == 0
        assert int(gic["irq_state[41]/pending"]) != 0
        assert gic["current_pending[0]"].symbol == "SPI9(41)"


SOURCES, CONTEXT_1 = 0x0C00_0000, 0x0C00_2080


def test_interrupts_of_a_plic(tmp_path: Path) -> None:
    """The supervisor of hart 0 is its second context (RISC-V PLIC 1.0, 4)."""
    path = tmp_path / "guest.mig"
    writes = {SOURCES + 4 * 10: 7, CONTEXT_1: 1 << 10 | 1 << 1, CONTEXT_1 + 4: 1 << 1}
    driven("riscv64", "-M virt -smp 2 -bios none", writes, path)
    with migstream.open(path) as stream:
        plic = stream["riscv_sifive_plic[0]"]
        said = [value.symbol for value in plic["enable"] if value.symbol]
        assert said == ["context 1: IRQ1 IRQ10", "context 1: IRQ33"]
        assert int(plic["source_priority[10]"]) == 7
