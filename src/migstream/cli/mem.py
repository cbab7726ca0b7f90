"""`migstream mem`."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from migstream.cli.common import Run, verb
from migstream.cli.options import all_option, block_option, raw_options
from migstream.cli.searching import (
    needles_of,
    print_hits,
    print_matches,
    print_strings,
    say_missed,
)
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
    Matched,
    Matches,
    MatchLine,
    Missed,
    MissedLine,
    dump_parts,
    missed,
)

if TYPE_CHECKING:
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
        say_missed(view, gaps, "zeros in their place" if raw else "not shown")
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
    click.Option(
        ["--yara"],
        multiple=True,
        type=click.Path(exists=True, dir_okay=False),
        metavar="RULES",
        help="Find what the YARA rules in a file match.",
    ),
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
    answers=(Ranges, Dump, Hits, Matches, Translated, Mappings),
    lines=(
        (RangeLine, Range),
        Dump,
        (HitLine, Found),
        (MatchLine, Matched),
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
    yara: tuple[str, ...],
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
    wanted = [bool(find or text or regex), bool(yara), strings, translate is not None, pages]
    if sum(wanted) > 1:
        raise click.UsageError(
            "one at a time: --find, --text, --regex; --yara; --strings; --translate; --pages"
        )
    if raw and any(wanted):
        raise click.UsageError("--raw is for a dump")
    if address is not None and (pages or translate is not None):
        raise click.UsageError("--translate and --pages take no ADDRESS beside them")
    if context and not any(wanted[:3]):
        raise click.UsageError(
            "--context is for what is found: --find, --text, --regex, --yara, --strings"
        )
    view = View(run.stream, cpu=cpu, virt=virt, block=block)
    start = _address(view, address) if address is not None else 0
    with contextlib.ExitStack() as stack:
        stack.callback(_say_tables, view)
        if translate is not None:
            _translate(run, view, _address(view, translate))
        elif pages:
            _pages(run, view)
        elif any(wanted[:3]):
            stop = END if length is None else start + length
            if strings:
                print_strings(run, view, minimum, start, stop, context)
            elif yara:
                print_matches(run, view, yara, start, stop, context)
            else:
                needles = needles_of(find, text, regex, ignore_case)
                print_hits(run, view, needles, start, stop, context)
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
        say_missed(view, view.noting.missed, "page tables")
