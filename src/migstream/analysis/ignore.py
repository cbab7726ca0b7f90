"""What a comparison may leave out: named sets of values that move by themselves, and path globs.

A glob names values as docs/paths.md does: `*` within one name, `**` over any depth, `[*]` every
element, `[3]` and `[0..9]` some of them. An instance id may be left out. What is below a named
value is left out with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

__all__ = ["SETS", "Ignore", "Rule"]


class Rule(msgspec.Struct, frozen=True):
    """Values by a glob over their paths, by their wire type where `type` is given; `why` says what."""

    glob: str = "**"
    type: str = ""
    why: str = ""


SETS: dict[str, tuple[Rule, ...]] = {
    "clocks": (
        Rule("timer/cpu_*_offset", why="softmmu/cpu-timers.c: vmstate_timers"),
        Rule("timer/**/qemu_icount*", why="softmmu/cpu-timers.c: icount_vmstate_timers"),
        Rule("kvmclock/clock*", why="hw/i386/kvm/clock.c"),
        Rule("cpu/env.tsc", why="target/i386/machine.c: vmstate_x86_cpu"),
        Rule("**/mc146818rtc/cmos_data[0..10]", why="hw/rtc/mc146818rtc.c: time of day, status A"),
        Rule("**/mc146818rtc/cmos_data[12]", why="hw/rtc/mc146818rtc.c: what the time set off"),
        Rule("**/mc146818rtc/cmos_data[50]", why="hw/rtc/mc146818rtc.c: century"),
        Rule("**/mc146818rtc/base_rtc", why="hw/rtc/mc146818rtc.c: vmstate_rtc"),
        Rule("**/mc146818rtc/last_update", why="hw/rtc/mc146818rtc.c: vmstate_rtc"),
        Rule("**/mc146818rtc/offset", why="hw/rtc/mc146818rtc.c: vmstate_rtc"),
        Rule("**/tick_offset*", why="hw/rtc/pl031.c, hw/rtc/goldfish_rtc.c"),
        Rule("**/hpet/hpet_counter", why="hw/timer/hpet.c: vmstate_hpet"),
        Rule("**/hpet/**/hpet_offset", why="hw/timer/hpet.c: vmstate_hpet_offset"),
        Rule("**/guest_timebase", why="hw/ppc/ppc.c: vmstate_ppc_timebase"),
        Rule("**/time_of_the_day_ns", why="hw/ppc/ppc.c: vmstate_ppc_timebase"),
        Rule("spapr/rtc/ns_offset", why="hw/ppc/spapr_rtc.c: vmstate_spapr_rtc"),
        Rule("**/rtl8139/TCTR", why="hw/net/rtl8139.c: vmstate_rtl8139; its own clock"),
        Rule("**/env.tod_*", why="target/s390x: time of day"),
    ),
    "timers": (
        Rule(type="timer", why="savevm.c: timer_put; expiry of every QEMUTimer"),
        Rule("**/next_event", why="hw/core/ptimer.c: vmstate_ptimer"),
        Rule("**/last_event", why="hw/core/ptimer.c: vmstate_ptimer"),
        Rule("**next_transition_time", why="hw/timer/i8254_common.c: vmstate_pit_common"),
        Rule("**/channels[*]/count_load_time", why="hw/timer/i8254_common.c: vmstate_pit_common"),
        Rule("**/initial_count_load_time", why="hw/intc/apic_common.c: vmstate_apic_common"),
        Rule("**/next_time", why="hw/intc/apic_common.c: vmstate_apic_common"),
        Rule("**/timer_expiry", why="hw/intc/apic_common.c: vmstate_apic_common"),
        Rule("**/mc146818rtc/next_periodic_time", why="hw/rtc/mc146818rtc.c: vmstate_rtc"),
        Rule("**/mc146818rtc/next_alarm_time", why="hw/rtc/mc146818rtc.c: vmstate_rtc"),
        Rule("**/overflow_time", why="hw/acpi: ACPI PM timer"),
        Rule("cpu/env.spr[22]", why="target/ppc: the decrementer"),
        Rule("**/last_run_ns", why="hw/usb/hcd-ehci.c: vmstate_ehci"),
        Rule("cpu/**/env.tsc_deadline", why="target/i386/machine.c: vmstate_msr_tscdeadline"),
    ),
    "counters": (
        Rule("**/irq_count", why="hw/timer/i8254_common.c, hw/i386: level counts of interrupts"),
        Rule("**/irq_reinject_on_ack_count", why="hw/rtc/mc146818rtc.c"),
        Rule("**/irq_coalesced", why="hw/rtc/mc146818rtc.c: lost ticks"),
        Rule("**/frame_number", why="hw/usb/hcd-uhci.c, hw/usb/hcd-ohci.c: frames since the start"),
        Rule("**/frnum", why="hw/usb/hcd-uhci.c: vmstate_uhci"),
        Rule("**/frindex", why="hw/usb/hcd-ehci.c: vmstate_ehci"),
        Rule("**/last_avail_idx", why="hw/virtio/virtio.c: requests taken from a queue"),
        Rule("**/used_idx", why="hw/virtio/virtio.c: requests answered"),
        Rule("cpu/**/env.msr_smi_count", why="target/i386/machine.c: vmstate_msr_smi_count"),
        Rule("cpu/**/env.msr_fixed_counters", why="target/i386/machine.c: PMU"),
        Rule("cpu/**/env.msr_gp_counters", why="target/i386/machine.c: PMU"),
        Rule("**/c15_ccnt*", why="target/arm: cycle counter"),
    ),
}

_SIGN = re.compile(r"\*\*/|\*\*|\*|\[\*\]|\[\d+(?:\.\.\d+)?\]|/|.", re.DOTALL)
_LAST = re.compile(r"\[(\d+)(?:\.\.(\d+))?\]$")
_MOST_INDEXES = 4096


def _piece(sign: str, any_name: str) -> str:
    """A sign of a glob as a regular expression; `any_name` is what `*` stands for here."""
    if sign == "**/":
        return "(?:.*/)?"
    if sign == "**":
        return ".*"
    if sign == "*":
        return any_name
    if sign == "[*]":
        return r"\[\d+\]"
    if sign == "/":
        return r"(?:\[\d+\])?/"
    if match := _LAST.fullmatch(sign):
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + _MOST_INDEXES:
            raise ValueError(f"{sign} is not a range of at most {_MOST_INDEXES} indexes")
        return rf"\[(?:{'|'.join(map(str, range(first, last + 1)))})\]"
    return re.escape(sign)


def _regex(glob: str) -> str:
    """A glob as a regular expression. Names of devices hold slashes (`0000:00:03.0/virtio-net`)."""
    signs = _SIGN.findall(glob)
    device = signs.index("/") if "/" in signs else len(signs)
    return "".join(
        _piece(sign, "[^/]*" if at > device else r"[^\[]*") for at, sign in enumerate(signs)
    )


class Ignore:
    """Names of sets, and globs, ready to be asked.

    Raises ValueError for a malformed index range in a glob.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = tuple(dict.fromkeys(names))
        rules = [r for name in self.names for r in SETS.get(name, (Rule(name),))]
        self._types = {r.type for r in rules if r.type}
        globs = [r.glob for r in rules if not r.type]
        whole = "|".join(f"(?:{_regex(glob)})" for glob in globs)
        self._whole = re.compile(rf"(?:{whole})(?=$|/|\[)", re.DOTALL) if whole else None
        self._some = [
            (re.compile(_regex(glob[: m.start()]), re.DOTALL), int(m[1]), int(m[2] or m[1]) + 1)
            for glob in globs
            if (m := _LAST.search(glob))
        ]

    def covers(self, path: str, kind: str = "") -> bool:
        """Whether the value at `path`, of wire type `kind`, is left out as a whole."""
        return kind in self._types or (self._whole is not None and bool(self._whole.match(path)))

    def indexes(self, path: str) -> Sequence[tuple[int, int]]:
        """Elements [start, stop) of the array or buffer at `path` that are left out."""
        return [(start, stop) for base, start, stop in self._some if base.fullmatch(path)]
