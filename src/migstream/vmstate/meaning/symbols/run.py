"""What runs: the machine's state, a CPU's halt and interrupts.

References: QEMU, qapi/run-state.json: RunState; include/exec/cpu-interrupt.h (cpu-all.h), target/*/cpu.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Table, enumeration, words

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["CPU_COMMON", "GLOBALSTATE", "KVMCLOCK"]

GLOBALSTATE: Table = {
    "runstate": words(
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
}

# Bits that every target has, then those that each target gives a meaning of its own.
_INTERRUPTS = {0x0002: "HARD", 0x0004: "EXITTB", 0x0020: "HALT", 0x0080: "DEBUG", 0x0400: "RESET"}
_TARGETS = {
    0x0008: "TGT_EXT_0", 0x0010: "TGT_EXT_1", 0x0040: "TGT_EXT_2", 0x0200: "TGT_EXT_3", 0x1000: "TGT_EXT_4",
    0x0100: "TGT_INT_0", 0x0800: "TGT_INT_1", 0x2000: "TGT_INT_2",
}  # fmt: skip
_X86 = {
    0x0010: "POLL", 0x0040: "SMI", 0x0200: "NMI", 0x1000: "MCE", 0x0100: "VIRQ", 0x0800: "SIPI", 0x2000: "TPR",
}  # fmt: skip
_PC = ("pc-", "q35", "isapc", "microvm", "xenpv", "xenfv", "nitro")


def _requests(value: Any, at: Value) -> Symbol:
    if not isinstance(value, int):
        return Symbol()
    machine = at.device.machine or ""
    names = _INTERRUPTS | _TARGETS | (_X86 if machine.startswith(_PC) else {})
    found = [1 << n for n in range(value.bit_length()) if value >> n & 1]
    return Symbol(" ".join(names.get(bit, f"bit {bit.bit_length() - 1}") for bit in found))


CPU_COMMON: Table = {
    "interrupt_request": _requests,
    "halted": enumeration({0: ("", "runs"), 1: ("HALTED", "waits for an interrupt")}),
}


def _nanoseconds(value: Any, _: Value) -> Symbol:
    return Symbol("", f"{value / 1e9:.3f} s") if isinstance(value, int) and value > 0 else Symbol()


KVMCLOCK: Table = {"clock": _nanoseconds}
