"""Wire types: one table for reading, printing and, later, writing and checking.

Names are those the description uses. Source: QEMU, migration/vmstate-types.c and the files named
in the notes. An unknown name is bytes of the size that the description states.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import numpy as np

__all__ = ["TYPES", "WireType", "wire_type"]

NOT_ARMED = -1
SHOWN = 32
TEXT = {9, 10, 13}


class WireType(msgspec.Struct, frozen=True):
    """One wire type.

    `size` is the width in bytes, None where it varies; `code` the struct character of a plain
    number (big-endian always); `kind` one of int, uint, bool, timer, float, bytes, text, bitmap,
    marker, words (several big-endian numbers).
    """

    name: str
    kind: str
    size: int | None = None
    code: str = ""
    note: str = ""

    def decode(self, raw: memoryview) -> Any:
        """One element: int, bool, float, str, tuple of ints, bytes; None for a null pointer."""
        return _DECODE[self.kind](self, raw)

    def text(self, value: Any, size: int) -> str:
        """What a person reads."""
        return _TEXT[self.kind](value, size)

    def hex(self, value: Any, size: int) -> str:
        """`0x` and the full width; negative numbers as two's complement; bytes as they are."""
        if isinstance(value, bool | int):
            return f"0x{int(value) & ((1 << 8 * size) - 1):0{2 * size}x}"
        if isinstance(value, tuple):
            each = 2 * size // len(value)
            return " ".join(f"0x{one:0{each}x}" for one in value)
        if isinstance(value, float):
            return f"0x{struct.pack('>d', value).hex()}"
        if isinstance(value, str):
            return value.encode("utf-8", "surrogateescape").hex(" ")
        return "null" if value is None else bytes(value).hex(" ")

    def bulk(self, raw: memoryview, count: int) -> list[Any]:
        """`count` elements as a list, without NumPy and without an object of ours for any."""
        if self.code:
            return list(struct.unpack(f">{count}{self.code}", raw))
        stride = len(raw) // count if count else 0
        return [self.decode(raw[i * stride : (i + 1) * stride]) for i in range(count)]

    def array(self, raw: memoryview, count: int, stride: int) -> np.ndarray[Any, Any]:
        """`count` elements as a NumPy view, no copy: numbers big-endian, others (count, stride) bytes."""
        import numpy as np

        if self.code:
            dtype = "?" if self.code == "?" else ">" + _NUMPY[self.code]
            return np.frombuffer(raw, dtype, count)
        return np.frombuffer(raw, np.uint8, count * stride).reshape(count, stride)


_NUMPY = {"b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4", "q": "i8", "Q": "u8", "d": "f8"}


# --- bytes to values -----------------------------------------------------------------------------


def _number(wire: WireType, raw: memoryview) -> Any:
    return struct.unpack(">" + wire.code, raw)[0]


def _bytes(_: WireType, raw: memoryview) -> bytes:
    return bytes(raw)


def _counted(_: WireType, raw: memoryview) -> str:
    return bytes(raw[1:]).decode("utf-8", "surrogateescape")


def _words(wire: WireType, raw: memoryview) -> tuple[int, ...]:
    return struct.unpack(">" + wire.note.partition(" ")[0], raw)


def _marker(_: WireType, raw: memoryview) -> Any:
    return {0x30: None, 0x31: True}.get(raw[0], raw[0]) if len(raw) else b""


_DECODE = {
    "int": _number,
    "uint": _number,
    "bool": lambda _wire, raw: raw[0] != 0,
    "timer": _number,
    "float": _number,
    "bytes": _bytes,
    "text": _counted,
    "bitmap": _bytes,
    "marker": _marker,
    "words": _words,
}


# --- values to text ------------------------------------------------------------------------------


def _int_text(value: int, _size: int) -> str:
    return str(value)


def _uint_text(value: int, _size: int) -> str:
    return str(value) if value < 10 else f"{value} ({value:#x})"


def _timer_text(value: int, _size: int) -> str:
    if value == NOT_ARMED:
        return "not armed"
    for unit, scale in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if abs(value) >= scale:
            return f"{value} ns ({value / scale:.3f} {unit})"
    return f"{value} ns"


