"""Lines that mail or a terminal broke, put together again where the words of a message need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from migstream.qemu.words.recognise import Said, mentions, recognise

if TYPE_CHECKING:
    from migstream.analysis.explain.peel import Spoken

__all__ = ["rejoin"]

MOST_ENDS = 2  # lines that a message without its middle may have behind it
MOST_JOINED = 1 << 12  # characters: more is no line that somebody broke


def rejoin(lines: Sequence[Spoken]) -> Iterator[Spoken]:
    """The lines, each with those behind it that are its end.

    An end has nothing around it, and with it there is a message that neither has alone. One that only becomes
    longer does not count: texts of others go on to the end of a line.
    """
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        while (whole := _whole(line, lines, at)) is not None:
            line, at = whole
        yield line


def _whole(first: Spoken, lines: Sequence[Spoken], at: int) -> tuple[Spoken, int] | None:
    """A line with those from `at` on that are its end, and where the next one is; None where none are."""
    end = ""
    for stop in range(at + 1, min(at + MOST_ENDS, len(lines)) + 1):
        last, before = lines[stop - 1], lines[stop - 2]
        if not last.bare or last.number != before.number + 1:
            break
        end += ("" if not end or before.full else " ") + last.text
        if len(first.text) + len(end) > MOST_JOINED:
            break
        for between in ("", " ") if first.full else (" ",):
            text = f"{first.text}{between}{end}"
            if _new(first.text, end, text, broken=not between):
                return msgspec.structs.replace(first, text=text, full=last.full), stop
    return None


def _new(first: str, end: str, whole: str, *, broken: bool) -> bool:
    """Whether there is a message in the whole that is in neither part, and none of the first's is lost.

    In a line that is `broken` in mid-word a message may be there before, with half of a value.
    """
    if not mentions(whole):
        return False
    alone, said = recognise(first), recognise(whole)
    known = [*alone, *recognise(end)]
    if broken:
        texts = {one.text for one in known}
        new = [one for one in said if one.text not in texts]
    else:
        wordings = {one.wording for one in known}
        new = [one for one in said if one.wording not in wordings and not _longer(one, alone)]
    return bool(new) and all(any(old.text in one.text for one in said) for old in alone)


def _longer(one: Said, alone: list[Said]) -> bool:
    """Whether it is one that was there before, whose end is any text."""
    return one.wording.text.endswith(":s}") and any(one.text.startswith(a.text) for a in alone)
