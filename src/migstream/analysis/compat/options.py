"""Differences named by the option that makes them: CPUs, accelerator, memory.

One option gives a machine several sections, RAM blocks and elements of arrays, so one that differs makes
several problems. They are one finding, in the place of the first, which says what to start the destination
with. Devices that only the destination has are named the same way: nothing fails, yet they stay as after a
reset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from migstream.analysis.compat.model import Option, OptionName, Problem
from migstream.machine.map.setup import Block, Setup, machine_setup, per_cpu_ids

if TYPE_CHECKING:
    from migstream.stream import Device, Stream

__all__ = ["by_option", "size_word"]

# Fields that have an element for each CPU, by the VMState of their device: those that there are, or those
# that there can be (maxcpus). Seen with other numbers of CPUs in 5.2 to 11.1.
CPU_FIELDS = {
    "ICH9LPC": "cpuhp_state.",
    "acpi-ged": "cpuhp_state.",
    "arm_gicv3": "cpu",
    "loongarch.extioi": "",
    "loongson_ipi": "cpu",
    "openpic": "dst",
    "piix4_pm": "cpuhp_state.",
    "riscv_mtimer": "timecmp",
    "riscv_sifive_plic": "",
    "spapr-xive": "endt",
}
SLOT_FIELDS = ("acpi_memory_hotplug.", "memhp_state.")
# Sections and parts of a CPU that depend on the accelerator (hw/i386/kvm/clock.c, hw/i386/vapic.c,
# hw/intc/s390_flic.c, hw/intc/s390_flic_kvm.c, hw/s390x/s390-stattrib-kvm.c).
ACCELERATED = frozenset({"kvmclock", "kvm-tpr-opt", "qemu-s390-flic", "s390-flic", "s390-stattrib"})
CLOCK = "kvmclock"
SPOKEN = {"kvm": "KVM", "tcg": "TCG", None: "an accelerator that its stream does not tell"}
UNITS = ((1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K"))
MOST_BLOCKS = 4  # backends, written out in a hint
MOST_RUNS = 8  # of ids that follow each other


class Cause(NamedTuple):
    """An option that differs, and what comes of it."""

    name: OptionName
    message: str
    hint: str
    makes: Callable[[Problem], bool]
    has: Callable[[Device], bool]


def by_option(
    problems: Sequence[Problem], absent: Sequence[Device], ours: Stream, theirs: Stream
) -> tuple[dict[int, Problem], tuple[Option, ...]]:
    """What options account for.

    Parameters
    ----------
    problems : in the order of the stream
    absent : devices of the destination that nothing is sent for

    Returns
    -------
    the finding that stands for a problem, by the problem's place in `problems`, and the options that differ
    """
    found: dict[int, Problem] = {}
    options: list[Option] = []
    for cause in _causes(ours, theirs):
        made = [n for n, one in enumerate(problems) if n not in found and cause.makes(one)]
        idle = [device for device in absent if cause.has(device)]
        if made:
            first = problems[made[0]]
            finding = msgspec.structs.replace(first, message=cause.message, hint=cause.hint)
            found |= dict.fromkeys(made, finding)
        if made or idle:
            paths = [problems[n].path or problems[n].device for n in made]
            options.append(
                Option(
                    name=cause.name,
                    message=cause.message,
                    hint=cause.hint,
                    failing=tuple(dict.fromkeys(paths)),
                    idle=tuple(device.path for device in idle),
                )
            )
    return found, tuple(options)


def _causes(ours: Stream, theirs: Stream) -> Iterator[Cause]:
    mine, other = machine_setup(ours), machine_setup(theirs)
    yield from _accelerator(mine, other)
    yield from _cpus(mine, other, ours, theirs)
    yield from _memory(mine, other)


def _tail(name: str) -> str:
    return name.rpartition("/")[2]


def _device(problem: Problem) -> str:
    """The name of the section that a problem is in, without its instance."""
    return problem.device.rpartition("[")[0]


# --- CPUs ----------------------------------------------------------------------------------------


def _cpus(mine: Setup, other: Setup, ours: Stream, theirs: Stream) -> Iterator[Cause]:
    if mine.cpus is None or other.cpus is None:
        return
    ids, there = per_cpu_ids(ours.devices), per_cpu_ids(theirs.devices)
    start = _smp(mine)
    if mine.cpus != other.cpus:
        message = f"the stream has {_count(mine.cpus)}, the destination {other.cpus}"
        hint = f"start with {start}{_topology(ids)}"
    elif ids != there and ids.keys() == there.keys():
        message = (
            f"the CPUs have other ids: {_unlike(ids, there)} in the stream,"
            f" {_unlike(there, ids)} on the destination"
        )
        hint = f"start with {start} and the source's sockets, cores and threads"
    elif mine.max_cpus != other.max_cpus and mine.max_cpus and other.max_cpus:
        message = (
            f"the stream's machine has room for {_count(mine.max_cpus)},"
            f" the destination's for {other.max_cpus}"
        )
        hint = f"start with {start}"
    else:
        return
    names = ids.keys() | there.keys()

    def makes(problem: Problem) -> bool:
        if problem.kind == "section":
            return _device(problem) in names
        beginning = CPU_FIELDS.get(_tail(_device(problem)))
        if problem.kind == "fields" and beginning is not None:
            return any(field.startswith(beginning) for field in problem.fields)
        return problem.counts_cpus

    yield Cause("cpus", message, hint, makes, lambda device: device.name in names)


def _smp(setup: Setup) -> str:
    """`-smp` as the machine had it, as far as its state tells."""
    most = setup.max_cpus
    more = f",maxcpus={most}" if most is not None and most != setup.cpus else ""
    return f"-smp {setup.cpus}{more}"


def _topology(ids: dict[str, tuple[int, ...]]) -> str:
    """What there is to add where APIC ids have gaps, which sockets and cores make."""
    apic = ids.get("apic", ())
    if not apic or apic == tuple(range(len(apic))):
        return ""
    return f" and the source's sockets, cores and threads (APIC ids {_ranges(apic)})"


def _unlike(ids: dict[str, tuple[int, ...]], other: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {_ranges(ids[name])}" for name in ids if ids[name] != other[name])


def _ranges(ids: Sequence[int]) -> str:
    """`0-2, 4-6`."""
    runs: list[list[int]] = []
    for one in ids:
        if runs and one == runs[-1][1] + 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    shown = [f"{a}-{b}" if a != b else f"{a}" for a, b in runs[:MOST_RUNS]]
    return ", ".join([*shown, *(["…"] if len(runs) > MOST_RUNS else [])])


def _count(cpus: int) -> str:
    return f"{cpus} CPU{'' if cpus == 1 else 's'}"


# --- accelerator ---------------------------------------------------------------------------------


def _accelerator(mine: Setup, other: Setup) -> Iterator[Cause]:
    if mine.accelerator == other.accelerator:
        if mine.accelerator == "kvm":
            yield Cause(
                "accelerator",
                f"the destination's CPU model is without {CLOCK}",
                f"start with -cpu …,{CLOCK}=on",
                lambda problem: problem.kind == "section" and _device(problem) == CLOCK,
                lambda device: device.name == CLOCK,
            )
        return
    message = (
        f"the stream's guest ran under {SPOKEN[mine.accelerator]},"
        f" the destination runs under {SPOKEN[other.accelerator]}"
    )
    accelerator = mine.accelerator or "…, as the source had it"

    def makes(problem: Problem) -> bool:
        if problem.kind == "section":
            return _device(problem) in ACCELERATED
        # registers of an Arm CPU, and parts of one, that the other accelerator does not have
        return problem.kind in {"registers", "subsection"} and _device(problem) == "cpu"

    yield Cause(
        "accelerator",
        message,
        f"start with -accel {accelerator}",
        makes,
        lambda device: device.name in ACCELERATED,
    )


# --- memory --------------------------------------------------------------------------------------


def _memory(mine: Setup, other: Setup) -> Iterator[Cause]:
    facts = [(setup.memory, setup.slots, setup.backends, setup.plugged) for setup in (mine, other)]
    if facts[0] == facts[1] or mine.memory is None or other.memory is None:
        return
    said, there = (_described(one, beside) for one, beside in ((mine, other), (other, mine)))
    named = {block.name for setup in (mine, other) for block in (*setup.backends, *setup.plugged)}

    def makes(problem: Problem) -> bool:
        if problem.kind == "ram":
            block = problem.path.partition("/")[2]
            return block in named or ("/" not in block and block.endswith(".ram"))
        return problem.kind == "fields" and any(
            field.startswith(SLOT_FIELDS) for field in problem.fields
        )

    yield Cause(
        "memory",
        f"the stream's machine has {said}, the destination's {there}",
        f"start with {_options(mine)}",
        makes,
        lambda _: False,
    )


def _described(setup: Setup, beside: Setup) -> str:
    """Memory of a machine; of slots and backends only what the other has otherwise."""
    parts = [f"{size_word(setup.memory or 0)} of RAM"]
    if setup.backends != beside.backends:
        names = ", ".join(f"{b.name} ({size_word(b.size)})" for b in setup.backends[:MOST_BLOCKS])
        parts.append(f"in backends of its own: {names}" if names else "in one block")
    if (setup.slots or 0) != (beside.slots or 0):
        parts.append(f"{setup.slots or 'no'} memory slot{'' if setup.slots == 1 else 's'}")
    if setup.plugged != beside.plugged:
        names = ", ".join(f"{b.name} ({size_word(b.size)})" for b in setup.plugged[:MOST_BLOCKS])
        parts.append(f"plugged in: {names}" if names else "nothing plugged in")
    return ", ".join(parts)


def _options(setup: Setup) -> str:
    """The options that give a machine that memory; `…` for what no stream tells."""
    slots = f",slots={setup.slots},maxmem=…" if setup.slots else ""
    parts = [f"-m {size_word(setup.memory or 0)}{slots}"]
    for block in setup.backends[:MOST_BLOCKS]:
        use = (
            f"-machine memory-backend={block.name}"
            if len(setup.backends) == 1
            else f"-numa node,memdev={block.name}"
        )
        parts += [_backend(block), use]
    for block in setup.plugged[:MOST_BLOCKS]:
        parts += [_backend(block), f"-device pc-dimm,memdev={block.name}"]
    more = len(setup.backends) > MOST_BLOCKS or len(setup.plugged) > MOST_BLOCKS
    return " ".join([*parts, *(["…"] if more else [])])


def _backend(block: Block) -> str:
    return f"-object memory-backend-ram,id={block.name},size={size_word(block.size)}"


def size_word(size: int) -> str:
    """Bytes as `-m` and `size=` take them."""
    return next(
        (f"{size // unit}{word}" for unit, word in UNITS if size and size % unit == 0), f"{size}B"
    )
