"""virtio: registers of the transport, features, queues: what all kinds of devices have.

References: Virtual I/O Device (VIRTIO) 1.3, 2.1, 4.1.4.5; QEMU, include/hw/virtio/virtio.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.features import feature_names
from migstream.vmstate.meaning.symbols.model import (
    Bits,
    Symbol,
    Table,
    bits,
    enumeration,
    number_in_path,
)
from migstream.vmstate.meaning.virtio_queues import queue_name

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["VIRTIO", "features", "queue_called"]


def features(first: int = 0) -> Bits:
    """Features of the device by name, of which the lowest bit is number `first`."""

    def start(at: Value) -> int:
        """Words of an array follow each other: 32 bits in each."""
        is_word = at.name.startswith("[")
        return first + 32 * (number_in_path(at) or 0) if is_word else first

    def of(value: Any, at: Value) -> Symbol:
        if not isinstance(value, int) or value < 0:
            return Symbol()
        return Symbol(" ".join(feature_names(value << start(at), at.device.vmsd)))

    def called(bit: int, at: Value) -> str:
        number = bit + start(at)
        [name] = feature_names(1 << number, at.device.vmsd)
        return "" if name == f"bit {number}" else name

    return Bits(of, called)


def queue_called(number: int, at: Value) -> str:
    """What a queue of the device is for, in whose state a value stands."""
    blob: Value | None = at
    while blob is not None and blob.type != "virtio":
        blob = blob.above
    found = None if blob is None else _named(blob, "queue_count")
    count = 0 if found is None else int(found)
    if blob is None or number >= count:  # most of an array with room for all that there can be
        return ""
    wide = _named(blob, "virtio/64bit_features")
    taken = _named(wide or blob, "guest_features")
    return queue_name(at.device.vmsd, number, count, 0 if taken is None else int(taken))


def _named(value: Value, name: str) -> Value | None:
    return next((one for one in value.children if one.name == name), None)


def _queue(_: Any, at: Value) -> Symbol:
    """Of an element of an array with one for each queue. The array itself stands for nothing."""
    if at.name.startswith("["):
        return Symbol(queue_called(number_in_path(at) or 0, at))
    return Symbol(queue_called(0, at)) if at.kind == "struct" else Symbol()


_VECTOR = enumeration({0xFFFF: "NO_VECTOR"})
_MODERN = "virtio/extra_state/virtio_pci/modern_state"

VIRTIO: Table = {
    "status": bits("ACKNOWLEDGE DRIVER DRIVER_OK FEATURES_OK - - NEEDS_RESET FAILED"),
    "isr": bits("QUEUE CONFIG"),
    "guest_features": features(),
    "virtio/64bit_features/guest_features": features(),
    "virtio/128bit_features/guest_features_ex[1]": features(64),
    f"{_MODERN}/guest_features": features(),
    f"{_MODERN}/virtio_pci/modern_state/features128/guest_features": features(64),
    "virtio/extra_state/virtio_mmio/state/guest_features": features(),
    "virtio/device_endian/device_endian": enumeration({0: "UNKNOWN", 1: "LITTLE", 2: "BIG"}),
    "config_vector": _VECTOR,
    "ccw/config_vector": _VECTOR,
    "queues/vector": _VECTOR,
    "queues": _queue,
    "virtio/virtqueues/vq": _queue,
    "virtio/packed_virtqueues/vq": _queue,
    "virtio/ringsize/num_default": _queue,
    f"{_MODERN}/vqs": _queue,
    "virtio/extra_state/virtio_mmio/state/vqs": _queue,
}
