"""s390x: PSW, general, access, floating point, vector, guarded storage and control registers, then the others.

References
----------
QEMU, gdb-xml/s390x-core64.xml, s390-acr.xml, s390-fpr.xml, s390-vx.xml, s390-gs.xml, s390-cr.xml
"""

from __future__ import annotations

from collections.abc import Sequence

from migstream.gdb.target import Feature, Target, listed, others
from migstream.gdb.targets.types import VECTOR
from migstream.machine.registers.read import Cpu

__all__ = ["describe"]

ALWAYS = (
    Feature(
        "org.gnu.gdb.s390.core",
        "s390x-core64.xml",
        (
            *listed("pswm=psw.mask pswa=psw.addr", 64, "uint64", group="psw"),
            *listed([f"r{n}" for n in range(16)], 64, "uint64", group="general"),
        ),
    ),
    Feature(
        "org.gnu.gdb.s390.acr",
        "s390-acr.xml",
        listed([f"acr{n}=a{n}" for n in range(16)], 32, "uint32", group="access"),
    ),
    Feature(
        "org.gnu.gdb.s390.fpr",
        "s390-fpr.xml",
        (
            *listed("fpc", 32, "uint32", group="float"),
            *listed([f"f{n}" for n in range(16)], 64, "ieee_double", group="float"),
        ),
    ),
)
VECTORS = Feature(
    "org.gnu.gdb.s390.vx",
    "s390-vx.xml",
    (
        *listed([f"v{n}l=vl{n}" for n in range(16)], 64, "uint64"),
        *listed([f"v{n}" for n in range(16, 32)], 128, "vec128"),
    ),
    VECTOR,
)
GUARDED = Feature(
    "org.gnu.gdb.s390.gs",
    "s390-gs.xml",
    (
        *listed("gs_reserved=gscb0 gsd=gscb1 gssm=gscb2", 64, "uint64", group="system"),
        *listed("gsepla=gscb3", 64, "data_ptr", group="system"),
    ),
)
CONTROL = Feature(
    "org.gnu.gdb.s390.cr",
    "s390-cr.xml",
    listed([f"cr{n}=c{n}" for n in range(16)], 64, "uint64", group="control"),
)


def describe(cpus: Sequence[Cpu]) -> Target:
    """Those that the stream has."""
    values = cpus[0].values
    facilities = (("v16", VECTORS), ("gscb0", GUARDED))
    found = [*ALWAYS, *(one for name, one in facilities if name in values), CONTROL]
    more = others(cpus, found, {f"v{n}" for n in range(16)})
    system = Feature("org.migstream.s390.system", "migstream-system.xml", more)
    return Target("s390:64-bit", (*found, system), "big")
