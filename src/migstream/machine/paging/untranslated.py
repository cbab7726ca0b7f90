"""Power, of whose tables nothing here reads: while a CPU translates nothing, addresses are physical all the same.

References
----------
Power ISA, Book III, MSR[DR]
"""

from __future__ import annotations

from migstream.errors import Unsupported
from migstream.machine.paging.tables import Registers, Scheme, identity

__all__ = ["scheme"]

MSR_DR = 1 << 4
WIDTHS = {"ppc64": 64, "ppc": 32}


def scheme(cpu: Registers) -> Scheme:
    """No translation of data.

    Raises
    ------
    Unsupported : there is one, or the stream does not say
    """
    if cpu.values.get("msr", MSR_DR) & MSR_DR:
        raise Unsupported(
            f"nothing here reads the page tables of {cpu.arch}",
            hint="guest-physical addresses need none",
        )
    return identity("no paging", WIDTHS[cpu.arch])
