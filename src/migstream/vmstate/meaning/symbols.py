"""What plain numbers are called: bits and enumerations, by VMState and field. One line each.

A value has three representations: the number as it is, its symbol, and a description where the
symbol does not say enough. `Value.text` reads this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from migstream.vmstate.meaning.features import feature_names

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["SYMBOLS", "Bits", "Symbol", "bits", "enumeration", "names_of_bits", "symbol", "words"]


class Symbol(NamedTuple):
    """A name for a value, in the words of its specification, and what it means; either may be empty."""

    name: str = ""
    description: str = ""


# Of a value and the VMState of the device in which it stands.
Symbols = Callable[[Any, str], Symbol]


class Bits:
    """Symbols of a number each of whose bits has its own."""

    def __init__(self, of: Symbols) -> None:
        self.of = of

    def __call__(self, value: Any, vmsd: str, /) -> Symbol:
        return self.of(value, vmsd)


def bits(names: str, first: int = 0) -> Bits:
    """Names of bits from `first` on; `-` and bits behind the last have no name. Those below are no bits."""
    known = dict(enumerate(names.split(), first))

    def of(value: Any, _: str) -> Symbol:
        if not isinstance(value, int):
            return Symbol()
        found = [n for n in range(first, value.bit_length()) if value >> n & 1]
        named = (known.get(n, "-") for n in found)
        return Symbol(
            " ".join(
                name if name != "-" else f"bit {n}" for n, name in zip(found, named, strict=True)
            )
        )

    return Bits(of)


def enumeration(known: Mapping[int, str | tuple[str, str]]) -> Symbols:
    """Names of numbers, some with a description."""
    table = {
        n: Symbol(said) if isinstance(said, str) else Symbol(*said) for n, said in known.items()
    }

    def of(value: Any, _: str) -> Symbol:
        return table.get(value, Symbol()) if isinstance(value, int) else Symbol()

    return of


def words(known: Mapping[str, str]) -> Symbols:
    """Descriptions of words that stand in a buffer, with a NUL behind them."""

    def of(value: Any, _: str) -> Symbol:
        if not isinstance(value, bytes):
            return Symbol()
        word = value.partition(b"\0")[0].decode("ascii", "replace")
        return Symbol(word, known[word]) if word in known else Symbol()

    return of


def _features(value: Any, vmsd: str) -> Symbol:
    return Symbol(" ".join(feature_names(value, vmsd)) if isinstance(value, int) else "")


_FEATURES = Bits(_features)
_VECTOR = enumeration({0xFFFF: "NO_VECTOR"})

# By the type of the blob, or the VMState of the device, and the path from there without indices; with
# them where elements mean different things.
SYMBOLS: Mapping[tuple[str, str], Symbols] = {
    # Virtual I/O Device (VIRTIO) 1.3, 2.1, 4.1.4.5; QEMU, include/hw/virtio/virtio.h
    ("virtio", "status"): bits("ACKNOWLEDGE DRIVER DRIVER_OK FEATURES_OK - - NEEDS_RESET FAILED"),
    ("virtio", "isr"): bits("QUEUE CONFIG"),
    ("virtio", "guest_features"): _FEATURES,
    ("virtio", "virtio/64bit_features/guest_features"): _FEATURES,
    ("virtio", "virtio/device_endian/device_endian"): enumeration(
        {0: "UNKNOWN", 1: "LITTLE", 2: "BIG"}
    ),
    ("virtio", "config_vector"): _VECTOR,
    ("virtio", "ccw/config_vector"): _VECTOR,
    ("virtio", "queues/vector"): _VECTOR,
    ("virtio-net", "virtio/device/status"): bits("LINK_UP ANNOUNCE"),
    # PCI Local Bus Specification 3.0, 6.2; PCI-to-PCI Bridge Architecture 1.2, 3.2.5
    ("pci config", "vendor_id"): enumeration(
        {0x1AF4: ("REDHAT_QUMRANET", "virtio"), 0x1B36: "REDHAT", 0x8086: "INTEL", 0x1234: "QEMU"}
    ),
    ("pci config", "command"): bits(
        "IO MEMORY MASTER SPECIAL INVALIDATE VGA_PALETTE PARITY WAIT SERR FAST_BACK INTX_DISABLE"
    ),
    ("pci config", "status"): bits(
        "- - - INTERRUPT CAP_LIST 66MHZ UDF FAST_BACK PARITY DEVSEL_MEDIUM DEVSEL_SLOW"
        " SIG_TARGET_ABORT REC_TARGET_ABORT REC_MASTER_ABORT SIG_SYSTEM_ERROR DETECTED_PARITY"
    ),
    ("pci config", "class"): enumeration(
        {
            0x01: ("STORAGE", "mass storage controller"),
            0x02: ("NETWORK", "network controller"),
            0x03: ("DISPLAY", "display controller"),
            0x04: ("MULTIMEDIA", "sound or video"),
            0x05: ("MEMORY", "memory controller"),
            0x06: ("BRIDGE", "bridge to another bus, or the host"),
            0x07: ("COMMUNICATION", "serial line or modem"),
            0x08: ("SYSTEM", "timer, interrupt controller, SD host"),
            0x09: ("INPUT", "keyboard, mouse, tablet"),
            0x0C: ("SERIAL", "USB, SMBus and other serial buses"),
            0x10: ("CRYPT", "encryption controller"),
            0xFF: ("OTHERS", "fits no class"),
        }
    ),
    ("pci config", "header_type"): enumeration(
        {
            0x00: "NORMAL",
            0x01: "BRIDGE",
            0x80: "NORMAL MULTI_FUNCTION",
            0x81: "BRIDGE MULTI_FUNCTION",
        }
    ),
    ("pci config", "interrupt_pin"): enumeration({1: "INTA", 2: "INTB", 3: "INTC", 4: "INTD"}),
    ("pci config", "bridge_control"): bits(
        "PARITY SERR ISA VGA VGA_16BIT MASTER_ABORT BUS_RESET FAST_BACK"
    ),
    ("pci config", "msix_*/control"): bits("MASKALL ENABLE", 14),
    ("msix state", "table/control"): bits("MASKED"),
    # qapi/run-state.json: RunState
    ("globalstate", "runstate"): words(
        {
            "debug": "stopped by a debugger",
            "inmigrate": "waits for a stream",
            "internal-error": "stopped by an error of KVM or QEMU",
            "io-error": "stopped by an error of a disk",
            "paused": "stopped by the user",
            "postmigrate": "stopped after a migration",
            "prelaunch": "not yet started",
            "running": "the guest runs",
            "save-vm": "stopped while a snapshot is saved",
            "shutdown": "the guest is off, QEMU is not",
            "suspended": "the guest sleeps (S3)",
            "watchdog": "stopped by a watchdog",
            "guest-panicked": "stopped because the guest panicked",
            "colo": "one of two that run in step",
        }
    ),
    # Intel SDM volume 1, 3.4.3 and 10.2.3; volume 3, 2.2.1 and 2.5; AMD64 APM volume 2, 3.1.7
    ("cpu", "env.eflags"): bits(
        "CF FIXED PF - AF - ZF SF TF IF DF OF IOPL IOPL NT - RF VM AC VIF VIP ID"
    ),
    ("cpu", "env.cr[0]"): bits(
        "PE MP EM TS ET NE" + 10 * " -" + " WP - AM" + 10 * " -" + " NW CD PG"
    ),
    ("cpu", "env.cr[4]"): bits(
        "VME PVI TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT UMIP LA57 VMXE SMXE - FSGSBASE PCIDE"
        " OSXSAVE KL SMEP SMAP PKE CET PKS"
    ),
    ("cpu", "env.efer"): bits(
        "SCE - - - - - - - LME - LMA NXE SVME LMSLE FFXSR TCE - MCOMMIT INTWB - UAIE AIBRSE"
    ),
    ("cpu", "env.mxcsr"): bits("IE DE ZE OE UE PE DAZ IM DM ZM OM UM PM RC RC FZ"),
    # PC16550D data sheet, 8.0; QEMU, hw/char/serial.c
    ("serial", "*/ier"): bits("RDI THRI RLSI MSI"),
    ("serial", "*/mcr"): bits("DTR RTS OUT1 OUT2 LOOP"),
    ("serial", "*/lsr"): bits("DR OE PE FE BI THRE TEMT FIFO_ERROR"),
    ("serial", "*/msr"): bits("DCTS DDSR TERI DDCD CTS DSR RI DCD"),
    # hw/input/pckbd.c: KBD_STAT_*
    ("pckbd", "kbd/status"): bits("OBF IBF SELFTEST CMD UNLOCKED MOUSE_OBF GTO PERR"),
    # include/hw/ide/internal.h: *_STAT
    **{
        (vmsd, "*ifs/status"): bits("ERR INDEX ECC DRQ SEEK WRERR READY BUSY")
        for vmsd in ("ide", "isa-ide", "ich9_ahci")
    },
    # include/standard-headers/asm-*/kvm.h: KVM_MP_STATE_*
    ("cpu", "env.mp_state"): enumeration(
        {
            0: "RUNNABLE",
            1: "UNINITIALIZED",
            2: "INIT_RECEIVED",
            3: ("HALTED", "waits for an interrupt"),
            4: "SIPI_RECEIVED",
        }
    ),
}
_INDEX = re.compile(r"\[\d+\]")
_TYPES = {kind for kind, _ in SYMBOLS}


def symbol(value: Value) -> Symbol | None:
    """What a single value is called, None where the table does not know it."""
    known = _symbols(value)
    return None if known is None else known(value.value, value.device.vmsd)


def names_of_bits(value: Value) -> Callable[[int], str] | None:
    """How each bit of a value is called, by its number; None of a value whose bits have no names."""
    known, vmsd = _symbols(value), value.device.vmsd
    if not isinstance(known, Bits):
        return None
    return lambda bit: known(1 << bit, vmsd).name


def _symbols(value: Value) -> Symbols | None:
    """What the table has for a value: by the device's VMState, or by the blob it stands in."""
    root = value.device
    if root.vmsd in _TYPES:
        known = _known(root.vmsd, value.path[len(root.path) + 1 :])
        if known is not None:
            return known
    blob = value.above
    while blob is not None and not (blob.kind == "leaf" and blob.type in _TYPES):
        blob = blob.above
    return None if blob is None else _known(blob.type, value.path[len(blob.path) + 1 :])


@lru_cache(maxsize=4096)
def _known(kind: str, path: str) -> Symbols | None:
    exact = SYMBOLS.get((kind, path))
    if exact is not None:
        return exact
    path = _INDEX.sub("", path)
    exact = SYMBOLS.get((kind, path))
    if exact is not None:
        return exact
    wild = (s for (k, p), s in SYMBOLS.items() if k == kind and "*" in p and fnmatchcase(path, p))
    return next(wild, None)
