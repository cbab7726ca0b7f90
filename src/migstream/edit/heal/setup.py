"""CPUs, memory and accelerator as the stream's machine had them, on a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING

from migstream.analysis.compat.options import size_word
from migstream.edit.heal.commandline import CommandLine, Step
from migstream.edit.heal.model import Change
from migstream.machine.map.setup import Block, Setup, machine_setup

if TYPE_CHECKING:
    from migstream.analysis.compat.model import Problem, Report
    from migstream.stream import Stream

__all__ = ["setup_changes"]

ROOM = 2  # how much more memory than it has a machine with slots gets room for
DIMMS = frozenset({"pc-dimm", "nvdimm"})
PARTS = ("sockets", "dies", "clusters", "modules", "cores", "threads")

Make = Callable[[Setup, CommandLine, "count[int]"], Iterator[tuple[Change, ...]]]


def setup_changes(
    stream: Stream, report: Report, problem: Problem, line: CommandLine, numbers: count[int]
) -> Iterator[tuple[Change, ...]]:
    """Answers by the options that `compat` found to differ, the one that accounts for the problem first."""
    setup = machine_setup(stream)
    for option in sorted(report.options, key=lambda one: one.message != problem.message):
        yield from MAKERS[option.name](setup, line, numbers)


def _cpus(setup: Setup, line: CommandLine, numbers: count[int]) -> Iterator[tuple[Change, ...]]:
    cpus, room = setup.cpus or 1, setup.max_cpus or setup.cpus or 1
    text = f"{cpus},maxcpus={room}" if room != cpus else str(cpus)
    entries = line.named("smp")
    steps = _gone(line, "smp")
    if entries and (cpus, room) == (1, 1):
        yield (Change(what="leave out -smp: the stream has 1 CPU", steps=tuple(steps)),)
        return
    for shape in _shapes(room) if entries and any(entries[-1].get(p) for p in PARTS) else ("",):
        steps = _only(line, numbers, "-smp", text + shape)
        yield (Change(what=f"start with -smp {text}{shape}", steps=tuple(steps)),)


def _shapes(room: int) -> Iterator[str]:
    """Sockets, or cores, for that many CPUs."""
    yield f",sockets={room},cores=1,threads=1"
    yield f",sockets=1,cores={room},threads=1"


def _accelerator(
    setup: Setup, line: CommandLine, numbers: count[int]
) -> Iterator[tuple[Change, ...]]:
    wanted = setup.accelerator
    if wanted is None:
        return
    steps = [*_gone(line, "enable-kvm", "accel"), *_unset(line, "accel")]
    steps.append(Step("add", next(numbers), "-accel", wanted))
    yield (Change(what=f"start with -accel {wanted}", steps=tuple(steps)),)
    if wanted == "kvm":
        for model in ("host", "max"):
            add = Step("add", next(numbers), "-cpu", f"{model},kvmclock=on")
            yield (
                Change(
                    what=f"start with -accel kvm -cpu {model},kvmclock=on",
                    steps=(*steps, *_gone(line, "cpu"), add),
                    cost=1.5,
                ),
            )


def _memory(setup: Setup, line: CommandLine, numbers: count[int]) -> Iterator[tuple[Change, ...]]:
    size = setup.memory or 0
    words = size_word(size)
    if setup.slots:
        whole = size + sum(block.size for block in setup.plugged)
        words += f",slots={setup.slots},maxmem={size_word(_room(line) or whole * ROOM)}"
    steps = _only(line, numbers, "-m", words)
    said = [f"-m {words}"]
    steps += [
        *(s for s in _gone(line, "object") if _head(line, s).startswith("memory-backend-")),
        *_gone(line, "numa"),
        *_unset(line, "memory-backend"),
        *(s for s in _gone(line, "device") if _head(line, s) in DIMMS),
    ]
    for flag, value in _blocks(setup):
        steps.append(Step("add", next(numbers), flag, value))
        said.append(f"{flag} {value}")
    yield (Change(what=f"start with {' '.join(said)}", steps=tuple(steps)),)


def _only(line: CommandLine, numbers: count[int], flag: str, value: str) -> list[Step]:
    """An option with that value, in the place of the last one of its name; without any other."""
    *others, number = [entry.number for entry in line.named(flag[1:])] or [next(numbers)]
    return [*(Step("remove", one) for one in others), Step("add", number, flag, value)]


def _gone(line: CommandLine, *names: str) -> list[Step]:
    """Without the options of these names."""
    return [Step("remove", entry.number) for entry in line.named(*names)]


def _unset(line: CommandLine, key: str) -> list[Step]:
    """Without a property of the machine."""
    entries = line.named("M", "machine")
    return [Step("unset", entry.number, key) for entry in entries if entry.get(key) is not None]


def _head(line: CommandLine, step: Step) -> str:
    return next(entry.head for entry in line.entries if entry.number == step.number)


def _room(line: CommandLine) -> int | None:
    from migstream.catalogue.arguments import size_of

    entries = line.named("m")
    text = entries[-1].get("maxmem") if entries else None
    return None if text is None else size_of(text)


def _blocks(setup: Setup) -> Iterator[tuple[str, str]]:
    for block in setup.backends:
        yield _backend(block)
    if len(setup.backends) == 1:
        yield "-machine", f"memory-backend={setup.backends[0].name}"
    else:
        yield from (("-numa", f"node,memdev={block.name}") for block in setup.backends)
    for block in setup.plugged:
        yield _backend(block)
        yield "-device", f"pc-dimm,memdev={block.name}"


def _backend(block: Block) -> tuple[str, str]:
    return "-object", f"memory-backend-ram,id={block.name},size={size_word(block.size)}"


MAKERS: dict[str, Make] = {"cpus": _cpus, "accelerator": _accelerator, "memory": _memory}