def _bytes_text(value: bytes, _size: int) -> str:
    if not value:
        return "(no bytes)"
    if not any(value):
        return f"{len(value)} zero bytes" if len(value) > 1 else "00"
    text = value.rstrip(b"\0")
    shown = value[:SHOWN].hex(" ") + (" ..." if len(value) > SHOWN else "")
    if len(text) > 2 and all(32 <= byte < 127 or byte in TEXT for byte in text):
        return f'"{text.decode()}"'
    return f"{shown} ({len(value)} bytes)" if len(value) > SHOWN else shown


def _bitmap_text(value: bytes, _size: int) -> str:
    return f"{8 * len(value)} bits, {int.from_bytes(value, 'big').bit_count()} set"


def _words_text(value: tuple[int, ...], _size: int) -> str:
    return " ".join(f"{one:#x}" for one in value)


_TEXT = {
    "int": _int_text,
    "uint": _uint_text,
    "bool": lambda value, _size: "true" if value else "false",
    "timer": _timer_text,
    "float": lambda value, _size: repr(value),
    "bytes": _bytes_text,
    "text": lambda value, _size: f'"{value}"',
    "bitmap": _bitmap_text,
    "marker": lambda value, _size: {None: "null", True: "valid"}.get(value, f"{value!r}?"),
    "words": _words_text,
}


# --- the table -----------------------------------------------------------------------------------

