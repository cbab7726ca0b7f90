"""Registers of every virtual CPU, read from the CPU sections of the device state.

One module for each architecture knows which field holds which register; here they are put together.
Names are those of `info registers` and of gdb, in lower case.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

import msgspec

from migstream.errors import Unsupported
from migstream.machine.arch import architecture, cpus
from migstream.machine.state import State, number
from migstream.names import brief
from migstream.vmstate.values import Value

__all__ = ["READERS", "Cpu", "Reader", "registers"]


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """One virtual CPU.

    `index` is QEMU's cpu_index, the section's instance id; `values` are unsigned and in their full
    width; `root` is the guest-physical address of the page-table root, None where there is no
    paging, or none whose root is one address.
    """

    index: int
    arch: str
    pc: int
    root: int | None
    values: dict[str, int]

    def __repr__(self) -> str:
        root = "" if self.root is None else f"root={self.root:#x}"
        return brief("Cpu", self.index, self.arch, f"pc={self.pc:#x}", root)


class Reader(Protocol):
    """What a module of an architecture has."""

    def read(self, cpu: Value, arch: str) -> dict[str, int]:
        """Every register that the CPU section `cpu` holds, by name."""
        ...

    def pc(self, values: dict[str, int]) -> int: ...

    def root(self, values: dict[str, int]) -> int | None: ...


# The module of an architecture (`machine.arch`), here and where else there is one for each of these families.
READERS = {
    "x86_64": "x86",
    "i386": "x86",
    "aarch64": "arm",
    "arm": "arm",
    "ppc64": "ppc",
    "ppc": "ppc",
    "s390x": "s390x",
    "riscv64": "riscv",
    "riscv32": "riscv",
    "loongarch64": "loongarch",
}


def registers(state: State) -> tuple[Cpu, ...]:
    """All CPUs in the order of their instance ids.

    Raises
    ------
    Unsupported : no CPU section is described, or its architecture is not known here
    """
    sections = sorted(cpus(state), key=lambda d: d.instance_id)
    if not sections:
        raise Unsupported(
            "the stream has no CPU section: this machine has no CPU, or not all was saved"
        )
    if not any(device.described for device in sections):
        raise Unsupported(
            "the CPU sections are not described",
            hint="--like OTHER takes the description from a stream of the same machine",
        )
    arch = architecture(state)
    module = READERS.get(arch or "")
    if arch is None or module is None:
        raise Unsupported(
            f"registers of {arch or 'this architecture'} are not known here",
            hint="`migstream tree STREAM cpu` shows the section's fields",
        )
    reader = cast("Reader", import_module(f"migstream.machine.registers.{module}"))
    # a section beside that of the CPU (hw/core/cpu-common.c, vmstate_cpu_common), where it is not part of it
    halted = {
        d.instance_id: number(d.value, "halted") for d in state.devices if d.name == "cpu_common"
    }
    # of a pseries machine, where its hypervisor keeps for all CPUs what is a register otherwise (hw/ppc/spapr.c:
    # vmstate_spapr_patb_entry, only where the guest has told it)
    tables = (
        number(d.value, "spapr_patb_entry", "patb_entry")
        for d in state.devices
        if d.name == "spapr"
    )
    shared = next(({"patb_entry": table} for table in tables if table is not None), {})
    found = []
    for device in sections:
        values = reader.read(device.value, arch) | shared
        stopped = halted.get(device.instance_id)
        if stopped is not None:
            values["halted"] = stopped
        found.append(
            Cpu(
                index=device.instance_id,
                arch=arch,
                values=values,
                pc=reader.pc(values),
                root=reader.root(values),
            )
        )
    return tuple(found)
