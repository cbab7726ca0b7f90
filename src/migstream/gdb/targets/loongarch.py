"""LoongArch: base and floating point registers, then what else the stream holds.

References
----------
QEMU, gdb-xml/loongarch-base64.xml, loongarch-fpu.xml
"""

from __future__ import annotations

from collections.abc import Sequence

from migstream.gdb.target import Feature, Target, listed, others
from migstream.machine.registers.read import Cpu

__all__ = ["describe"]

FEATURES = (
    Feature(
        "org.gnu.gdb.loongarch.base",
        "loongarch-base64.xml",
        (
            *listed([f"r{n}" for n in range(32)], 64, "uint64", group="general"),
            *listed("orig_a0", 64, "uint64", group="general"),  # of a process only
            *listed("pc badv", 64, "code_ptr", group="general"),
        ),
    ),
    Feature(
        "org.gnu.gdb.loongarch.fpu",
        "loongarch-fpu.xml",
        (
            *listed([f"f{n}" for n in range(32)], 64, "ieee_double", group="float"),
            *listed([f"fcc{n}" for n in range(8)], 8, "uint8", group="float"),
            *listed("fcsr=fcsr0", 32, "uint32", group="float"),
        ),
    ),
)


def describe(cpus: Sequence[Cpu]) -> Target:
    """All of them, whether the CPU has floating point or not."""
    more = others(cpus, FEATURES, {"fcc"})
    system = Feature("org.migstream.loongarch.system", "migstream-system.xml", more)
    return Target("loongarch64", (*FEATURES, system))