_ROWS = (
    WireType("bool", "bool", 1, "?"),
    WireType("int8", "int", 1, "b"),
    WireType("int16", "int", 2, "h"),
    WireType("int32", "int", 4, "i"),
    WireType("int64", "int", 8, "q"),
    WireType("uint8", "uint", 1, "B"),
    WireType("uint16", "uint", 2, "H"),
    WireType("uint32", "uint", 4, "I"),
    WireType("uint64", "uint", 8, "Q"),
    WireType("int32 equal", "int", 4, "i"),
    WireType("uint8 equal", "uint", 1, "B"),
    WireType("uint16 equal", "uint", 2, "H"),
    WireType("uint32 equal", "uint", 4, "I"),
    WireType("int64 equal", "uint", 8, "Q", "unsigned; its name is a historical slip"),
    WireType("int32 le", "int", 4, "i", "big-endian; le: less or equal to the destination's"),
    WireType("timer", "timer", 8, "q", "migration/savevm.c: put_timer; ns of its clock"),
    WireType("CPU_Double_U", "float", 8, "d"),
    WireType("float64", "float", 8, "d", "old releases"),
    WireType("buffer", "bytes"),
    WireType("unused_buffer", "bytes"),
    WireType("bitmap", "bitmap", note="be64 words, bit 0 is the lowest of the first"),
    WireType("tmp", "bytes"),
    WireType("qtailq", "bytes"),
    WireType("qlist", "bytes"),
    WireType("gtree", "bytes"),
    WireType("nullptr", "marker", 1),
    WireType("ptr-marker", "marker", 1),
    WireType("GByteArray", "bytes", note="be32 length, bytes"),
    WireType("fd", "bytes"),
    WireType("capability", "text"),
    WireType("struct", "bytes"),
    WireType("vstruct", "bytes"),
    WireType("unknown", "bytes"),
    WireType("pci config", "bytes", note="hw/pci/pci.c: put_pci_config_device"),
    WireType("pci irq state", "words", 16, note="4I hw/pci/pci.c: put_pci_irq_state"),
    WireType("msix state", "bytes", note="hw/pci/msix.c: msix_save"),
    WireType("shpc", "bytes", note="hw/pci/shpc.c: shpc_save"),
    WireType("virtio", "bytes", note="hw/virtio/virtio.c: virtio_save"),
    WireType("virtqueue_extra_state", "bytes", note="hw/virtio/virtio.c: put_extra_state"),
    WireType("virtio-gpu", "bytes", note="hw/display/virtio-gpu.c: virtio_gpu_save"),
    WireType("blob", "bytes", note="hw/display/virtio-gpu.c: virtio_gpu_blob_save"),
    WireType("scsi-requests", "bytes", note="hw/scsi/scsi-bus.c: put_scsi_requests"),
    WireType("usb-redir-parser", "bytes", note="hw/usb/redirect.c"),
    WireType("usb-redir-packet-id-q", "bytes", note="hw/usb/redirect.c"),
    WireType("usb-redir-bufpq", "bytes", note="hw/usb/redirect.c"),
    WireType("irqs", "bytes", note="hw/intc/s390_flic_kvm.c"),
    WireType("virtio-fs back-end state", "bytes", note="hw/virtio/vhost-user-fs.c"),
    WireType("virtio-net vhost-user backend state", "bytes", note="hw/net/virtio-net.c"),
    WireType("vdagent/cbinfos", "bytes", note="ui/vdagent.c"),
    WireType("avr", "words", 16, note="2Q target/ppc/machine.c"),
    WireType("vsr", "uint", 8, "Q", "target/ppc/machine.c"),
    WireType("slbe", "words", 16, note="2Q target/ppc/machine.c; esid, vsid"),
    WireType("cpu/altivec/vscr", "uint", 4, "I", "target/ppc/machine.c"),
    WireType("cpsr", "uint", 4, "I", "target/arm/machine.c; PSTATE on AArch64, XPSR on M-profile"),
    WireType("fpscr", "uint", 4, "I", "target/arm/machine.c"),
    WireType("fpcr", "uint", 8, "Q", "target/arm/machine.c, target/alpha/machine.c"),
    WireType("fpsr", "uint", 8, "Q", "target/arm/machine.c"),
    WireType("pstate64", "uint", 8, "Q", "target/arm/machine.c"),
    WireType("powered_off", "bool", 1, "?", "target/arm/machine.c"),
    WireType("sreg", "uint", 1, "B", "target/avr/machine.c"),
    WireType("rampD", "uint", 1, "B", "target/avr/machine.c"),
    WireType("rampX", "uint", 1, "B", "target/avr/machine.c"),
    WireType("rampY", "uint", 1, "B", "target/avr/machine.c"),
    WireType("rampZ", "uint", 1, "B", "target/avr/machine.c"),
    WireType("eind", "uint", 1, "B", "target/avr/machine.c"),
    WireType("psw", "uint", 8, "Q", "target/hppa/machine.c"),
    WireType("tlb entry", "bytes", note="target/hppa/machine.c; fields differ by release"),
    WireType("tlb_entry", "bytes", note="target/mips/system/machine.c"),
    WireType("psr", "uint", 4, "I", "target/sparc/machine.c"),
    WireType("xcc", "uint", 4, "I", "target/sparc/machine.c"),
    WireType("sr", "uint", 4, "I", "target/openrisc/machine.c"),
    WireType("msr", "uint", 4, "I", "target/microblaze/machine.c"),
    WireType("int32_as_uint16", "int", note="load only, hw/nvram/fw_cfg.c", code="i", size=4),
    WireType("uint16_from_uint8", "uint", note="load only, hw/nvram/eeprom93xx.c", code="H", size=2),
)

TYPES = {row.name: row for row in _ROWS}

# One name, two meanings: the size tells which (target/ppc and target/mips; 32- and 64-bit sparc).
_BY_SIZE = {
    ("fpr", 8): WireType("fpr", "uint", 8, "Q", "target/ppc/machine.c"),
    ("fpr", 16): WireType("fpr", "words", 16, note="2Q target/mips/system/machine.c"),
    ("fsr", 4): WireType("fsr", "uint", 4, "I", "target/sparc/machine.c"),
    ("fsr", 8): WireType("fsr", "uint", 8, "Q", "target/sparc/machine.c"),
    # up to 9.x the null pointer's marker was called uint64 too
    ("uint64", 1): WireType("uint64", "marker", 1, note="null pointer marker up to 9.x"),
}


@lru_cache(maxsize=1024)
def wire_type(name: str, size: int) -> WireType:
    """The type of a name at a size in bytes: plain bytes where the two contradict each other."""
    found = _BY_SIZE.get((name, size)) or TYPES.get(name)
    if found is None or (found.size is not None and found.size != size):
        return WireType(name, "bytes")
    return found
