"""What a machine was started with, as far as its state tells: CPUs, memory, accelerator.

All of it is in the device sections and in the list of RAM blocks; no page of guest memory is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from migstream.machine.arch import architecture, cpus
from migstream.machine.map.installed import machine_ram
from migstream.machine.state import DeviceState, State, child
from migstream.vmstate.values import Value

__all__ = ["PER_CPU", "Block", "Setup", "machine_setup", "per_cpu_ids"]

# What QEMU sends for each CPU, by name without a device's path: all targets; hw/intc/apic_common.c,
# hw/intc/xics.c, hw/intc/xive.c, hw/ppc/spapr_cpu_core.c, hw/intc/riscv_imsic.c.
PER_CPU = frozenset({
    "apic", "cpu", "cpu_common", "icp/server", "riscv_imsic", "spapr_cpu", "xive-tctx",
})  # fmt: skip

Names = tuple[str, ...]

# Arrays with an element for each CPU that the machine has room for (maxcpus), and elements for a CPU:
# hw/acpi/cpu.c: vmstate_cpu_hotplug (in 11.1 always sent), hw/intc/loongson_ipi_common.c,
# hw/intc/spapr_xive.c: spapr_xive_realize (XIVE_NUM_PRIORITIES).
ROOM: dict[str, tuple[Names, int]] = {
    "piix4_pm": (("piix4_pm/cpuhp", "cpuhp_state", "devs"), 1),
    "ICH9LPC": (("pm", "ich9_pm/cpuhp", "cpuhp_state", "devs"), 1),
    "acpi-ged": (("acpi-ged/cpuhp", "cpuhp_state", "devs"), 1),
    "loongson_ipi": (("cpu",), 1),
    "spapr-xive": (("endt",), 8),
}
# Arrays with an element for each memory slot, there where a machine was started with slots:
# hw/acpi/memory_hotplug.c: vmstate_memory_hotplug
SLOTS: dict[str, Names] = {
    "piix4_pm": ("piix4_pm/memhp", "acpi_memory_hotplug", "devs"),
    "ICH9LPC": ("pm", "ich9_pm/memhp", "acpi_memory_hotplug", "devs"),
    "acpi-ged": ("acpi-ged/memhp", "memhp_state", "devs"),
}


class Block(msgspec.Struct, frozen=True):
    """A RAM block: its name, and how many bytes it has."""

    name: str
    size: int


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a machine was started with; what the state does not tell is None, or empty.

    Parameters
    ----------
    cpus : virtual CPUs that there are
    max_cpus : those that there can be (maxcpus)
    memory : bytes of machine RAM (-m), without what was plugged in
    backends : the blocks of machine RAM where they are a user's memory backends: one that the machine
        was given, or one for each NUMA node
    plugged : backends of DIMMs and NVDIMMs
    slots : memory slots (-m slots=), as far as ACPI has them
    accelerator : "kvm" or "tcg"
    """

    cpus: int | None = None
    max_cpus: int | None = None
    memory: int | None = None
    backends: tuple[Block, ...] = ()
    plugged: tuple[Block, ...] = ()
    slots: int | None = None
    accelerator: str | None = None


def machine_setup(state: State) -> Setup:
    """What the machine of a stream was started with."""
    ram = machine_ram(state)
    own = () if ram is None else ram.blocks
    return Setup(
        cpus=_cpus(state),
        max_cpus=_room(state),
        memory=ram.size if ram is not None and own else None,
        backends=tuple(Block(b.name, b.used_length) for b in own if _named(b.name)),
        plugged=() if ram is None else tuple(Block(b.name, b.used_length) for b in ram.others),
        slots=_slots(state),
        accelerator=_accelerator(state),
    )


def _named(block: str) -> bool:
    """Whether a block of machine RAM has a user's name: those that a machine makes itself end with `.ram`."""
    return not block.endswith(".ram")


# --- CPUs ----------------------------------------------------------------------------------------


