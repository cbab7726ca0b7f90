"""Rules for CPUs: registers and models that a destination's CPU does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.analysis.compat.align import parts
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.model import Problem
from migstream.analysis.compat.said import Words
from migstream.vmstate.meaning.cpregs import encoding, own_id
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.qemu.release import Bounds
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["arm_registers", "embedded_tlb", "power_model"]

LENGTH, INDEXES, VALUES = "cpreg_vmstate_array_len", "cpreg_vmstate_indexes", "cpreg_vmstate_values"
REGISTERS_SAID = (11, 0)  # target/arm/machine.c: cpu_post_load names them; silent in 10.0


def _words64(value: Value) -> list[int]:
    raw = value.raw
    return [int.from_bytes(raw[at : at + 8], "big") for at in range(0, len(raw), 8)]


# Registers outside of the identification space that read as a constant and ignore what is written: L2CTLR
# has the number of CPUs in it (target/arm/cortex-regs.c, l2ctlr_read), RMR_ELx the state after a reset, DBGDEVID
# and DBGDEVID1 what the debug registers are (target/arm/debug_helper.c, as 7.2 numbers them).
CONSTANT_64 = {
    (3, 1, 11, 0, 2),
    *((3, op1, 12, 0, 2) for op1 in (0, 4, 6)),
}  # op0, op1, CRn, CRm, op2
CPU_COUNT = {0x603000000013CD82, 0x40200000200F480A}  # L2CTLR_EL1, L2CTLR
CONSTANT_32 = {(15, 1, 9, 0, 2), (14, 0, 7, 0, 1), (14, 0, 7, 0, 2)}  # cp, op1, CRn, CRm, op2
# Bits that read as 1 whatever is written, where the CPU lacks what they would switch off: ASEDIS and D32DIS of
# CPACR (target/arm/helper.c, cpacr_write).
CPACR = {0x40200000200F0802, 0x603000000013C082}
CPACR_ONES = 0xC0000000
# Bits of SCR_EL3 that are 1 whatever is written, and 0 after a reset, so that it is not taken as it was sent; later
# only where no lower level has 32 bits (target/arm/helper.c, scr_write, scr_reset).
SCR_EL3, SCR_ONES, SCR_SINCE = 0x603000000013F088, 0x30, (6, 0)


def is_fixed(index: int) -> bool:
    """Whether a register of an Arm CPU says what CPU it is: op0 3, CRn 0, or cp15 c0; not CSSELR, VPIDR, VMPIDR.

    References
    ----------
    QEMU, target/arm/kvm-consts.h: CP_REG_ARM64_SYSREG; target/arm/cpregs.h: ENCODE_CP_REG
    """
    one = encoding(index)
    if one is None or one.wide:
        return False
    if one.aarch64:
        if (one.op0, one.crn) != (3, 0):
            return (one.op0, one.op1, one.crn, one.crm, one.op2) in CONSTANT_64
        return one.op1 in {0, 1, 3} and (one.op1, one.crm, one.op2) != (0, 0, 5)
    known = (one.cp, one.op1, one.crn, one.crm, one.op2) in CONSTANT_32
    return known or (one.cp == 15 and one.crn == 0 and one.op1 in {0, 1})


def _read_back(index: int, value: int, local: int, release: Bounds) -> int:
    """What a register of the destination is when `value` was written to it, and `local` is what it is after a reset."""
    if index == SCR_EL3:
        return value | SCR_ONES if release.until(SCR_SINCE) else value
    if index in CPACR:
        return value | local & CPACR_ONES
    return local if is_fixed(index) else value


def arm_registers(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """Every system register of the stream must be one of the destination's, and take its value.

    References
    ----------
    QEMU, target/arm/machine.c: cpu_post_load; target/arm/helper.c: write_list_to_cpustate
    """
    mine, other = parts(ours.value), parts(theirs.value)
    if not {LENGTH, INDEXES, VALUES} <= mine.keys() & other.keys():
        return
    indexes, values = _words64(mine[INDEXES]), _words64(mine[VALUES])
    known = dict(zip(_words64(other[INDEXES]), _words64(other[VALUES]), strict=False))
    sent = set(indexes)
    gone = [n for n, index in enumerate(indexes) if index not in known]
    # a register that is not sent is loaded as 0 all the same (cpu_post_load, cpreg_values)
    unset = [i for i, value in known.items() if value and i not in sent and is_fixed(i)]
    taken = {
        n: _read_back(index, value, known[index], destination.release)
        for n, (index, value) in enumerate(zip(indexes, values, strict=False))
        if index in known
    }
    wrong = [n for n, back in taken.items() if back != values[n]]
    if not gone and not wrong and not unset:
        return
    said: tuple[str, ...] = ()
    if destination.release.likely(REGISTERS_SAID):
        said = tuple(words.say("cpreg/caller", register=own_id(indexes[n])) for n in gone)
    first, place = (gone[0], INDEXES) if gone else (wrong[0], VALUES) if wrong else (0, INDEXES)
    at = mine[place].span.start + 8 * first
    if gone:
        what = (
            f"{len(gone)} system registers that the destination's CPU does not have: "
            + ", ".join(f"{indexes[n]:#x}" for n in gone[:4])
        )
    elif wrong:
        what = (
            f"system register {indexes[first]:#x} is {values[first]:#x}, of the destination's CPU"
            f" {taken[first]:#x}, and it cannot be written"
        )
    else:
        what = (
            f"system register {unset[0]:#x} is not sent, which is loaded as 0; of the destination's CPU"
            f" it is {known[unset[0]]:#x}, and it cannot be written"
        )
    yield Problem(
        kind="registers",
        device=ours.path,
        path=f"{mine[place].path}[{first}]",
        span=Span(at, at + 8),
        message=what,
        said=words.post_load(ours, *said, code=-1),
        late=True,
        hint="the same CPU model (-cpu) and a release of QEMU that gives it the same registers",
        counts_cpus=not gone and not unset and {indexes[n] for n in wrong} <= CPU_COUNT,
    )


PVR = 287  # SPR_PVR
POWER_BASE, POWER_STEP = 0xFFFF0000, 0x0F00
POWER9, POWER9_STEP_2 = 0x004E0000, 0x200
# CPUs of one family; others are only what they are themselves.
POWER_FAMILIES = (
    (0x003F0000, 0x004A0000),
    (0x004B0000, 0x004C0000, 0x004D0000),
    *((base,) for base in (POWER9, 0x00800000, 0x00820000)),
)
STEPPED = {POWER9, 0x00800000, 0x00820000}
NEAREST_SINCE, STEP_2_SINCE = (7, 2), (8, 1)


def _same_power(pvr: int, other: int, release: Bounds) -> bool:
    """Whether a POWER CPU of the destination takes the state of another: one of its family; later only of its own kind,
    and of newer kinds the same step.

    References
    ----------
    QEMU, target/ppc/cpu_init.c: ppc_pvr_match_power7, _power8, _power9, _power10, _power11, _default
    """
    base, own = pvr & POWER_BASE, other & POWER_BASE
    family = next((one for one in POWER_FAMILIES if own in one), ())
    if pvr == other or base not in family:
        return pvr == other
    if not release.since(NEAREST_SINCE):
        return True
    if base != own or (base in STEPPED and (pvr ^ other) & POWER_STEP):
        return False
    second = base == POWER9 and pvr & POWER_STEP == POWER9_STEP_2 and release.since(STEP_2_SINCE)
    return not second or (pvr & 0xF < 2) == (other & 0xF < 2)


def power_model(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """Without a compatibility mode the processor version must be the destination's.

    References
    ----------
    QEMU, target/ppc/machine.c: cpu_post_load
    """
    mine, other = parts(ours.value), parts(theirs.value)
    both = mine.keys() & other.keys()
    # a mode that the destination was told to be in counts as well
    if "env.spr" not in both or "cpu/compat" in mine.keys() | other.keys():
        return
    size = mine["env.spr"].node.stride
    spans = [one["env.spr"].raw[size * PVR : size * (PVR + 1)] for one in (mine, other)]
    pvr, local = (int.from_bytes(raw, "big") for raw in spans)
    if not _same_power(pvr, local, destination.release):
        at = mine["env.spr"].span.start + size * PVR
        yield Problem(
            kind="cpu",
            device=ours.path,
            path=f"{mine['env.spr'].path}[{PVR}]",
            span=Span(at, at + size),
            message=f"the processor version is {pvr:#010x}, that of the destination's CPU {local:#010x}",
            said=words.post_load(ours, code=-22),
            late=True,
            hint="name the model with -cpu; the default of a machine type changed",
        )


EMBEDDED_TLB, EMBEDDED_ENTRIES = "cpu/tlb6xx", {28, 40}  # bytes of an entry: 32-bit CPUs, 64-bit


def embedded_tlb(ours: Device, _: Device, __: Destination, words: Words) -> Iterator[Problem]:
    """The TLB of an embedded PowerPC under the name of another one, as which it is loaded.

    References
    ----------
    QEMU, target/ppc/machine.c: vmstate_tlbemb, called cpu/tlb6xx in 7.2 and cpu/tlbemb in 10.0
    """
    tlb = parts(ours.value).get(EMBEDDED_TLB) if ours.name == "cpu" else None
    entries = None if tlb is None else parts(tlb).get("env.tlb.tlbe")
    if tlb is not None and entries is not None and entries.node.stride in EMBEDDED_ENTRIES:
        yield Problem(
            kind="fields",
            device=ours.path,
            path=tlb.path,
            span=tlb.span,
            message="an embedded CPU's TLB is called that of a 6xx CPU: no QEMU loads it, not even this one",
            said=words.missing_footer(ours.section),
            hint="a source of 8.0 or newer",
        )
