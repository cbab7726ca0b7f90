"""Rules about single devices whose values are known: run state, clock, CPUs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.machine.isavga import foreign_flag, is_isa_cirrus, vbe_enabled
from migstream.machine.state import number
from migstream.stream import Device
from migstream.wire.model import Span

__all__ = ["RUN_STATES"]

# qapi/run-state.json: RunState, of all releases
RUN_STATES = frozenset((
    "debug", "inmigrate", "internal-error", "io-error", "paused", "postmigrate",
    "prelaunch", "finish-migrate", "restore-vm", "running", "save-vm", "shutdown",
    "suspended", "watchdog", "guest-panicked", "colo", "preconfig",
))  # fmt: skip
LONG_MODE_ENABLE = 1 << 8  # EFER.LME
# Of an MC146818 (hw/rtc/mc146818rtc.c): register, what it is, the largest value.
CLOCK = (
    (0, "seconds", 59), (2, "minutes", 59), (4, "hours", 23), (6, "day of the week", 7),
    (7, "day of the month", 31), (8, "month", 12), (9, "year", 99),
)  # fmt: skip
PAGE_SIZES = tuple(
    1 << bits for bits in range(8, 17)
)  # target/*/cpu-param.h: TARGET_PAGE_BITS, 8 on AVR
REGISTER_B, BINARY, HOURS_24, SET = 11, 0x04, 0x02, 0x80
HOURS, AFTERNOON = 4, 0x80


@rule("MS561", "error", "The run state is not one of QEMU's")
def run_state(subject: Subject) -> Iterator[Hit]:
    """`globalstate` has the name of the run state that the guest was in: a length that counts the NUL at its end, and
    the text. QEMU refuses a name that it does not know ("invalid parameter value: ...") and a text without end.

    References: QEMU, migration/global_state.c: global_state_post_load; qapi/run-state.json: RunState.
    """
    for device in _named(subject, "globalstate"):
        parts = {c.name: c for c in device}
        text = parts.get("runstate")
        if text is None or text.kind != "leaf":
            continue
        raw = bytes(text.raw)
        name, end, _ = raw.partition(b"\0")
        if not end:
            yield Hit.of(device, text, "the name of the run state has no end", "a NUL", "none")
        elif name.decode("ascii", "replace") not in RUN_STATES:
            yield Hit.of(
                device,
                text,
                "no run state has this name",
                "a name such as running or paused",
                repr(name.decode("ascii", "backslashreplace")),
            )
        size = parts.get("size")
        if end and size is not None and size.value != len(name) + 1:
            yield Hit.of(
                device,
                size,
                "the length of the run state's name",
                str(len(name) + 1),
                str(size.value),
                severity="warning",
            )


@rule("MS547", "warning", "The state of an isa-vga is host memory, not its registers")
def isa_vga(subject: Subject) -> Iterator[Hit]:
    """Up to QEMU 11.0 an isa-vga saves other bytes of the host's memory than its registers: pointers and zeros. So its
    state is lost; QEMU takes the stream all the same, and writes these bytes over the same place of its own.

    Where one of them, an address's bit, would be the register that switches the VBE on, QEMU goes by all the others
    and ends in an assertion or a segmentation fault. The stream also tells where the host had its memory. From 11.1
    on the device has a VMState that works, with another name: such a QEMU refuses the older one's stream.

    The same is true of an isa-cirrus-vga, in 11.1 as well; up to 8.2 QEMU ends in an assertion when it loads one.

    References: QEMU, hw/display/vga-isa.c: vga_isa_class_initfn; hw/display/vga.c: vmstate_vga_common,
    vga_common_post_load; hw/display/cirrus_vga_isa.c: isa_cirrus_vga_class_init.
    """
    for device in subject.devices:
        if is_isa_cirrus(device):
            yield Hit.of(
                device,
                device.value,
                "the state of this isa-cirrus-vga is not that of its registers",
                "registers",
                "memory of the host",
                hint="-device cirrus-vga, or VGA, on a machine with PCI",
            )
        flag = foreign_flag(device)
        if flag is None:
            continue
        enabled = vbe_enabled(device)
        ends = ", and QEMU ends in an assertion or a crash when it loads it" if enabled else ""
        yield Hit.of(
            device,
            enabled or flag,
            f"the state of this isa-vga is not that of its registers{ends}",
            "the register that switches the VBE on without its lowest bit" if enabled else "1",
            f"{(enabled or flag).value:#x}",
            hint="-device VGA, or QEMU 11.1; a guest draws its screen again when it is reset",
        )


@rule("MS562", "warning", "The clock's registers hold no time")
def clock(subject: Subject) -> Iterator[Hit]:
    """The first ten bytes of `cmos_data` are the real-time clock: seconds, minutes, hours, day of the week, day, month,
    year, in BCD or binary (bit 2 of register B). A value that no clock shows means that the byte is damaged, or that
    the guest has just set it (bit 7 of register B is then set, and this rule says nothing).

    References: QEMU, hw/rtc/mc146818rtc.c: rtc_set_cmos, rtc_get_time.
    """
    for device in _named(subject, "mc146818rtc"):
        data = next((c for c in device if c.name == "cmos_data"), None)
        if data is None or data.span.size <= REGISTER_B:
            continue
        raw = bytes(data.raw)
        if raw[REGISTER_B] & SET:
            continue
        for register, what, largest in CLOCK:
            byte = raw[register]
            if register == HOURS and not raw[REGISTER_B] & HOURS_24:
                byte &= ~AFTERNOON
            digits = not raw[REGISTER_B] & BINARY
            value = 10 * (byte >> 4) + (byte & 15) if digits else byte
            if value > largest or (digits and byte & 15 > 9):
                at = data.span.start + register
                yield Hit(
                    message=f"the clock's {what} cannot be",
                    section=device.path,
                    path=data.path,
                    span=Span(at, at + 1),
                    expected=f"at most {largest}{' in BCD' if digits else ''}",
                    found=f"{raw[register]:#04x}",
                )


@rule("MS563", "warning", "A register holds more bits than its mode has")
def upper_halves(subject: Subject) -> Iterator[Hit]:
    """While an x86 CPU has long mode not even enabled (EFER.LME is 0), its registers are 32 bits wide, and the upper
    halves of RAX to RDI and RIP are zero. A bit there means a damaged byte, or a guest that was in long mode once and
    turned it off again (a reset does not leave any).

    References: Intel SDM, volume 1, 3.4.1.1; QEMU, target/i386/machine.c: vmstate_x86_cpu.
    """
    for device in _named(subject, "cpu"):
        parts = {c.name: c for c in device}
        mode = number(device.value, "env.efer")
        if mode is None or mode & LONG_MODE_ENABLE:
            continue
        for name in ("env.regs", "env.eip"):
            value = parts.get(name)
            if value is None or value.type != "uint64":
                continue
            for one in value.elements() if value.count is not None else (value,):
                found = one.value  # of a damaged description, anything
                if isinstance(found, int) and found >> 32:
                    yield Hit.of(
                        device,
                        one,
                        "a register of a CPU without long mode is wider than 32 bits",
                        "at most 0xffffffff",
                        f"{found:#x}",
                    )


@rule("MS564", "warning", "There are not as many CPUs of one kind of section as of the other")
def cpus(subject: Subject) -> Iterator[Hit]:
    """Each vCPU has a section `cpu` with its registers, one `cpu_common` (halted, pending interrupts) on most
    architectures, and on x86 one `apic`, each under its own instance id. Where they differ, a vCPU of the destination
    is left as after a reset or does not exist.

    References: QEMU, cpu-target.c: cpu_exec_realizefn; hw/intc/apic_common.c.
    """
    count = Counter(d.name for d in subject.devices)
    for name in ("cpu_common", "apic"):
        if not count[name] or not count["cpu"] or count[name] == count["cpu"]:
            continue
        first = next(d for d in subject.devices if d.name == name)
        yield Hit(
            message=f"{count['cpu']} sections cpu and {count[name]} sections {name}",
            section=first.path,
            span=Span(first.section.span.start, first.section.payload.start),
            expected=f"{count['cpu']} sections {name}",
            found=str(count[name]),
        )


@rule("MS565", "error", "Page sizes contradict each other")
def page_size(subject: Subject) -> Iterator[Hit]:
    """The description has the target's page size, a power of two from 256 bytes to 64 KiB; some machines send it in the
    configuration too (target-page-bits). QEMU refuses other bits than its own: "Received TARGET_PAGE_BITS is ...".

    References: QEMU, migration/savevm.c: vmstate_target_page_bits, qemu_savevm_state_complete_precopy.
    """
    configuration, description = subject.configuration, subject.stream.description
    bits = configuration.page_bits if configuration is not None else None
    if subject.described and description is not None and description.page_size not in PAGE_SIZES:
        yield Hit(
            message="no target has pages of this size",
            section="description",
            path="page_size",
            span=subject.stream.description_span,
            expected=f"a power of two from {PAGE_SIZES[0]} to {PAGE_SIZES[-1]}",
            found=str(description.page_size),
        )
        return
    if bits is None or configuration is None or description is None or not subject.described:
        return
    if not description.page_size or (bits < 64 and 1 << bits == description.page_size):
        return
    part = next(s for s in configuration.subsections if s.value == bits)
    yield Hit(
        message="the configuration's page size is not the description's",
        section="configuration",
        path=part.name,
        span=part.payload,
        expected=f"{description.page_size} bytes",
        found=f"2^{bits} bytes",
    )


def _named(subject: Subject, name: str) -> Iterator[Device]:
    return (d for d in subject.devices if d.name == name and d.described)
