"""What `migstream mem` prints of what it finds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from migstream.cli.common import Run
from migstream.cli.printing import warn
from migstream.machine.view import View
from migstream.names import prose
from migstream.render.memory import (
    Around,
    Found,
    HitLine,
    Hits,
    Matches,
    MatchLine,
    MissedLine,
    around_parts,
    found,
    hit_line,
    matched,
    missed,
    missed_lines,
    string_form,
    string_line,
)
from migstream.source.layers import telling

if TYPE_CHECKING:
    from migstream.machine.search import Gap, Hit, Needle, Segment
    from migstream.render.answer import Printed
    from migstream.render.shown import Part
    from migstream.source.layers import Tell

__all__ = ["needles_of", "print_hits", "print_matches", "print_strings", "say_missed"]


def needles_of(
    find: tuple[str, ...], text: tuple[str, ...], regex: tuple[str, ...], ignore_case: bool
) -> list[Needle]:
    """What --find, --text and --regex ask for."""
    from migstream.machine.search import hex_needles, regex_needle, text_needles

    try:
        return [
            *(needle for one in find for needle in hex_needles(one)),
            *(needle for one in text for needle in text_needles(one, ignore_case=ignore_case)),
            *(regex_needle(one, ignore_case=ignore_case) for one in regex),
        ]
    except ValueError as error:
        raise click.UsageError(str(error)) from None


class Form(NamedTuple):
    """How hits are told: the document, the beginning of a line, one of them in either, and one for people."""

    answer: type[Hits | Matches]
    begun: type[HitLine]
    told: Callable[[Any, Around], Found]
    line: Callable[[Hit], Part]


HITS = Form(Hits, HitLine, found, hit_line)
STRINGS = Form(Hits, HitLine, found, string_line)
MATCHES = Form(Matches, MatchLine, matched, hit_line)


def print_hits(
    run: Run, view: View, needles: Sequence[Needle], start: int, stop: int, context: int
) -> None:
    """Print where needles are, with so many bytes around each; exit status 1 where there are none."""
    from migstream.machine.search import search

    _print(run, view, partial(search, needles=needles), start, stop, context, HITS)


def print_matches(
    run: Run, view: View, paths: Sequence[str], start: int, stop: int, context: int
) -> None:
    """The same of what YARA rules match."""
    from migstream.machine.yararules import compile_rules

    try:
        rules = compile_rules(paths)
    except ValueError as error:
        raise click.BadParameter(prose(str(error)), param_hint="--yara") from None
    try:
        _print(run, view, rules.search, start, stop, context, MATCHES)
    finally:
        for rule, string in sorted(rules.crowded):
            warn(f"migstream: not all matches of {rule} {string} are shown: YARA counts no more")


@contextmanager
def _searching(run: Run, view: View, start: int, stop: int) -> Iterator[tuple[list[Segment], Tell]]:
    """The memory that is looked through, and whom to tell how far it is."""
    segments = list(view.segments(start, stop))
    total = sum(segment.size for segment in segments)
    with telling(run.stream.watch, "searching", total) as tell:
        yield segments, tell


def _print(
    run: Run,
    view: View,
    find: Callable[..., Iterator[Hit]],
    start: int,
    stop: int,
    context: int,
    form: Form,
) -> None:
    gaps: list[Gap] = []
    count = 0

    def hits() -> Iterator[Hit]:
        nonlocal count
        with _searching(run, view, start, stop) as (segments, tell):
            for hit in find(segments, view.ram, missed=gaps.append, tell=tell):
                count += 1
                yield hit

    def answer() -> Hits | Matches:
        # only when all are found it is known what was missed
        listed: list[Any] = [form.told(hit, view.around(hit, context)) for hit in hits()]
        return form.answer(
            file=run.stream.name,
            space=view.space,
            block=view.block or None,
            hits=listed,
            missing=[missed(gap) for gap in gaps],
        )

    def lines() -> Iterator[Printed]:
        file, space = run.stream.name, view.space
        begun = form.begun(file=file, space=space, block=view.block or None)
        for hit in hits():
            yield begun, form.told(hit, view.around(hit, context))
        for gap in gaps:
            yield MissedLine(file=file, space=space), missed(gap)

    def parts() -> Iterator[Part]:
        for hit in hits():
            if context:
                yield from around_parts(hit, view.around(hit, context))
            else:
                yield form.line(hit)

    run.show(answer, parts(), lines())
    _end(run, view, gaps, count)


def print_strings(run: Run, view: View, minimum: int, start: int, stop: int, context: int) -> None:
    """Print all strings, where they are printed as they are a window's at once."""
    from migstream.machine.search import LINES_AT_ONCE, search, string_lines, strings_needles

    if context or not run.plain or not LINES_AT_ONCE:
        one_by_one = partial(search, needles=strings_needles(minimum))
        _print(run, view, one_by_one, start, stop, context, STRINGS)
        return
    gaps: list[Gap] = []
    count = 0
    form = string_form(colour=run.colour)
    with _searching(run, view, start, stop) as (segments, tell):
        for more, text in string_lines(
            segments, view.ram, minimum, form, missed=gaps.append, tell=tell
        ):
            count += more
            run.ready(str(text, "ascii"))
    _end(run, view, gaps, count)


def _end(run: Run, view: View, gaps: list[Gap], count: int) -> None:
    """Say what was not looked through; exit status 1 where nothing was found."""
    say_missed(view, gaps, "not looked through")
    if not count:
        run.damage(run.stream.noticed)
        sys.exit(1)


def say_missed(view: View, gaps: Iterable[Gap], what: str) -> None:
    """What of the memory that was asked for is not in the stream: a line for each block and kind."""
    sys.stdout.flush()
    for line in missed_lines(gaps, view.ram):
        warn(f"migstream: {what}: {line}")
