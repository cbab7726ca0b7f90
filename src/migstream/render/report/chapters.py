"""The chapters of the page in their order, each from what a verb says or from a view of the page's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from itertools import islice
from typing import NamedTuple

from migstream.analysis.check import Report as Checked
from migstream.analysis.check import check
from migstream.analysis.findings import Finding
from migstream.errors import MigstreamError
from migstream.machine.registers.read import registers
from migstream.names import many
from migstream.render.findings import finding_parts, summary
from migstream.render.info import Info, facts, info, info_parts
from migstream.render.items import item_parts, item_rows
from migstream.render.registers.table import cpu_parts
from migstream.render.report.bars import downtime, rounds
from migstream.render.report.blocks import Block, Facts, Found, Told
from migstream.render.report.memory import memory_map
from migstream.render.report.screen import screen
from migstream.render.report.sections import section_map
from migstream.render.report.state import State, state
from migstream.render.report.treemap import treemap
from migstream.render.shown import Part, Title
from migstream.render.stat import Stat, memory_parts, stat
from migstream.render.text import escape, percent, prose, short_size, size
from migstream.stream import Stream

__all__ = ["Chapter", "Subject", "chapters"]

ITEMS = 400  # that are listed
CPUS = 32  # whose registers are shown
OF_A_CODE, FINDINGS = 20, 200  # that are shown
CHANGES, FEW = 1500, 60  # parts of a comparison, and of one that is not folded together


class Subject:
    """A stream, and what several chapters ask about it, each once."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    @cached_property
    def info(self) -> Info:
        return info(self.stream, walked=True)

    @cached_property
    def stat(self) -> Stat:
        return stat(self.stream)

    @cached_property
    def checked(self) -> Checked:
        return check(self.stream)

    @cached_property
    def state(self) -> State:
        return state(self.stream)


class Chapter(NamedTuple):
    """A heading, the word in the table of contents, what is below it, and what is said where that is nothing."""

    id: str
    title: str
    blocks: Sequence[Block]
    nothing: str


Make = Callable[[Subject], Iterator[Block]]


def _summary(subject: Subject) -> Iterator[Block]:
    one = subject.info
    yield Facts(rows=[(name, text) for name, text in facts(one) if text])
    parts = list(info_parts(one, everything=True))
    first = next((n for n, part in enumerate(parts) if isinstance(part, Title)), len(parts))
    if parts[first:]:
        yield Told(summary="RAM blocks and devices", parts=parts[first:])


def _findings(subject: Subject) -> Iterator[Block]:
    report = subject.checked
    devices = {device.path for device in subject.stream.devices}
    count: Counter[str] = Counter()
    shown = 0
    yield Told(parts=[summary(report)])
    for finding in report.findings:
        count[finding.code] += 1
        if count[finding.code] <= OF_A_CODE and shown < FINDINGS:
            shown += 1
            yield Found(
                severity=finding.severity,
                path=_shown_at(finding) if finding.section in devices else "",
                parts=[*finding_parts(finding, report.file, verbose=True)],
            )
    if len(report.findings) > shown:
        left = many(len(report.findings) - shown, "finding")
        yield Told(parts=[f"… and {left} more: migstream check --all"])


def _shown_at(finding: Finding) -> str:
    """The path of what it is about: a value, or its first byte."""
    if finding.span is not None and finding.path in {"", finding.section}:
        return f"@{finding.span.start:#x}"
    return finding.path or finding.section


def _sections(subject: Subject) -> Iterator[Block]:
    yield from section_map(subject.stream)
    rows = list(islice(item_rows(subject.stream), ITEMS + 1))
    parts: list[Part] = [*item_parts(rows[:ITEMS])]
    if len(rows) > ITEMS:
        parts.append(f"… the first {ITEMS}: migstream ls has all")
    yield Told(summary="Every item, with its place", parts=parts)


def _devices(subject: Subject) -> Iterator[Block]:
    return treemap(subject.stat.devices)


def _memory(subject: Subject) -> Iterator[Block]:
    yield from memory_map(subject.stream)
    one = subject.stat
    if one.ram is not None:
        yield Told(
            summary="Records of each block and round",
            parts=[*memory_parts(one.ram, one.size)],
        )


def _rounds(subject: Subject) -> Iterator[Block]:
    return rounds(subject.stream)


def _downtime(subject: Subject) -> Iterator[Block]:
    one = subject.stat
    if one.downtime_bytes is not None:
        share = percent(one.downtime_bytes, one.size)
        yield Told(
            parts=[
                f"{size(one.downtime_bytes)}, {share} of the stream, while the guest stands still"
            ]
        )
        yield from downtime(subject.stream, one.downtime_bytes)


def _registers(subject: Subject) -> Iterator[Block]:
    cpus = registers(subject.stream)
    for number, cpu in enumerate(cpus[:CPUS]):
        first, *rest = cpu_parts(cpu)
        yield Told(summary=str(first), parts=rest, unfolded=not number)
    if len(cpus) > CPUS:
        yield Told(parts=[f"and {len(cpus) - CPUS} CPUs more: migstream registers"])


def _screen(subject: Subject) -> Iterator[Block]:
    return screen(subject.stream)


def _changes(older: Stream, subject: Subject) -> Iterator[Block]:
    from migstream.analysis.diff.compare import diff
    from migstream.analysis.diff.memory import page_of
    from migstream.render.diff import Look, diff_parts

    new = subject.stream
    found = diff(older, new)
    look = Look(pages=partial(page_of, older, new))
    parts = list(islice(diff_parts(found, look), CHANGES + 1))
    if len(parts) > CHANGES:
        parts[CHANGES:] = ["… and more: migstream diff"]
    named = (("from", older), ("to", new))
    yield Facts(rows=[(way, f"{escape(s.name)}, {short_size(s.size)}") for way, s in named])
    yield Told(parts=[prose(found.summary)])
    if found:
        yield Told(summary="Every change", parts=parts, unfolded=len(parts) <= FEW)


CHAPTERS: tuple[tuple[str, str, Make, str], ...] = (
    ("summary", "Summary", _summary, ""),
    ("findings", "Findings", _findings, ""),
    ("sections", "Section map", _sections, ""),
    ("treemap", "Bytes by device", _devices, "The stream has no devices."),
    ("memory", "Guest memory", _memory, "The stream has no guest memory."),
    (
        "rounds", "Dirty pages by round", _rounds,
        "Guest memory was sent once: no dirty rounds are in this stream.",
    ),
    (
        "downtime", "Downtime", _downtime,
        "No memory was sent while the guest ran: all of the stream was sent while it stood still.",
    ),
    ("registers", "Registers", _registers, "The stream has no virtual CPU."),
    ("screen", "Screen", _screen, ""),
)  # fmt: skip


def chapters(subject: Subject, older: Stream | None) -> Iterator[Chapter]:
    """All chapters but the tree of devices; with `older` also what changed since then."""
    for id_, title, make, nothing in CHAPTERS:
        yield _chapter(id_, title, make, nothing, subject)
        if older is not None and id_ == "summary":
            changes = partial(_changes, older)
            yield _chapter("changes", "What changed", changes, "", subject)


def _chapter(id_: str, title: str, make: Make, nothing: str, subject: Subject) -> Chapter:
    """What can be said; where that ends with an error, it stands there."""
    blocks: list[Block] = []
    try:
        blocks.extend(make(subject))
    except MigstreamError as error:
        hint = f": {prose(error.hint)}" if error.hint else ""
        blocks.append(Told(parts=[f"{prose(str(error))}{hint}"]))
    return Chapter(id_, title, blocks, nothing)
