"""virtio: what each kind of device says of itself, in its configuration space and in the part that only it has.

References: Virtual I/O Device (VIRTIO) 1.3, 5; QEMU, include/standard-headers/linux/virtio_*.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.ethernet import mac, vlan_bitmap
from migstream.vmstate.meaning.symbols.model import Symbol, Symbols, Table, bits, enumeration
from migstream.vmstate.meaning.symbols.virtio import features, queue_called

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = [
    "BALLOON", "BLK", "CRYPTO", "EARLY", "GPU", "INPUT", "IOMMU", "MEM", "NET", "VSOCK",
]  # fmt: skip

SPACE, OWN = "virtio/device_config", "virtio/device"
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
PAGE, SECTOR = 4096, 512
MAC = 6
MOST_RANGES = 8


# --- forms ---------------------------------------------------------------------------------------


def _size(unit: int = 1) -> Symbols:
    """A number of `unit` bytes each, as large as it is."""

    def of(value: Any, _: Value) -> Symbol:
        if not isinstance(value, int) or value <= 0:
            return Symbol()
        size, power = float(value * unit), 0
        while size >= 1024 and power < len(UNITS) - 1:
            size, power = size / 1024, power + 1
        return Symbol("", f"{size:.4g} {UNITS[power]}")

    return of


def _ranges(raw: bytes, what: str, order: Any) -> Symbol:
    """Which bits of a bitmap are set, counted from the lowest of the first word."""
    number = int.from_bytes(raw, order)
    if not number:
        return Symbol()
    runs: list[str] = []
    at = 0
    while number and len(runs) < MOST_RANGES:
        low = (number & -number).bit_length() - 1
        number >>= low
        length = (~number & (number + 1)).bit_length() - 1
        at += low
        runs.append(f"{at}" if length == 1 else f"{at}..{at + length - 1}")
        at += length
        number >>= length
    return Symbol("", f"{what} {' '.join(runs)}{' …' if number else ''}")


def _blocks(value: Any, _: Value) -> Symbol:
    """Words of 64 bits, the lowest bit of the first is block 0 (migration/vmstate-types.c: put_bitmap)."""
    if not isinstance(value, bytes) or len(value) % 8:
        return Symbol()
    words = b"".join(value[n : n + 8] for n in range(len(value) - 8, -1, -8))
    return _ranges(words, "blocks", "big")


def _requested(value: Any, at: Value) -> Symbol:
    """The queue that a request is of."""
    return Symbol(queue_called(value, at)) if isinstance(value, int) else Symbol()


def _mask(value: Any, at: Value) -> Symbol:
    """Of page sizes: each bit is a size that there is."""
    if not isinstance(value, int) or value <= 0:
        return Symbol()
    smallest = _size()(value & -value, at).description
    return Symbol("", f"from {smallest} on")


def _space(spec: Table) -> dict[str, Symbols]:
    return {f"{SPACE}/{name}": known for name, known in spec.items()}


def _own(spec: Table) -> dict[str, Symbols]:
    return {f"{OWN}/{name}": known for name, known in spec.items()}


# --- tables --------------------------------------------------------------------------------------

_LINK = bits("LINK_UP ANNOUNCE")
_HASHES = bits("IPv4 TCPv4 UDPv4 IPv6 TCPv6 UDPv6 IP_EX TCP_EX UDP_EX")
NET: Table = _space(
    {
        "mac": mac,
        "status": _LINK,
        "speed": enumeration({0xFFFFFFFF: "UNKNOWN"}),
        "duplex": enumeration({0: "HALF", 1: "FULL", 0xFF: "UNKNOWN"}),
        "supported_hash_types": _HASHES,
    }
) | _own(
    {
        "mac": mac,
        "mac_table.macs": mac,
        "status": _LINK,
        "vlans": vlan_bitmap,
        "curr_guest_offloads": features(),
        "virtio-net-device/rss/rss_data.hash_types": _HASHES,
    }
)

BLK: Table = _space(
    {
        "capacity": _size(SECTOR),
        "wce": enumeration({0: "WRITETHROUGH", 1: "WRITEBACK"}),
        "zoned.model": enumeration({0: "NONE", 1: "HM", 2: "HA"}),
    }
) | {f"{OWN}/request_*/queue": _requested}

# hw/virtio/virtio-balloon.h: enum virtio_balloon_free_page_hint_status
_HINTS = enumeration({0: "STOP", 1: "REQUESTED", 2: "START", 3: "DONE"})
BALLOON: Table = _space(
    {
        "num_pages": _size(PAGE),
        "actual": _size(PAGE),
        "free_page_hint_cmd_id": enumeration({0: "STOP", 1: "DONE"}),
    }
) | _own(
    {
        "num_pages": _size(PAGE),
        "actual": _size(PAGE),
        "virtio-balloon-device/free-page-report/free_page_hint_status": _HINTS,
    }
)

# include/standard-headers/linux/virtio_gpu.h: enum virtio_gpu_formats; pixman.h: pixman_format_code_t
_FORMATS = enumeration(
    {
        1: "B8G8R8A8_UNORM",
        2: "B8G8R8X8_UNORM",
        3: "A8R8G8B8_UNORM",
        4: "X8R8G8B8_UNORM",
        67: "R8G8B8A8_UNORM",
        68: "X8B8G8R8_UNORM",
        121: "A8B8G8R8_UNORM",
        134: "R8G8B8X8_UNORM",
    }
)
_PIXELS = enumeration(
    {
        0x20028888: "a8r8g8b8",
        0x20020888: "x8r8g8b8",
        0x20038888: "a8b8g8r8",
        0x20030888: "x8b8g8r8",
        0x20088888: "b8g8r8a8",
        0x20080888: "b8g8r8x8",
        0x20098888: "r8g8b8a8",
        0x20090888: "r8g8b8x8",
    }
)
GPU: Table = _space({"events_read": bits("DISPLAY"), "events_clear": bits("DISPLAY")}) | {
    "*/resource_*/format": _FORMATS,
    "*/scanouts/fb.format": _PIXELS,
}

# include/standard-headers/linux/virtio_input.h: enum virtio_input_config_select
INPUT: Table = _space(
    {
        "select": enumeration(
            {
                0x01: "ID_NAME",
                0x02: "ID_SERIAL",
                0x03: "ID_DEVIDS",
                0x10: "PROP_BITS",
                0x11: "EV_BITS",
                0x12: "ABS_INFO",
            }
        ),
        "ids.bustype": enumeration({3: "USB", 6: "VIRTUAL"}),
    }
)

_BYPASS = enumeration({1: ("BYPASS", "devices without a domain reach all memory")})
IOMMU: Table = (
    _space({"page_size_mask": _mask, "bypass": _BYPASS})
    | _own({"config.bypass": _BYPASS})
    | {f"{OWN}/domain_*/mapping_*/flags": bits("READ WRITE MMIO")}
)

_SIZES = (
    "block_size",
    "region_size",
    "usable_region_size",
    "plugged_size",
    "requested_size",
    "size",
)
EARLY: Table = {name: _size() for name in _SIZES} | {"bitmap": _blocks}
MEM: Table = _space({name: _size() for name in _SIZES}) | _own(EARLY)

CRYPTO: Table = _space(
    {"status": bits("HW_READY"), "crypto_services": bits("CIPHER HASH MAC AEAD AKCIPHER")}
)
VSOCK: Table = _space({"guest_cid": enumeration({0: "HYPERVISOR", 1: "LOCAL", 2: "HOST"})})