def per_cpu_ids(devices: Iterable[DeviceState]) -> dict[str, tuple[int, ...]]:
    """Instance ids of the sections that there are for each CPU, by name; those of `apic` are APIC ids."""
    found: dict[str, list[int]] = {}
    for device in devices:
        if device.name in PER_CPU:
            found.setdefault(device.name, []).append(device.instance_id)
    return {name: tuple(sorted(ids)) for name, ids in found.items()}


def _cpus(state: State) -> int | None:
    # some targets register only one of the two (hw/core/cpu-system.c: cpu_vmstate_register)
    common = sum(device.name == "cpu_common" for device in state.devices)
    return max(common, sum(1 for _ in cpus(state))) or None


def _room(state: State) -> int | None:
    for device in state.devices:
        names, each = ROOM.get(_kind(device), ((), 1))
        count = _elements(device, names) if names else None
        if count:
            return count // each or None
    return None


def _slots(state: State) -> int | None:
    found = [
        _elements(device, SLOTS[_kind(device)]) or 0
        for device in state.devices
        if _kind(device) in SLOTS and device.described
    ]
    return max(found, default=None)


def _kind(device: DeviceState) -> str:
    return device.name.rpartition("/")[2]


def _elements(device: DeviceState, names: Sequence[str]) -> int | None:
    """How many elements an array has; one of a single element is described as if it were none."""
    value = child(device.value, *names)
    return None if value is None else 1 if value.count is None else value.count


# --- accelerator ---------------------------------------------------------------------------------

# Sections that only one of them registers: hw/i386/kvm/clock.c, hw/intc/s390_flic_kvm.c, hw/intc/s390_flic.c.
SECTIONS = {"kvmclock": "kvm", "s390-flic": "kvm", "qemu-s390-flic": "tcg"}
TSC, POLL = "cpu/tsc_khz", "cpu/poll_control_msr"
# Registers that KVM gives an Arm CPU for its firmware, and no other accelerator (Linux,
# arch/arm64/include/uapi/asm/kvm.h: KVM_REG_ARM_FW), each of which tells the version of PSCI.
ARM_INDEXES = ("cpreg_vmstate_indexes",)
ARM_COPROCESSOR, ARM_FIRMWARE = 0x0FFF0000, 0x00140000


def _accelerator(state: State) -> str | None:
    for device in state.devices:
        if device.name in SECTIONS:
            return SECTIONS[device.name]
    cpu = next(cpus(state), None)
    arch = architecture(state)
    if cpu is None or arch is None:
        return None
    parts = {part.name for part in cpu.value.children}
    if arch in {"x86_64", "i386"}:
        return _x86(parts)
    if arch in {"aarch64", "arm"}:
        return _arm(cpu.value)
    if arch.startswith("riscv"):
        # target/riscv/machine.c: kvmtimer_needed is kvm_enabled
        return "kvm" if "cpu/kvmtimer" in parts else "tcg"
    if arch == "loongarch64" and "cpu/tlb" in parts:
        return "tcg"  # target/loongarch/machine.c: tlb_needed is tcg_enabled
    return None


def _x86(parts: set[str]) -> str | None:
    """Of a PC without kvmclock, which a KVM guest of a machine up to 5.1 can be told to do without.

    TCG has no frequency of the TSC, and 0 in the register that tells whether to poll when halted, which
    is sent where it is not 1: under KVM only where a guest changed it.

    References
    ----------
    QEMU, target/i386/machine.c: tsc_khz_needed, poll_control_msr_needed
    """
    if (TSC in parts) == (POLL in parts):
        return None
    return "kvm" if TSC in parts else "tcg"


def _arm(cpu: Value) -> str | None:
    from migstream.machine.registers.rows import Fields

    indexes = Fields(cpu).numbers(ARM_INDEXES)
    if not indexes:
        return None
    firmware = any(index & ARM_COPROCESSOR == ARM_FIRMWARE for index in indexes)
    return "kvm" if firmware else "tcg"
