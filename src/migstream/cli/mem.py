"""`migstream mem`."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from migstream.cli.common import Run, verb
from migstream.cli.options import all_option, block_option, raw_options
from migstream.cli.printing import warn
from migstream.machine.paging.walk import pages, translate
from migstream.machine.physical import Range
from migstream.machine.view import View
from migstream.render.mapped import (
    Mapped,
    MappedLine,
    Mappings,
    RangeLine,
    Ranges,
    Translated,
    mapped,
    mapping_line,
    range_parts,
    translated,
    translation_parts,
)
from migstream.render.memory import (
    Dump,
    Found,
    HitLine,
    Hits,
    Missed,
    MissedLine,
    around_parts,
    dump_parts,
    found,
    hit_line,
    missed,
    missed_lines,
    string_form,
    string_line,
)
from migstream.source.layers import telling

if TYPE_CHECKING:
    from migstream.machine.search import Gap, Hit, Needle
    from migstream.render.answer import Printed
    from migstream.render.shown import Part

    IntegerType = click.ParamType[int]
else:
    IntegerType = click.ParamType  # click 8.1 knows no types of types

__all__ = ["command"]

MOST_CONTEXT = 1 << 16
END = 1 << 64
MISSING = 1


class Number(IntegerType):
    """A number: decimal, 0x..., or with K, M, G behind it."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = re.fullmatch(r"(0[xX][0-9a-fA-F]+|\d+)([KMGkmg]?)", value)
        if match is None:
            self.fail(f"{value!r} is not a number of bytes, such as 64, 0x40 or 4K", param, ctx)
        return int(match[1], 0) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2].upper()]


