"""Architectures of whose tables nothing here reads: while a CPU translates nothing, addresses are physical all the same.

References
----------
Which bit switches translation on: Arm ARM, SCTLR.M; Power ISA, Book III, MSR[DR]; z/Architecture Principles of Operation, PSW
bit 5; LoongArch Reference Manual, Volume 1, CSR.CRMD.PG
"""

from __future__ import annotations

from typing import NamedTuple

from migstream.errors import Unsupported
from migstream.machine.paging.tables import Registers, Scheme, identity

__all__ = ["scheme"]


class Switch(NamedTuple):
    """The bit of a register that says whether addresses are translated, and how wide they are."""

    register: str
    bit: int
    width: int


SWITCHES = {
    "arm": Switch("sctlr", 0, 32),
    "ppc64": Switch("msr", 4, 64),
    "ppc": Switch("msr", 4, 32),
    "s390x": Switch("psw.mask", 58, 64),
    "loongarch64": Switch("crmd", 4, 64),
}


def scheme(cpu: Registers) -> Scheme:
    """No translation.

    Raises
    ------
    Unsupported : there is one, or the stream does not say
    """
    switch = SWITCHES[cpu.arch]
    if "xpsr" in cpu.values:  # M-profile has no MMU
        return identity("no paging", switch.width)
    # a real address of s390x is another absolute one where there is a prefix
    on = cpu.values.get(switch.register, -1) >> switch.bit & 1
    if on or cpu.values.get("prefix"):
        raise Unsupported(
            f"nothing here reads the page tables of {cpu.arch}",
            hint="guest-physical addresses need none",
        )
    return identity("no paging", switch.width)
