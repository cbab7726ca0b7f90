"""Interrupt controllers of Arm's machines: GIC version 1, 2 and 3, its translation service, M-profile's NVIC.

References: Arm IHI 0048 (GICv2), 4; IHI 0069 (GICv3), 12; Armv7-M ARM, B1.5.2; QEMU, hw/intc/gicv3_internal.h, gic_internal.h,
arm_gicv3_common.c, arm_gic_common.c, armv7m_nvic.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Symbols,
    Table,
    bits,
    called,
    enumeration,
    labelled,
    listed,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["GIC", "GICV3", "ITS", "NVIC"]

PRIVATE, SHARED = 16, 32  # where those of each CPU begin, and those of all


def _interrupt(number: int) -> str:
    """As device trees number each kind, and in brackets as the controller does."""
    if number < PRIVATE:
        return f"SGI{number}"
    return (
        f"PPI{number - PRIVATE}({number})" if number < SHARED else f"SPI{number - SHARED}({number})"
    )


_LISTED = listed(_interrupt)
# The first 32, which each CPU has of its own: there is no array of them
_PRIVATE = bits(" ".join(_interrupt(number) for number in range(SHARED)))

# --- version 3 -----------------------------------------------------------------------------------------

STATUS = "RRD WRD RWOD WROD"
CONTROL = bits("CBPR EOIMODE -:4 PMHE - PRIBITS:3 IDBITS:3 SEIS A3V -:2 RSS EXTRANGE")
# What there is for either security state, and for each group
STATES, GROUPS = "S NS", "G0 G1S G1NS"
ONLY_ONE = 1 << 31
ADDRESS, SHORT_ADDRESS = ((1 << top) - (1 << 12) for top in (52, 48))


def _route(value: Any, at: Value) -> Symbol:
    """The affinity of the CPU that an interrupt goes to."""
    number = number_in_path(at)
    if not isinstance(value, int) or not value or number is None:
        return Symbol()
    if value & ONLY_ONE:
        return Symbol(_interrupt(number), "to any CPU")
    levels = ".".join(str(value >> shift & 0xFF) for shift in (32, 16, 8, 0))
    return Symbol(_interrupt(number), f"to CPU {levels}")


def _table(spec: str, where: int = ADDRESS) -> Symbols:
    """Flags and small fields around the address of a table."""
    known = bits(spec)

    def of(value: Any, at: Value) -> Symbol:
        if not isinstance(value, int) or not value:
            return Symbol()
        flags = known(value & ~where, at).name
        return Symbol(f"{flags} at {value & where:#x}".strip())

    return of


def _virtual(value: Any, _: Value) -> Symbol:
    """A list register: an interrupt for the guest of a hypervisor."""
    if not isinstance(value, int) or not value:
        return Symbol()
    said = [
        ("INVALID", "PENDING", "ACTIVE", "PENDING ACTIVE")[value >> 62 & 3],
        _interrupt(value & 0xFFFFFFFF),
    ]
    said += [f"priority {value >> 48 & 0xFF:#x}", f"group {value >> 60 & 1}"]
    if value >> 61 & 1:
        said.append(f"of {_interrupt(value >> 32 & 0x1FFF)}")
    return Symbol(" ".join(said))


GICV3: Table = {
    "gicd_ctlr": bits("GRP0 GRP1NS GRP1S - ARE_S ARE_NS DS E1NWF -:23 RWP"),
    "gicd_statusr": labelled(STATES, bits(STATUS)),
    "gicd_irouter": _route,
    "group": _LISTED,
    "grpmod": _LISTED,
    "enabled": _LISTED,
    "pending": _LISTED,
    "active": _LISTED,
    "level": _LISTED,
    "edge_trigger": _LISTED,
    "*/nmi": _LISTED,
    "*/superprio": _LISTED,
    "cpu/level": _PRIVATE,
    "cpu/gicr_ctlr": bits("LPIS CES IR RWP -:20 DPG0 DPG1NS DPG1S -:4 UWP"),
    "cpu/gicr_statusr": labelled(STATES, bits(STATUS)),
    "cpu/gicr_waker": bits("- SLEEP CHILDREN_ASLEEP"),
    "cpu/gicr_propbaser": _table("IDBITS:5 -:2 INNERCACHE:3 SHAREABILITY:2 .:40 -:4 OUTERCACHE:3"),
    "cpu/gicr_pendbaser": _table("-:7 INNERCACHE:3 SHAREABILITY:2 .:40 -:4 OUTERCACHE:3 -:3 PTZ"),
    "cpu/gicr_igroupr0": _PRIVATE,
    "cpu/gicr_ienabler0": _PRIVATE,
    "cpu/gicr_ipendr0": _PRIVATE,
    "cpu/gicr_iactiver0": _PRIVATE,
    "cpu/edge_trigger": _PRIVATE,
    "cpu/gicr_igrpmodr0": _PRIVATE,
    "*/gicr_inmir0": _PRIVATE,
    "cpu/icc_ctlr_el1": labelled(STATES, CONTROL),
    "cpu/icc_ctlr_el3": bits(
        "CBPR_EL1S CBPR_EL1NS EOIMODE_EL3 EOIMODE_EL1S EOIMODE_EL1NS RM PMHE - PRIBITS:3 IDBITS:3 SEIS A3V - NDS RSS EXTRANGE"
    ),
    "cpu/icc_bpr": labelled(GROUPS),
    "cpu/icc_igrpen": labelled(GROUPS, bits("ENABLE")),
    "*/icc_sre_el1": bits("SRE DFB DIB"),
    "*/ich_hcr_el2": bits(
        "EN UIE LRENPIE NPIE VGRP0EIE VGRP0DIE VGRP1EIE VGRP1DIE -:2 TC TALL0 TALL1 TSEI TDIR DVIM -:11 EOICOUNT:5"
    ),
    "*/ich_lr_el2": _virtual,
    "*/ich_vmcr_el2": bits("VENG0 VENG1 VACKCTL VFIQEN VCBPR -:4 VEOIM -:8 VBPR1:3 VBPR0:3 VPMR:8"),
}  # fmt: skip

# --- its translation service ---------------------------------------------------------------------------

TABLES = {1: "DEVICES", 2: "VPES", 4: "COLLECTIONS"}
_COMMANDS = _table("SIZE:8 -:2 SHAREABILITY:2 .:40 - OUTERCACHE:3 -:3 INNERCACHE:3 - VALID")
_SIZES = _table(
    "SIZE:8 PAGESIZE:2 SHAREABILITY:2 .:36 ENTRYSIZE:5 OUTERCACHE:3 .:3 INNERCACHE:3 INDIRECT VALID",
    SHORT_ADDRESS,
)


def _base(value: Any, at: Value) -> Symbol:
    """Which kind of table it is, and where."""
    if not isinstance(value, int) or not value:
        return Symbol()
    kind = value >> 56 & 7
    return called(TABLES.get(kind, f"type {kind}"), _SIZES(value, at))


ITS: Table = {
    "ctlr": bits("ENABLED -:30 QUIESCENT"),
    "cbaser": _COMMANDS,
    "baser": _base,
    "cwriter": bits("RETRY -:4 .:15"),
    "creadr": bits("STALLED -:4 .:15"),
}

# --- versions 1 and 2 ----------------------------------------------------------------------------------

EVERY = 0xFF  # CPUs
SPURIOUS, IDLE = 1023, 256


def _cpus(value: Any, _: Value) -> Symbol:
    """A bit for each CPU."""
    if not isinstance(value, int) or not value:
        return Symbol()
    if value == EVERY:
        return Symbol("", "every CPU")
    return Symbol(" ".join(f"CPU{n}" for n in range(8) if value >> n & 1))


def _of_interrupt(value: Any, at: Value) -> Symbol:
    """The same of the interrupt whose number stands in the path."""
    number = number_in_path(at)
    said = _cpus(value, at)
    return said if number is None else called(_interrupt(number), said)


def _software(value: Any, at: Value) -> Symbol:
    """Which CPUs raised an interrupt by software; there are eight targets of each."""
    number = number_in_path(at)
    if not isinstance(value, int) or not value or number is None:
        return Symbol()
    said = _cpus(value, at)
    return Symbol(f"SGI{number // 8} for CPU{number % 8}", f"from {said.name or said.description}")


def _number(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    return Symbol("", "none") if value == SPURIOUS else Symbol(_interrupt(value))


GIC: Table = {
    "ctlr": bits("GRP0 GRP1"),
    "cpu_ctlr": bits("GRP0 GRP1 ACK_CTL FIQ_EN CBPR FIQ_BYPASS_GRP0 IRQ_BYPASS_GRP0 FIQ_BYPASS_GRP1 IRQ_BYPASS_GRP1 EOIMODE EOIMODE_NS"),
    "irq_state/enabled": _of_interrupt,
    "irq_state/pending": _cpus,
    "irq_state/active": _cpus,
    "irq_state/level": _cpus,
    "irq_state/group": _cpus,
    "irq_target": _of_interrupt,
    "sgi_pending": _software,
    "running_priority": enumeration({IDLE: ("", "none runs")}),
    "current_pending": _number,
}  # fmt: skip

# --- M-profile -----------------------------------------------------------------------------------------

EXCEPTIONS = {1: "RESET", 2: "NMI", 3: "HARD_FAULT", 4: "MEM_MANAGE", 5: "BUS_FAULT", 6: "USAGE_FAULT", 7: "SECURE_FAULT",
              11: "SVCALL", 12: "DEBUG_MONITOR", 14: "PENDSV", 15: "SYSTICK"}  # fmt: skip
FIRST_LINE = 16


def _exception(value: Any, at: Value) -> Symbol:
    """Whose priority it is."""
    number = number_in_path(at)
    if not isinstance(value, int) or number is None:
        return Symbol()
    return Symbol(
        f"IRQ{number - FIRST_LINE}" if number >= FIRST_LINE else EXCEPTIONS.get(number, "")
    )


NVIC: Table = {"vectors/prio": _exception, "armv7m_nvic/m-security/sec_vectors/prio": _exception}