def _address(view: View, text: str) -> int:
    try:
        return view.address(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _needles(
    find: tuple[str, ...], text: tuple[str, ...], regex: tuple[str, ...], ignore_case: bool
) -> list[Needle]:
    from migstream.machine.search import hex_needles, regex_needle, text_needles

    try:
        return [
            *(needle for one in find for needle in hex_needles(one)),
            *(needle for one in text for needle in text_needles(one, ignore_case=ignore_case)),
            *(regex_needle(one, ignore_case=ignore_case) for one in regex),
        ]
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _search(
    run: Run,
    view: View,
    needles: Sequence[Needle],
    start: int,
    stop: int,
    plain: bool,
    context: int,
) -> None:
    """Print the hits, with so many bytes around each; exit status 1 where there are none."""
    from migstream.machine.search import search

    gaps: list[Gap] = []
    count = 0

    def hits() -> Iterator[Hit]:
        nonlocal count
        segments = list(view.segments(start, stop))
        total = sum(segment.size for segment in segments)
        with telling(run.stream.watch, "searching", total) as tell:
            for hit in search(segments, view.ram, needles, missed=gaps.append, tell=tell):
                count += 1
                yield hit

    def answer() -> Hits:
        # only when all are found it is known what was missed
        listed = [found(hit, view.around(hit, context)) for hit in hits()]
        return Hits(
            file=run.stream.name,
            space=view.space,
            block=view.block or None,
            hits=listed,
            missing=[missed(gap) for gap in gaps],
        )

    def lines() -> Iterator[Printed]:
        file, space = run.stream.name, view.space
        begun = HitLine(file=file, space=space, block=view.block or None)
        for hit in hits():
            yield begun, found(hit, view.around(hit, context))
        for gap in gaps:
            yield MissedLine(file=file, space=space), missed(gap)

    def parts() -> Iterator[Part]:
        for hit in hits():
            if context:
                yield from around_parts(hit, view.around(hit, context))
            else:
                yield hit_line(hit) if plain else string_line(hit)

    run.show(answer, parts(), lines())
    _end(run, view, gaps, count)


def _strings(run: Run, view: View, minimum: int, start: int, stop: int) -> None:
    """Print all strings, a window's lines at once; as `_search` does it one by one."""
    from migstream.machine.search import string_lines

    gaps: list[Gap] = []
    count = 0
    segments = list(view.segments(start, stop))
    total = sum(segment.size for segment in segments)
    form = string_form(colour=run.colour)
    with telling(run.stream.watch, "searching", total) as tell:
        for more, text in string_lines(
            segments, view.ram, minimum, form, missed=gaps.append, tell=tell
        ):
            count += more
            run.ready(str(text, "ascii"))
    _end(run, view, gaps, count)


def _end(run: Run, view: View, gaps: list[Gap], count: int) -> None:
    """Say what was not looked through; exit status 1 where nothing was found."""
    _say_missed(view, gaps, "not looked through")
    if not count:
        run.damage(run.stream.noticed)
        sys.exit(1)


def _say_missed(view: View, gaps: Iterable[Gap], what: str) -> None:
    """What of the memory that was asked for is not in the stream: a line for each block and kind."""
    sys.stdout.flush()
    for line in missed_lines(gaps, view.ram):
        warn(f"migstream: {what}: {line}")


def _dump(run: Run, view: View, start: int, size: int, *, raw: bool, everything: bool) -> None:
    """Print bytes; exit status 1 where some of them are not in the stream."""
    from migstream.machine import search

    # memory that is known to be elsewhere is no gap: reading it says where it is
    gaps = [
        gap
        for gap in search.gaps(view.places(start, size), view.ram)
        if view.ram[gap.block].elsewhere is None
    ]

    def answer() -> Dump:
        data = b"".join(data for _, data in view.read(start, size))
        return Dump(
            file=run.stream.name,
            space=view.space,
            block=view.block or None,
            address=start,
            size=len(data),
            hex=data.hex(),
            missing=[missed(gap) for gap in gaps],
        )

    if raw:
        for _, data in view.read(start, size):
            run.write(data)
    else:
        parts = dump_parts(view.read, start, size, gaps, everything=everything or run.verbose)
        run.show(answer, parts, (make() for make in [answer]))
    if gaps:
        _say_missed(view, gaps, "zeros in their place" if raw else "not shown")
        run.damage(run.stream.noticed)
        sys.exit(MISSING)


def _translate(run: Run, view: View, address: int) -> None:
    cpu = view.cpu
    one = translated(run.stream.name, cpu.index, translate(cpu, view.tables, address))
    run.show(lambda: one, translation_parts(one), [one])


def _pages(run: Run, view: View) -> None:
    cpu = view.cpu
    runs = pages(cpu, view.tables)
    file = run.stream.name
    run.show(
        lambda: Mappings(file=file, cpu=cpu.index, mappings=[*map(mapped, runs)]),
        map(mapping_line, runs),
        ((MappedLine(file=file, cpu=cpu.index), mapped(one)) for one in runs),
    )


def _ranges(run: Run, view: View) -> None:
    one = Ranges(file=run.stream.name, ranges=view.memory.ranges)
    begun = RangeLine(file=one.file)
    run.show(lambda: one, range_parts(one), ((begun, found) for found in one.ranges))


@verb(
    click.Argument(["address"], required=False),
    click.Option(["-n", "--length"], type=Number(), help="Bytes; 256 without it."),
    click.Option(
        ["--virt/--phys"], help="Addresses are virtual ones, or guest-physical (default)."
    ),
    click.Option(
        ["--cpu"],
        type=int,
        default=0,
        metavar="N",
        help="The CPU whose virtual addresses these are; 0.",
    ),
    block_option("Addresses are offsets in this RAM block."),
    *raw_options(),
    all_option("Every line of a dump, also one like the one before."),
    click.Option(["--translate"], metavar="ADDRESS", help="Walk the page tables for this one."),
    click.Option(["--pages"], is_flag=True, help="List what a CPU's page tables map."),
    click.Option(
        ["--find"], multiple=True, metavar="HEX", help="Find bytes: 'de ad ?? ef', ?? is any."
    ),
    click.Option(
        ["--text"], multiple=True, metavar="WORD", help="Find text, as UTF-8 and UTF-16LE."
    ),
    click.Option(["--regex"], multiple=True, metavar="RE", help="Find a regular expression."),
    click.Option(["-i", "--ignore-case"], is_flag=True, help="Upper and lower case are the same."),
    click.Option(
        ["-C", "--context"],
        type=click.IntRange(0, MOST_CONTEXT),
        default=0,
        metavar="N",
        help="Bytes around what is found, on either side.",
    ),
    click.Option(["--strings"], is_flag=True, help="Print strings, as strings(1) does."),
    click.Option(
        ["--min", "minimum"],
        type=click.IntRange(1, 1024),
        default=4,
        metavar="N",
        help="Characters of the shortest string; 4.",
    ),
    memory=True,
    answers=(Ranges, Dump, Hits, Translated, Mappings),
    lines=(
        (RangeLine, Range),
        Dump,
        (HitLine, Found),
        (MissedLine, Missed),
        Translated,
        (MappedLine, Mapped),
    ),
)
def command(
    run: Run,
    address: str | None,
    length: int | None,
    virt: bool,
    cpu: int,
    block: str | None,
    raw: bool,
    everything: bool,
    translate: str | None,
    pages: bool,
    find: tuple[str, ...],
    text: tuple[str, ...],
    regex: tuple[str, ...],
    ignore_case: bool,
    context: int,
    strings: bool,
    minimum: int,
) -> None:
    """Guest memory: a hexdump from ADDRESS on, or what is found between it and ADDRESS + length.

    ADDRESS is a number or a register: 0x7c00, $rip, $rsp-64. Without it, and with nothing to find:
    the ranges of guest-physical memory, and what each is known from.

    Memory that is not in the stream is never shown as zeros, nor looked through: it is said.

    Exit status: 0 shown, found; 1 nothing found, some of what was to be shown is not in the stream.
    """
    if virt and block is not None:
        raise click.UsageError("--virt and --block are two ways to mean an address")
    wanted = [bool(find or text or regex), strings, translate is not None, pages]
    if sum(wanted) > 1:
        raise click.UsageError(
            "one at a time: --find, --text, --regex; --strings; --translate; --pages"
        )
    if raw and any(wanted):
        raise click.UsageError("--raw is for a dump")
    if address is not None and (pages or translate is not None):
        raise click.UsageError("--translate and --pages take no ADDRESS beside them")
    if context and not (wanted[0] or strings):
        raise click.UsageError("--context is for what is found: --find, --text, --regex, --strings")
    view = View(run.stream, cpu=cpu, virt=virt, block=block)
    start = _address(view, address) if address is not None else 0
    with contextlib.ExitStack() as stack:
        stack.callback(_say_tables, view)
        if translate is not None:
            _translate(run, view, _address(view, translate))
        elif pages:
            _pages(run, view)
        elif strings:
            from migstream.machine.search import LINES_AT_ONCE, strings_needles

            stop = END if length is None else start + length
            if LINES_AT_ONCE and run.plain and not context:
                _strings(run, view, minimum, start, stop)
            else:
                found = strings_needles(minimum)
                _search(run, view, found, start, stop, plain=False, context=context)
        elif wanted[0]:
            needles = _needles(find, text, regex, ignore_case)
            stop = END if length is None else start + length
            _search(run, view, needles, start, stop, plain=True, context=context)
        elif address is None and block is None and not virt:
            _ranges(run, view)
        elif address is None and virt:
            raise click.UsageError("--virt needs an ADDRESS, or --pages, or something to find")
        else:
            size = view.some(start) if length is None else length
            _dump(run, view, start, size, raw=raw, everything=everything)


def _say_tables(view: View) -> None:
    """That page tables are not in the stream: nothing seems to be mapped where they would say more."""
    if view.noting.missed:
        _say_missed(view, view.noting.missed, "page tables")
