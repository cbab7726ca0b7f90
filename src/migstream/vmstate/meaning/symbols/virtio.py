"""virtio: registers of the transport, features, queues.

References: Virtual I/O Device (VIRTIO) 1.3, 2.1, 4.1.4.5; QEMU, include/hw/virtio/virtio.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.features import feature_names
from migstream.vmstate.meaning.symbols.ethernet import mac, vlan_bitmap
from migstream.vmstate.meaning.symbols.model import Bits, Symbol, Table, bits, enumeration

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["NET", "VIRTIO"]


def _features(value: Any, at: Value) -> Symbol:
    return Symbol(" ".join(feature_names(value, at.device.vmsd)) if isinstance(value, int) else "")


def _feature(bit: int, at: Value) -> str:
    [name] = feature_names(1 << bit, at.device.vmsd)
    return "" if name == f"bit {bit}" else name


_FEATURES = Bits(_features, _feature)
_VECTOR = enumeration({0xFFFF: "NO_VECTOR"})

VIRTIO: Table = {
    "status": bits("ACKNOWLEDGE DRIVER DRIVER_OK FEATURES_OK - - NEEDS_RESET FAILED"),
    "isr": bits("QUEUE CONFIG"),
    "guest_features": _FEATURES,
    "virtio/64bit_features/guest_features": _FEATURES,
    "virtio/device_endian/device_endian": enumeration({0: "UNKNOWN", 1: "LITTLE", 2: "BIG"}),
    "config_vector": _VECTOR,
    "ccw/config_vector": _VECTOR,
    "queues/vector": _VECTOR,
}
NET: Table = {
    "virtio/device/mac": mac,
    "virtio/device/mac_table.macs": mac,
    "virtio/device/status": bits("LINK_UP ANNOUNCE"),
    "virtio/device/vlans": vlan_bitmap,
}
