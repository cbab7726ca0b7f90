"""A log with several failures in it, told apart: start-ups, ends, gaps in time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from migstream.analysis.explain.peel import Spoken
from migstream.qemu.words.recognise import recognise

__all__ = ["BEGIN", "END", "episodes"]

BEGIN = re.compile(
    r"starting up libvirt version|Starting QEMU|-incoming (?:defer|tcp:|unix:|fd:|exec:)"
)
END = re.compile(r"shutting down, reason=|terminating on signal")
FAILURE = {"cause", "context"}
GAP = timedelta(minutes=5)
ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)")


def episodes(lines: Iterable[Spoken]) -> list[list[Spoken]]:
    """The lines of each failure, in order; what is said between two belongs to the one before.

    A failure begins where a QEMU is started, where minutes went by, or where something goes wrong
    again after the end of the one before. Where nothing tells them apart there is one; so is the last one
    where nothing goes wrong behind it.
    """
    found = [one for one in _split(lines) if one]
    while len(found) > 1 and not any(_fails(line.text) for line in found[-1]):
        quiet = found.pop()
        found[-1] += quiet
    return found


def _split(lines: Iterable[Spoken]) -> Iterator[list[Spoken]]:
    now: list[Spoken] = []
    ended = failed = False
    last: datetime | None = None
    for line in lines:
        when = _time(line.when)
        late = when is not None and last is not None and abs(when - last) > GAP
        kinds = _kinds(line.text)
        again = ended and failed and bool(kinds & FAILURE)
        if now and failed and (late or again or BEGIN.search(line.text)):
            yield now
            now, ended, failed = [], False, False
        now.append(line)
        failed = failed or bool(kinds & FAILURE)
        ended = ended or "result" in kinds or bool(END.search(line.text))
        last = when or last
    yield now


def _kinds(text: str) -> set[str]:
    """What kinds of messages stand in a line, as the side that loads says them."""
    return {one.message.kind for one in recognise(text) if one.message.side == "destination"}


def _fails(text: str) -> bool:
    """Whether anything of a failure stands in a line, whoever says it."""
    return any(one.message.kind in FAILURE for one in recognise(text))


def _time(text: str) -> datetime | None:
    found = ISO.match(text)
    try:
        return None if found is None else datetime.fromisoformat(f"{found[1]} {found[2]}")
    except ValueError:
        return None
