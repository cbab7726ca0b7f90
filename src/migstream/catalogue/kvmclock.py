"""Whether a PC under KVM has a clock of KVM's: older machine types only with a CPU that shows it to the guest.

References
----------
QEMU, hw/i386/kvm/clock.c: kvmclock_create; hw/i386/pc_piix.c, pc_q35.c: kvmclock_create_always (pc_compat_5_1);
target/i386/cpu.c: x86_cpu_expand_features (expose_kvm)
"""

from __future__ import annotations

from migstream.catalogue.arguments import is_on
from migstream.qemu.release import machine_version

__all__ = ["CLOCK", "has_clock"]

CLOCK = "kvmclock", 0
STEM, ASKED_UNTIL = "pc-", (5, 1)
FEATURES = ("kvm", "kvmclock")


def has_clock(machine: str, cpu: str | None) -> bool:
    """Whether a machine type has it with that CPU, as far as the CPU says it."""
    stem, version = machine_version(machine)
    if not stem.startswith(STEM) or version is None or version > ASKED_UNTIL:
        return True
    features = (cpu or "").split(",")[1:]
    return not any(_is_off(one, name) for one in features for name in FEATURES)


def _is_off(feature: str, name: str) -> bool:
    key, _, value = feature.partition("=")
    return feature == f"-{name}" or (key == name and is_on(value) is False)
