"""Wire types: how the bytes of each type name of a description are read, written and printed.

One table for all names. Generic ones: QEMU, migration/vmstate-types.c; the others name their file.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.errors import ParseError, Truncated
from migstream.names import encoded, many, prose

if TYPE_CHECKING:
    import numpy as np

__all__ = ["TYPES", "Scalar", "WireType", "wire_type"]

Scalar = int | bool | float | bytes | str | tuple[int, ...] | None

NULL, VALID = 0x30, 0x31  # '0' and '1'
SHOWN = 32  # bytes of a buffer that are printed
FEW_BITS = 8  # of a bitmap that are printed by their numbers
MOST_EMPTY = 1 << 20  # elements without bytes that an array may have
NARROW = {"int": {1: "b", 2: "h", 4: "i", 8: "q"}, "uint": {1: "B", 2: "H", 4: "I", 8: "Q"}}
LETTERS = {"b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4", "q": "i8", "Q": "u8"}
WIDEST_ITEM = (1 << 31) - 1  # bytes of one numpy element


class WireType(msgspec.Struct, frozen=True, kw_only=True):
    """How one element of a type lies in the stream.

    `size` is its width in bytes, None where it varies. `kind` is one of int, uint, bool, timer,
    float, bytes, text, bitmap, marker, group (a nested VMState, inline) and words (`words` is
    then the struct format of a fixed tuple of integers). `code` is the struct character of a
    big-endian scalar; it is empty for everything else, little-endian integers included.
    """

    name: str
    size: int | None
    kind: str
    code: str = ""
    words: str = ""
    little: bool = False
    note: str = ""

    @property
    def numeric(self) -> bool:
        """Whether an element is a number or a bool, or several numbers of one width."""
        return bool(self.code) or self.little or len(set(_letters(self.words))) == 1

    def _need(self, raw: memoryview, size: int) -> memoryview:
        if len(raw) < size:
            raise Truncated(f"{self.name}: wanted {size} bytes, {len(raw)} left")
        return raw[:size]

    def decode(self, raw: memoryview) -> Scalar:
        """One element. Timers are ns (-1: not armed); a null pointer is None."""
        if self.code:
            [value] = struct.unpack(f">{self.code}", self._need(raw, self.size or 0))
            return value  # type: ignore[no-any-return]
        if self.words:
            return struct.unpack(self.words, self._need(raw, self.size or 0))
        if self.kind == "marker":
            return self._marker(self._need(raw, 1)[0])
        if self.kind == "uint":
            return int.from_bytes(self._need(raw, self.size or 0), "little")
        if self.kind == "text":
            return _counted(self._need(raw, 1 + self._need(raw, 1)[0]))
        if self.name == "GByteArray" and self.size is None:
            length = int.from_bytes(self._need(raw, 4), "big")
            return bytes(self._need(raw, 4 + length)[4:])
        return bytes(raw if self.size is None else self._need(raw, self.size))

    def _marker(self, byte: int) -> Scalar:
        if self.name == "ptr-marker":
            return byte == VALID if byte in (NULL, VALID) else byte
        return None if byte == NULL and self.name != "fd" else byte

    def encode(self, value: Any) -> bytes:
        """The bytes of one element: what `decode` reads back.

        Raises
        ------
        ValueError : no value of this type, or a number or buffer that does not fit
        """
        try:
            if self.code:
                return struct.pack(f">{self.code}", value)
            if self.words:
                return struct.pack(self.words, *value)
            if self.kind == "uint":
                return int(value).to_bytes(self.size or 0, "little")
            if self.kind == "marker":
                return bytes((self._unmarked(value),))
            if self.kind == "text":
                text = encoded(value)
                return bytes((len(text),)) + text
            raw = bytes(value)
        except (struct.error, TypeError, AttributeError, OverflowError, ValueError) as error:
            raise ValueError(f"{self.name}: {value!r} does not fit: {error}") from None
        if self.size is not None and len(raw) != self.size:
            raise ValueError(f"{self.name}: {len(raw)} bytes, where {self.size} are written")
        counted = self.name == "GByteArray" and self.size is None
        return len(raw).to_bytes(4, "big") + raw if counted else raw

    def encode_all(self, values: Sequence[Any]) -> bytes:
        """The bytes of elements, one after another: what `bulk` reads back. Raises ValueError."""
        if not self.code:
            return b"".join(map(self.encode, values))
        try:
            return struct.pack(f">{len(values)}{self.code}", *values)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{self.name}: an element does not fit: {error}") from None

    def _unmarked(self, value: Any) -> int:
        if self.name == "ptr-marker" and isinstance(value, bool):
            return VALID if value else NULL
        return NULL if value is None else int(value)

    # --- printed -----------------------------------------------------------------------------

    def text(self, value: Scalar, raw_size: int) -> str:
        """As a person reads it. `raw_size` is the number of bytes on the wire."""
        if self.name == "fd" and self.kind == "marker":
            return "travels beside the stream"
        if value is None:
            return "null"
        if self.kind == "marker":
            if isinstance(value, bool):
                return "valid" if value else "null"
            return f"{value!r} is not a marker"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return self._number(value)
        if isinstance(value, float):
            return repr(value)
        if isinstance(value, str):
            return _quoted(value)
        if isinstance(value, tuple):
            return " ".join(self._number(word) for word in value)
        if self.kind == "bitmap":
            return _bitmap(value)
        if self.kind == "group":
            return many(raw_size, "byte")
        return _buffer(value)

    def _number(self, value: int) -> str:
        if self.kind == "timer":
            return "not armed" if value == -1 else f"{value} ns ({_duration(value)})"
        return str(value) if self.kind == "int" or value < 10 else f"{value} ({value:#x})"

    def hex(self, value: Scalar, raw_size: int) -> str:
        """In hexadecimal: `0x` and the full width for numbers, the plain bytes for buffers."""
        if value is None:
            return f"{NULL:#04x}"
        if self.name == "ptr-marker" and isinstance(value, bool):
            return f"{VALID if value else NULL:#04x}"
        if isinstance(value, float):
            return "0x" + struct.pack(">d", value).hex()
        if isinstance(value, str):
            return encoded(value).hex()
        if isinstance(value, tuple):
            widths = [struct.calcsize(f">{c}") for c in _letters(self.words)]
            if len(widths) != len(value):
                widths = [8] * len(value)
            return " ".join(_hex(word, width) for word, width in zip(value, widths, strict=True))
        if isinstance(value, int):
            return _hex(value, raw_size)
        return value.hex()

    # --- many --------------------------------------------------------------------------------

    def array(self, raw: memoryview, count: int, stride: int) -> np.ndarray[Any, Any]:
        """`count` elements, `stride` bytes apart, as a view of `raw`.

        Shape (count,), big-endian; (count, words) for words; `V<stride>` where the elements are
        bytes. Only bools that are neither 0 nor 1 on the wire cost a copy, for NumPy believes
        that there are none.
        """
        import numpy as np

        width = self.size if self.code or self.words or self.kind == "uint" else stride
        if count < 0 or stride < 0 or (width or 0) > stride:
            raise ParseError(f"{self.name}: no array has {count} elements of {stride} bytes")
        if not stride and count > MOST_EMPTY:
            raise ParseError(f"{self.name}: {count} elements without bytes")
        piece = self._need(raw, count * stride)
        if not count or not stride:
            return np.zeros((count,) if stride else (count, 0), self._dtype(stride))
        if self.words:
            letters = _letters(self.words)
            if len(set(letters)) > 1:
                return np.ndarray((count,), f"V{stride}", piece)
            item = struct.calcsize(f">{letters[0]}")
            dtype = f">{LETTERS[letters[0]]}"
            return np.ndarray((count, len(letters)), dtype, piece, 0, (stride, item))
        if self.code == "?":
            octets: np.ndarray[Any, Any] = np.ndarray((count,), "u1", piece, 0, (stride,))
            return octets.view("?") if stride == 1 and octets.max() <= 1 else octets != 0
        dtype = self._dtype(stride)
        if dtype == "u1" and stride > 1 and not self.code:
            return np.ndarray((count, stride), dtype, piece)
        return np.ndarray((count,), dtype, piece, 0, (stride,))

    def _dtype(self, stride: int) -> str:
        if self.code == "?":
            return "?"
        if self.code == "d":
            return ">f8"
        if self.code:
            return f">{LETTERS[self.code]}"
        if self.little:
            return f"<u{self.size}"
        return f"V{stride}" if 0 < stride <= WIDEST_ITEM else "u1"

    def bulk(self, raw: memoryview, count: int) -> list[Any]:
        """`count` elements, one after another, as a list. No NumPy."""
        if count < 0:
            raise ParseError(f"{self.name}: no array has {count} elements")
        if self.code:
            return list(
                struct.unpack(f">{count}{self.code}", self._need(raw, count * (self.size or 0)))
            )
        if self.kind == "text":
            return self._texts(raw, count)
        stride = len(raw) // count if self.size is None and count else self.size or 0
        if not stride and count > MOST_EMPTY:
            raise ParseError(f"{self.name}: {count} elements without bytes")
        self._need(raw, count * stride)
        if not stride:
            return [self.decode(raw[:0])] * count
        return [self.decode(raw[at : at + stride]) for at in range(0, count * stride, stride)]

    def _texts(self, raw: memoryview, count: int) -> list[Any]:
        """Counted strings: the description gives the length of the first only."""
        out: list[Any] = []
        at = 0
        for _ in range(count):
            out.append(self.decode(raw[at:]))
            at += 1 + raw[at]
        return out


# --- printed parts -------------------------------------------------------------------------------


def _letters(words: str) -> str:
    """The characters of a struct format, repetitions written out: QQ for >2Q."""
    out, times = "", ""
    for char in words.lstrip(">"):
        if char.isdigit():
            times += char
        else:
            out += char * int(times or 1)
            times = ""
    return out


def _hex(value: int, width: int) -> str:
    width = max(width, 1)
    return f"0x{value & ((1 << 8 * width) - 1):0{2 * width}x}"


def _duration(ns: int) -> str:
    for unit, scale in (("s", 10**9), ("ms", 10**6), ("us", 10**3)):
        if abs(ns) >= scale:
            return f"{ns / scale:.3f} {unit}"
    return f"{ns} ns"


def _quoted(text: str) -> str:
    safe = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{prose(safe)}"'


def _bitmap(raw: bytes) -> str:
    """How many bits are set, and which, where they are few."""
    count = int.from_bytes(raw, "big").bit_count()
    said = f"{8 * len(raw)} bits, {count} set"
    if not 0 < count <= FEW_BITS:
        return said
    words = (raw[at : at + 8] for at in reversed(range(0, len(raw), 8)))
    rest, numbers = int.from_bytes(b"".join(words), "big"), []
    while rest:
        numbers.append(str((rest & -rest).bit_length() - 1))
        rest &= rest - 1
    return f"{said}: {' '.join(numbers)}"


def _buffer(raw: bytes) -> str:
    size = many(len(raw), "byte")
    if not raw:
        return size
    if len(raw) > 1 and not any(raw):
        return f"{size}, all zero"
    more = "…" if len(raw) > SHOWN else ""
    text = _string(raw)
    return f"{size}, {raw[:SHOWN].hex()}{more}" + (f" {text}" if text else "")


def _string(raw: bytes) -> str:
    """The text, quoted, of a buffer that begins with NUL-terminated ASCII; else nothing."""
    head, end, _ = raw.partition(b"\0")
    if end and len(head) >= 2 and all(32 <= byte < 127 for byte in head):
        return _quoted(head.decode("ascii"))
    return ""


def _counted(raw: memoryview) -> str:
    return bytes(raw[1:]).decode("utf-8", "surrogateescape")


# --- the table -----------------------------------------------------------------------------------


def _scalar(name: str, code: str, note: str = "", kind: str = "") -> WireType:
    kind = kind or ("bool" if code == "?" else "float" if code == "d" else "")
    kind = kind or ("int" if code.islower() else "uint")
    return WireType(name=name, size=struct.calcsize(f">{code}"), kind=kind, code=code, note=note)


def _varying(name: str, note: str, kind: str = "bytes", size: int | None = None) -> WireType:
    return WireType(name=name, size=size, kind=kind, note=note)


def _words(name: str, words: str, note: str) -> WireType:
    return WireType(name=name, size=struct.calcsize(words), kind="words", words=words, note=note)


def _little(name: str, size: int) -> WireType:
    note = "migstream's name for what a guest sees little-endian"
    return WireType(name=name, size=size, kind="uint", little=True, note=note)


_ALL = (
    # migration/vmstate-types.c
    _scalar("bool", "?", "any byte but 0 is true"),
    _scalar("int8", "b"),
    _scalar("uint8", "B"),
    _scalar("int16", "h"),
    _scalar("uint16", "H"),
    _scalar("int32", "i"),
    _scalar("uint32", "I"),
    _scalar("int64", "q"),
    _scalar("uint64", "Q", "up to 9.x, with size 1, also the marker of a null pointer"),
    _scalar("int32 equal", "i", "must equal the destination's value"),
    _scalar("uint8 equal", "B", "must equal the destination's value"),
    _scalar("uint16 equal", "H", "must equal the destination's value"),
    _scalar("uint32 equal", "I", "must equal the destination's value"),
    _scalar(
        "int64 equal", "Q", "unsigned, in spite of its name; must equal the destination's value"
    ),
    _scalar("int32 le", "i", "le: less than or equal to the destination's value"),
    _scalar(
        "timer", "q", "savevm.c: timer_put; expiry in ns of its clock, -1 when not armed", "timer"
    ),
    _scalar("CPU_Double_U", "d", "an IEEE double, upper half first"),
    _scalar("float64", "d", "old releases"),
    _varying("buffer", "raw bytes, in the order that the device keeps"),
    _varying("unused_buffer", "written as zeros, ignored when loaded"),
    _varying("bitmap", "64-bit words, bit 0 is the lowest of the first", "bitmap"),
    _varying("tmp", "a VMState of values made for the stream", "group"),
    _varying("qtailq", "elements, each after a byte 1; a byte 0 ends them", "group"),
    _varying("qlist", "elements, each after a byte 1; a byte 0 ends them", "group"),
    _varying("gtree", "number of nodes; key and value after a byte 1; a byte 0", "group"),
    _varying("nullptr", "a null pointer of an array", "marker", 1),
    _varying("ptr-marker", "says whether the next element of an array is there", "marker", 1),
    _varying("GByteArray", "length (32 bits) and bytes"),
    _varying("fd", "a file descriptor; itself not in these bytes", "marker", 1),
    _varying("capability", "migration/savevm.c: put_capability; counted name", "text"),
    _varying("struct", "a VMState", "group"),
    _varying("vstruct", "a VMState, at a version that the outer one fixes", "group"),
    _varying("unknown", "an info without a name"),
    # composites and others of devices
    _varying("pci config", "hw/pci/pci.c: put_pci_config_device; configuration space"),
    _words("pci irq state", ">4I", "hw/pci/pci.c: put_pci_irq_state; levels of INTA to INTD"),
    _varying("msix state", "hw/pci/msix.c: put_msix_state; table and pending bits"),
    _varying("shpc", "hw/pci/shpc.c: shpc_save; registers"),
    _varying("virtio", "hw/virtio/virtio.c: virtio_save"),
    _varying(
        "virtqueue_extra_state", "hw/virtio/virtio.c: put_extra_state; of the transport", "group"
    ),
    _varying("virtio-gpu", "hw/display/virtio-gpu.c: virtio_gpu_save; resources and scanouts"),
    _varying("blob", "hw/display/virtio-gpu.c: virtio_gpu_blob_save; resources"),
    _varying("scsi-requests", "hw/scsi/scsi-bus.c: put_scsi_requests"),
    _varying("usb-redir-parser", "hw/usb/redirect.c: usbredir_put_parser"),
    _varying("usb-redir-packet-id-q", "hw/usb/redirect.c: usbredir_put_packet_id_q"),
    _varying("usb-redir-bufpq", "hw/usb/redirect.c: usbredir_put_bufpq"),
    _varying("irqs", "hw/intc/s390_flic_kvm.c: kvm_flic_save; structs of the host's kernel"),
    _varying("virtio-fs back-end state", "hw/virtio/vhost-user-fs.c: vuf_save_state"),
    _varying("virtio-net vhost-user backend state", "hw/net/virtio-net.c"),
    _varying("vdagent/cbinfos", "ui/vdagent.c: put_cbinfo; clipboard, when there is one", "group"),
    # registers
    _words("avr", ">2Q", "target/ppc/machine.c: put_avr; low half first, of a little-endian host"),
    _scalar("fpr", "Q", "target/ppc/machine.c: put_fpr; on MIPS 16 bytes"),
    _scalar("vsr", "Q", "target/ppc/machine.c: put_vsr; low half of a VSX register"),
    _words("slbe", ">2Q", "target/ppc/machine.c: put_slbe; esid and vsid"),
    _scalar("cpu/altivec/vscr", "I", "target/ppc/machine.c: put_vscr"),
    _scalar("cpsr", "I", "target/arm/machine.c: put_cpsr; PSTATE on AArch64, XPSR on M-profile"),
    _scalar("fpscr", "I", "target/arm/machine.c: put_fpscr; 0 when fpcr and fpsr are written"),
    _scalar("fpcr", "Q", "target/arm/machine.c: put_fpcr; target/alpha/machine.c: put_fpcr"),
    _scalar("fpsr", "Q", "target/arm/machine.c: put_fpsr"),
    _scalar("pstate64", "Q", "target/arm/machine.c: put_pstate64"),
    _scalar("powered_off", "?", "target/arm/machine.c: put_power"),
    _scalar("sreg", "B", "target/avr/machine.c: put_sreg"),
    _scalar("rampD", "B", "target/avr/machine.c: put_segment"),
    _scalar("rampX", "B", "target/avr/machine.c: put_segment"),
    _scalar("rampY", "B", "target/avr/machine.c: put_segment"),
    _scalar("rampZ", "B", "target/avr/machine.c: put_segment"),
    _scalar("eind", "B", "target/avr/machine.c: put_segment"),
    _varying("tlb_entry", "target/mips/system/machine.c: put_tlb; VPN is as wide as the target"),
    _scalar("psw", "Q", "target/hppa/machine.c: put_psw"),
    _words("tlb entry", ">4Q", "target/hppa/machine.c: put_tlb; other fields before 10.0"),
    _scalar("psr", "I", "target/sparc/machine.c: put_psr"),
    _scalar("fsr", "Q", "target/sparc/machine.c: put_fsr; as wide as the target"),
    _scalar("xcc", "I", "target/sparc/machine.c: put_xcc"),
    _scalar("sr", "I", "target/openrisc/machine.c: put_sr"),
    _scalar("msr", "I", "target/microblaze/machine.c: put_msr"),
    _scalar("int32_as_uint16", "H", "hw/nvram/fw_cfg.c: read only, from ancient versions"),
    _scalar("uint16_from_uint8", "B", "hw/nvram/eeprom93xx.c: read only, from ancient versions"),
    # inside blobs
    _little("le16", 2),
    _little("le32", 4),
    _little("le64", 8),
)

TYPES: dict[str, WireType] = {each.name: each for each in _ALL}

# The same name at another width means something else.
_OTHER_WIDTHS: dict[tuple[str, int], WireType] = {
    ("uint64", 1): _varying("uint64", "the marker of a null pointer, up to 9.x", "marker", 1),
    ("fd", 4): _scalar("fd", "I", "cpr-exec: the number of the descriptor"),
    ("fpr", 16): _words("fpr", ">2Q", "target/mips/system/machine.c: put_fpr"),
    ("fsr", 4): _scalar("fsr", "I", "target/sparc/machine.c: put_fsr"),
    ("psw", 4): _scalar("psw", "I", "target/hppa/machine.c: put_psw"),
}


@lru_cache(maxsize=4096)
def wire_type(name: str, size: int) -> WireType:
    """The type of `name` for elements of `size` bytes.

    A name that is unknown, or whose width contradicts `size`, is `size` raw bytes.
    """
    other = _OTHER_WIDTHS.get((name, size))
    if other is not None:
        return other
    known = TYPES.get(name)
    if known is not None and (known.size is None or known.size == size):
        return known
    note = f"{known.size} bytes wide elsewhere" if known else "not known to migstream"
    return WireType(name=name, size=max(size, 0), kind="bytes", note=note)
