"""s390x: interrupts of KVM's floating interrupt controller, the clock, and a channel device's own state."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Subsection, fields, node, size_of

__all__ = ["channel_device", "irqs", "tod"]

KVM_IRQ = 72  # struct kvm_s390_irq
MOST_CIWS = 62  # include/hw/s390x/css.h: MAX_CIWS


def irqs(raw: memoryview, _: Inside) -> list[Node]:
    """hw/intc/s390_flic_kvm.c: kvm_flic_save."""
    out = Parts(raw)
    count = out.u64("count")
    whole = out.left == KVM_IRQ * count
    out.add("irq", "buffer", out.left, count if whole and count else 1)
    return out.done()


def tod(raw: memoryview, _: Inside) -> list[Node]:
    """hw/s390x/tod.c: s390_tod_save."""
    out = Parts(raw)
    if out.u8("present"):
        out.u8("tod_high")
        out.u64("tod_low")
    return out.done()


# --- hw/s390x/css.c: vmstate_subch_dev, and what it consists of --------------------------------------


def _struct(name: str, inner: tuple[Node, ...], count: int = 1) -> Node:
    return node(name, "struct", 0, size_of(inner) * count, count, inner)


_PMCW = fields(
    ("intparm", "uint32", 4),
    ("flags", "uint16", 2),
    ("devno", "uint16", 2),
    ("lpm", "uint8", 1),
    ("pnom", "uint8", 1),
    ("lpum", "uint8", 1),
    ("pim", "uint8", 1),
    ("mbi", "uint16", 2),
    ("pom", "uint8", 1),
    ("pam", "uint8", 1),
    ("chpid", "uint8", 1, 8),
    ("chars", "uint32", 4),
)
_SCSW = fields(
    ("flags", "uint16", 2),
    ("ctrl", "uint16", 2),
    ("cpa", "uint32", 4),
    ("dstat", "uint8", 1),
    ("cstat", "uint8", 1),
    ("count", "uint16", 2),
)
_CCW1 = fields(
    ("cmd_code", "uint8", 1), ("flags", "uint8", 1), ("count", "uint16", 2), ("cda", "uint32", 4)
)
_CIW = fields(("type", "uint8", 1), ("command", "uint8", 1), ("count", "uint16", 2))
_ORB = fields(
    ("intparm", "uint32", 4),
    ("ctrl0", "uint16", 2),
    ("lpm", "uint8", 1),
    ("ctrl1", "uint8", 1),
    ("cpa", "uint32", 4),
)
_INDICATOR = fields(("len", "int32", 4), ("addr", "uint64", 8))
_SUBCHANNEL_ORB = {b"s390_subch_dev/orb": Subsection((_struct("orb", _ORB),))}
_SUMMARY = {
    b"s390_adapter_info/summary_offset": Subsection(fields(("summary_offset", "uint32", 4)))
}


def channel_device(out: Parts) -> None:
    """The state of a virtio device on the channel bus, nested structs included.

    The operation request block is there from machine type 2.10 on, the summary's offset where it
    is not zero, or the release always writes it: both name themselves.

    References
    ----------
    QEMU, hw/s390x/virtio-ccw.c: vmstate_virtio_ccw_dev; hw/s390x/ccw-device.c: vmstate_ccw_dev;
    hw/s390x/css.c: vmstate_subch_dev, vmstate_ind_addr; hw/intc/s390_flic.c: vmstate_adapter_routes
    """
    inner = out.inside()
    _subchannel(inner)
    for name in ("indicators", "indicators2", "summary_indicator"):
        inner.struct(name, _INDICATOR)
    inner.u16("config_vector")
    routes = inner.inside()
    routes.u64("ind_offset")
    routes.subsections(_SUMMARY)
    inner.close("routes", routes)
    inner.u8("thinint_isc")
    inner.number("revision", "int32", 4)
    out.close("ccw", inner)


def _subchannel(out: Parts) -> None:
    inner = out.inside()
    for name, kind, size in (
        ("cssid", "uint8 equal", 1),
        ("ssid", "uint8 equal", 1),
        ("migrated_schid", "uint16", 2),
        ("devno", "uint16 equal", 2),
        ("thinint_active", "bool", 1),
    ):
        inner.add(name, kind, size)
    status = inner.inside()
    status.struct("pmcw", _PMCW)
    status.struct("scsw", _SCSW)
    status.u64("mba")
    status.add("mda", "uint8", 4, 4)
    inner.close("curr_status", status)
    inner.add("sense_data", "uint8", 32, 32)
    inner.u64("channel_prog")
    inner.struct("last_cmd", _CCW1)
    inner.add("last_cmd_valid", "bool", 1)
    sense = inner.inside()
    sense.u8("reserved")
    sense.u16("cu_type")
    sense.u8("cu_model")
    sense.u16("dev_type")
    sense.u8("dev_model")
    sense.u8("unused")
    sense.struct("ciw", _CIW, MOST_CIWS)
    inner.close("id", sense)
    inner.add("ccw_fmt_1", "bool", 1)
    inner.u8("ccw_no_data_cnt")
    inner.subsections(_SUBCHANNEL_ORB)
    out.close("sch", inner)
