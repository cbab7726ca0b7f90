"""Capabilities of PCI devices, register by register.

References: PCI Local Bus Specification 3.0, 6.8; PCI Power Management 1.2, 3.2; PCI-X 2.0; AGP 3.0; SHPC 1.0; Serial ATA
AHCI 1.3.1, 2.4; PCI Express Base Specification 5.0, 7.5 to 7.9; VIRTIO 1.3, 4.1.4; QEMU, hw/pci/pcie.c, pcie_aer.c,
pcie_sriov.c, pci_bridge.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning import pci_ids
from migstream.vmstate.meaning.pci_registers import CAPABILITIES as LAYOUTS
from migstream.vmstate.meaning.pci_registers import EXTENDED
from migstream.vmstate.meaning.symbols.model import Symbol, Table, bits, enumeration, neighbour

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CAPABILITIES", "SHPC"]

SPEEDS = {1: "2.5GT/s", 2: "5GT/s", 3: "8GT/s", 4: "16GT/s", 5: "32GT/s", 6: "64GT/s"}
PORTS = {
    0x0: "ENDPOINT", 0x1: "LEGACY_ENDPOINT", 0x4: "ROOT_PORT", 0x5: "UPSTREAM", 0x6: "DOWNSTREAM",
    0x7: "PCI_BRIDGE", 0x8: "PCIE_BRIDGE", 0x9: "ROOT_COMPLEX_ENDPOINT", 0xA: "EVENT_COLLECTOR",
}  # fmt: skip
_KINDS = enumeration({kind: name.upper() for kind, (name, _) in LAYOUTS.items()})


def _port(value: Any, at: Value) -> Symbol:
    """Version, kind of port, slot, and the message of its interrupt."""
    if not isinstance(value, int):
        return Symbol()
    kind = PORTS.get(value >> 4 & 0xF, f"type {value >> 4 & 0xF}")
    more = bits("SLOT IRQ:5", 8)(value, at).name
    return Symbol(" ".join(filter(None, (f"version {value & 0xF}", kind, more))))


def _link(spec: str) -> Any:
    """Speed and width of a link, then what `spec` says of the bits from 10 on."""
    more = bits(spec, 10)

    def of(value: Any, at: Value) -> Symbol:
        if not isinstance(value, int) or not value:
            return Symbol()
        speed = SPEEDS.get(value & 0xF, "")
        width = f"x{value >> 4 & 0x3F}" if value >> 4 & 0x3F else ""
        return Symbol(" ".join(filter(None, (speed, width, more(value, at).name))))

    return of


def _speeds(value: Any, _: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    return Symbol(" ".join(name for bit, name in SPEEDS.items() if value >> bit & 1))


def _extended(value: Any, _: Value) -> Symbol:
    """Id, version and next of an extended capability."""
    if not isinstance(value, int):
        return Symbol()
    name, _registers = EXTENDED.get(value & 0xFFFF, (f"id {value & 0xFFFF:#x}", ()))
    after = f"next {value >> 20:#x}" if value >> 20 else "last"
    return Symbol(f"{name.upper()} version {value >> 16 & 0xF} {after}")


def _place(value: Any, _: Value) -> Symbol:
    """Where something is in the memory of a base address."""
    if not isinstance(value, int):
        return Symbol()
    return Symbol(f"bar[{value & 7}] offset {value & ~7:#x}")


def _vectors(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    many = value % 0x800 + 1
    return Symbol(bits("MASKALL ENABLE", 14)(value, at).name, f"{many} vector{'s' * (many > 1)}")


def _vendor_of(at: Value) -> int | None:
    """The vendor of the device that a capability is of."""
    return None if at.above is None else neighbour(at.above, "vendor_id")


def _vendor_kind(value: Any, at: Value) -> Symbol:
    """What a vendor's capability is of, where the vendor is one of QEMU's."""
    vendor = _vendor_of(at)
    return Symbol(_VENDOR_KINDS[vendor].get(value, "") if vendor in _VENDOR_KINDS else "")


def _virtual_function(value: Any, at: Value) -> Symbol:
    vendor = _vendor_of(at)
    known = isinstance(value, int) and vendor is not None
    return Symbol(pci_ids.name_of(vendor or 0, value) if known else "")


_VENDOR_KINDS = {
    pci_ids.QUMRANET: {1: "COMMON_CFG", 2: "NOTIFY_CFG", 3: "ISR_CFG", 4: "DEVICE_CFG", 5: "PCI_CFG",
                       8: "SHARED_MEMORY_CFG"},
    pci_ids.REDHAT: {1: "RESOURCE_RESERVE"},
}  # fmt: skip


def _bar_number(value: Any, at: Value) -> Symbol:
    """Which base address a virtio window is in, and where in it."""
    offset, size = neighbour(at, "offset"), neighbour(at, "size")
    if not isinstance(value, int) or offset is None or not size:
        return Symbol()
    return Symbol("", f"bar[{value}] {offset:#x}-{offset + size - 1:#x}")


def _serial(value: Any, _: Value) -> Symbol:
    good = isinstance(value, int) and 0 <= value < 1 << 64
    return Symbol(value.to_bytes(8, "big").hex("-")) if good else Symbol()


_NONE = (1 << 64) - 1


def _reserved(value: Any, _: Value) -> Symbol:
    """What a bridge asks firmware to reserve; all ones say that it does not matter."""
    if not isinstance(value, int) or value < 0:
        return Symbol()
    return (
        Symbol("", "not said") if value in {_NONE, _NONE >> 32} else Symbol("", f"{value:#x} bytes")
    )


_UNCORRECTABLE = bits(
    "-:4 DLP SURPRISE_DOWN -:6 POISON_TLP FLOW_CONTROL COMPLETION_TIMEOUT COMPLETER_ABORT UNEXPECTED_COMPLETION"
    " RECEIVER_OVERFLOW MALFORMED_TLP ECRC UNSUPPORTED_REQUEST ACS INTERNAL MC_BLOCKED ATOMIC_EGRESS TLP_PREFIX"
)
_CORRECTABLE = bits(
    "RECEIVER -:5 BAD_TLP BAD_DLLP REPLAY_ROLLOVER -:3 REPLAY_TIMEOUT ADVISORY_NONFATAL INTERNAL LOG_OVERFLOW"
)
_ACS = "SOURCE_VALIDATION TRANSLATION_BLOCKING REQUEST_REDIRECT COMPLETION_REDIRECT UPSTREAM_FORWARDING EGRESS_CONTROL DIRECT_TRANSLATED"
_LED = {1: "ON", 2: "BLINK", 3: "OFF"}


def _slot_control(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    said = [bits("ABPE PFDE MRLSCE PDCE CCIE HPIE")(value & 0x3F, at).name]
    said += [
        f"{name}={_LED[state]}"
        for name, shift in (("ATTENTION", 6), ("POWER", 8))
        if (state := value >> shift & 3)
    ]
    said.append(bits("POWER_OFF EIC DLLSCE AUTO_POWER_LIMIT_DISABLE", 10)(value, at).name)
    return Symbol(" ".join(filter(None, said)))


CAPABILITIES: Table = {
    "*/id": _KINDS,
    "*/header": _extended,
    "pm_*/pmc": bits(
        "VERSION:3 PME_CLOCK - DSI AUX_CURRENT:3 D1 D2 PME_D0 PME_D1 PME_D2 PME_D3HOT PME_D3COLD"
    ),
    "pm_*/pmcsr": bits("STATE:2 - NO_SOFT_RESET -:4 PME_ENABLE DATA:4 SCALE:2 PME"),
    "agp_*/status": bits("RATE:3 AGP3 FAST_WRITE 4G -:3 SIDEBAND CALIBRATION:3 ARQSZ:3 -:8 REQUESTS:8"),
    "agp_*/command": bits("RATE:3 - FAST_WRITE 4G -:2 ENABLE SIDEBAND CALIBRATION:3 ARQSZ:3 -:8 REQUESTS:8"),
    "vpd_*/address": bits("ADDRESS:15 DONE"),
    "slot_id_*/expansion": bits("SLOTS:5 FIRST_IN_CHASSIS"),
    "msi_*/control": bits("ENABLE CAPABLE:3 ENABLED:3 64BIT MASKING"),
    "msi_*/mask": bits(" ".join(f"VECTOR{n}" for n in range(32))),
    "msi_*/pending": bits(" ".join(f"VECTOR{n}" for n in range(32))),
    "msix_*/control": _vectors,
    "msix_*/table": _place,
    "msix_*/pba": _place,
    "vendor_*/kind": _vendor_kind,
    "vendor_*/bar": _bar_number,
    "vendor_*/io": _reserved,
    "vendor_*/memory": _reserved,
    "vendor_*/prefetch_32": _reserved,
    "vendor_*/prefetch_64": _reserved,
    "shpc_*/pending": bits("-:6 INTERRUPT COMMAND"),
    "sata_*/revision": bits("MINOR:4 MAJOR:4"),
    "af_*/capabilities": bits("TP FLR"),
    "af_*/control": bits("FLR"),
    "af_*/status": bits("TP"),
    "express_*/capabilities": _port,
    "express_*/device_capabilities": bits(
        "PAYLOAD:3 PHANTOM:2 EXT_TAG L0S:3 L1:3 -:3 ROLE_BASED_ERRORS -:2 SLOT_POWER:8 POWER_SCALE:2 FLR"
    ),
    "express_*/device_control": bits("CERE NFERE FERE URRE RELAXED PAYLOAD:3 EXT_TAG PHANTOM AUX_POWER NO_SNOOP READ_REQUEST:3 FLR"),
    "express_*/device_status": bits("CED NFED FED URD AUX_POWER TRANSACTIONS_PENDING"),
    "express_*/link_capabilities": _link("ASPM:2 L0S:3 L1:3 CLOCK_PM SURPRISE_DOWN DLLLARC LBNC ASPM_OPTIONAL - PORT:8"),
    "express_*/link_control": bits("ASPM:2 - RCB LINK_DISABLE RETRAIN COMMON_CLOCK EXTENDED_SYNCH CLOCK_PM HAWD LBMIE LABIE"),
    "express_*/link_status": _link("- TRAINING SLOT_CLOCK DLLLA LBMS LABS"),
    "express_*/slot_capabilities": bits("ABP PCP MRLSP AIP PIP HOTPLUG_SURPRISE HOTPLUG POWER:8 POWER_SCALE:2 EIP NCCS SLOT:13"),
    "express_*/slot_control": _slot_control,
    "express_*/slot_status": bits("ATTENTION_BUTTON POWER_FAULT MRLSC PDC COMMAND_COMPLETED MRL_OPEN PRESENT INTERLOCK DLLSC"),
    "express_*/root_control": bits("SECEE SENFEE SEFEE PMEIE CRSSVE"),
    "express_*/root_capabilities": bits("CRS_VISIBLE"),
    "express_*/root_status": bits("PME_REQUESTER:16 PME PME_PENDING"),
    "express_*/device_capabilities_2": bits("TIMEOUT_RANGES:4 TIMEOUT_DISABLE ARI ATOMIC_ROUTE ATOMIC_32 ATOMIC_64 ATOMIC_128 NO_RO_PASSING LTR TPH:2 -:2 TAG_10 TAG_10_REQUESTER OBFF:2 EXT_FMT END_END_PREFIX PREFIXES:2"),
    "express_*/device_control_2": bits("TIMEOUT:4 TIMEOUT_DISABLE ARI ATOMIC_REQUESTER ATOMIC_EGRESS_BLOCK IDO_REQUEST IDO_COMPLETION LTR - TAG_10 OBFF:2 END_END_PREFIX_BLOCK"),
    "express_*/link_capabilities_2": _speeds,
    "express_*/link_control_2": _link(""),
    "aer_*/uncorrectable_status": _UNCORRECTABLE,
    "aer_*/uncorrectable_mask": _UNCORRECTABLE,
    "aer_*/uncorrectable_severity": _UNCORRECTABLE,
    "aer_*/correctable_status": _CORRECTABLE,
    "aer_*/correctable_mask": _CORRECTABLE,
    "aer_*/capabilities": bits("FIRST_ERROR:5 ECRC_GEN_CAPABLE ECRC_GEN ECRC_CHECK_CAPABLE ECRC_CHECK MULTIPLE_HEADERS_CAPABLE MULTIPLE_HEADERS TLP_PREFIX"),
    "aer_*/root_command": bits("CORRECTABLE NONFATAL FATAL"),
    "aer_*/root_status": bits("CORRECTABLE MULTIPLE_CORRECTABLE UNCORRECTABLE MULTIPLE_UNCORRECTABLE FIRST_FATAL NONFATAL FATAL -:20 MESSAGE:5"),
    "serial_number_*/serial": _serial,
    "acs_*/capabilities": bits(f"{_ACS} - EGRESS_BITS:8"),
    "acs_*/control": bits(_ACS),
    "ari_*/capabilities": bits("MFVC ACS -:6 NEXT_FUNCTION:8"),
    "ari_*/control": bits("MFVC ACS -:2 GROUP:3"),
    "ats_*/capabilities": bits("QUEUE_DEPTH:5 PAGE_ALIGNED GLOBAL_INVALIDATE"),
    "ats_*/control": bits("STU:5 -:10 ENABLE"),
    "sriov_*/capabilities": bits("MIGRATION ARI_PRESERVED TAG_10 -:18 MESSAGE:11"),
    "sriov_*/control": bits("VF_ENABLE MIGRATION MIGRATION_INTERRUPT VF_MEMORY ARI TAG_10"),
    "sriov_*/vf_device_id": _virtual_function,
    "sriov_*/status": bits("MIGRATION"),
    "pri_*/control": bits("ENABLE RESET"),
    "pri_*/status": bits("RESPONSE_FAILURE UNEXPECTED_INDEX -:6 STOPPED -:6 PASID_REQUIRED"),
    "pasid_*/capabilities": bits("- EXEC PRIVILEGED -:5 WIDTH:5"),
    "pasid_*/control": bits("ENABLE EXEC PRIVILEGED"),
    "dvsec_*/vendor_header": bits("VENDOR:16 REVISION:4 LENGTH:12"),
    "vendor_extended_*/vendor_header": bits("ID:16 REVISION:4 LENGTH:12"),
    "doe_*/capabilities": bits("INTERRUPT MESSAGE:11"),
    "doe_*/control": bits("ABORT INTERRUPT -:29 GO"),
    "doe_*/status": bits("BUSY INTERRUPT ERROR -:28 READY"),
}  # fmt: skip


# --- standard hot-plug -------------------------------------------------------------------------------

_STATES = ("", "POWER_ONLY", "ENABLED", "DISABLED")
_PRESENT = {0: "7.5W", 1: "25W", 2: "15W", 3: "EMPTY"}


def _slot(value: Any, _: Value) -> Symbol:
    """State and lights of a slot, what is in it, what happened (hw/pci/shpc.c: SHPC_SLOT_…)."""
    if not isinstance(value, int) or value < 0:
        return Symbol()
    said = [_STATES[value & 3]]
    said += [
        f"{name}={_LED[state]}"
        for name, shift in (("POWER", 2), ("ATTENTION", 4))
        if (state := value >> shift & 3)
    ]
    said += [
        name
        for bit, name in ((6, "POWER_FAULT"), (7, "BUTTON"), (8, "MRL_OPEN"))
        if value >> bit & 1
    ]
    said.append(_PRESENT[value >> 10 & 3])
    events = ("PRESENCE", "ISOLATED_FAULT", "BUTTON", "MRL", "CONNECTED_FAULT")
    said += [f"{name}_EVENT" for n, name in enumerate(events) if value >> 16 + n & 1]
    return Symbol(" ".join(filter(None, said)))


SHPC: Table = {
    "slot": _slot,
    "cmd_status": bits("BUSY MRL_OPEN INVALID_CMD INVALID_MODE"),
    "serr_int": bits(
        "INT_DISABLE SERR_DISABLE CMD_INT_DISABLE ARB_SERR_DISABLE -:12 CMD_DETECTED ARB_DETECTED"
    ),
}
