"""CPUs (target/*/machine.c)."""

from __future__ import annotations

from migstream.qemu.words.model import DAMAGE, LOST, Message, message

__all__ = ["CPUS"]

CPUS: tuple[Message, ...] = (
    message(
        "cpreg",
        (
            (
                "handle_cpreg_only_in_incoming_stream: system register {register:#x} in the incoming stream but unknown on "
                "the destination: fail migration"
            ),
            "",
            "caller",
        ),
        "system register {register:#x} in the incoming stream but unknown on the destination",
        means="the source's CPU has a system register that the destination's does not have",
        causes=("another CPU model, or a release that gives it other registers",),
        look=("`-cpu` of both sides", "cpreg_vmstate_indexes"),
        place="cpreg",
        sides=("registers", "has system register {register}", "does not have it"),
    ),
    message(
        "tsc",
        "Mismatch between user-specified TSC frequency and migrated TSC frequency",
        "TSC frequency mismatch between VM ({received:d} kHz) and host ({local:d} kHz), and TSC scaling unavailable",
        means="the destination's time stamp counter runs at another frequency",
        causes=(
            "`-cpu ...,tsc-frequency=` differs",
            "the destination's host has another frequency and cannot scale it",
        ),
        look=("env.tsc_khz",),
        place="tsc",
    ),
    message(
        "kvm-registers",
        ("Failed to put registers {when:s}: {error:s}", "newer than 7.2"),
        means="the destination's KVM did not take the state of a CPU, after it was loaded",
        causes=(
            "the host's CPU or kernel lacks a feature that the guest uses",
            "a value is damaged",
        ),
        look=(
            "`-cpu` and the hosts' CPUs of both sides",
            "the fields of the CPU that the message names",
        ),
        place="device",
    ),
    message(
        "softfloat",
        "Unsupported old non-softfloat CPU state",
        means="the FPU is saved as only QEMU before 0.13 did",
        causes=(LOST, DAMAGE),
        look=("env.fpregs_format_vmstate",),
        place="device",
    ),
    message(
        "nested",
        "Received invalid nested state format: {format:d}",
        "Received nested state when kernel cannot restore it",
        "Received unsupported nested state size: nested_state->size={size:d}, max={limit:d}",
        "Received nested state size less than min: len={size:d}, min={limit:d}",
        means="the state of a guest's own hypervisor is not one that the destination's KVM takes",
        causes=("another host kernel or CPU vendor", DAMAGE),
        place="device",
    ),
    message(
        "cpreg-skipped",
        (
            "{register:n} expected by the destination but not in the incoming stream: skip it",
            "since 11",
        ),
        means="the destination's CPU has a register that the stream does not have; it keeps its value after reset",
        kind="warning",
        place="none",
    ),
    message(
        "spapr-cap",
        "cap-{cap} {way} level ({received:d}) in incoming stream than on destination ({local:d})",
        means="a capability of the pseries machine has another level on the destination",
        causes=(
            "`-machine cap-{cap}=` differs, or the default of another host, machine type or release",
        ),
        look=("`-machine` of both sides", "the section spapr, subsection spapr/cap/{cap}"),
        place="none",
        sides=("value", "cap-{cap} {received}", "cap-{cap} {local}"),
    ),
    message(
        "nested-mode",
        "vCPU set in guest-mode inconsistent with migrated kernel nested state",
        means="the CPU was in a nested guest, and the stream's nested state says otherwise",
        causes=("KVM or nested virtualization on one side only", DAMAGE),
        place="device",
    ),
    message(
        "msr",
        "failed to set MSR {register:#x} to {value:#x}",
        "Failed to set MSR {register:#x} to {value:#x}",
        ("Failed to set MSRs", "newer than 7.2"),
        means="the destination's KVM does not take a model-specific register of a CPU: QEMU aborts",
        causes=(
            "the host's CPU, its microcode or its kernel lacks the feature that the register belongs to",
            "nested virtualization (VMX, SVM) is on at one side only",
        ),
        look=(
            "`-cpu` and the hosts' CPUs and kernels of both sides",
            "what the register has on the destination: `rdmsr {register}` (msr-tools), and the CPU vendor's manual",
        ),
        place="none",
        side="host",
    ),
    message(
        "host-cpu",
        "Host doesn't support requested features",
        "TCG doesn't support requested features",
        means="the host's CPU or KVM, or TCG, lacks features that `-cpu` asks for with enforce: QEMU does not start",
        causes=(
            "the CPU, its microcode or its kernel is older than the source's, or the feature is switched off there",
            "nested virtualization (vmx, svm) is on at one side only",
        ),
        look=(
            "the features in the lines before it, each with its leaf, register and bit",
            "what this host has: `virsh domcapabilities`",
        ),
        place="none",
        side="host",
    ),
    message(
        "host-cpu-feature",
        "host doesn't support requested feature: {feature:s}",
        "TCG doesn't support requested feature: {feature:s}",
        means="a feature that `-cpu` asks for is left out: the guest's CPU is another one than the source's",
        causes=("the host's CPU, microcode or kernel lacks it, or TCG does not have it",),
        look=("add `enforce` to -cpu: QEMU then does not start without it",),
        kind="warning",
        place="none",
        side="host",
    ),
    message(
        "libvirt-cpu",
        "guest CPU doesn't match specification: missing features: {features:s}",
        "guest CPU doesn't match specification: extra features: {features:s}",
        "guest CPU doesn't match specification",
        means="libvirt: the CPU that QEMU made there is not the one of the guest's definition; nothing was loaded",
        causes=(
            "the host's CPU, microcode or kernel does not have all features of the guest's CPU",
            "the definition of the guest was made on another kind of host (host-model, host-passthrough)",
        ),
        look=("the CPU in the guest's definition", "`virsh domcapabilities` of both hosts"),
        place="none",
    ),
)
