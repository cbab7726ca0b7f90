"""`check`: everything that is wrong with a stream, as findings.

What the walk and the description already say (`Stream.damage`) becomes findings under the errors' own
codes; the rules add what goes beyond.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.codes import ERRORS
from migstream.analysis.findings import Finding
from migstream.analysis.golden import Golden
from migstream.analysis.rules.registry import Subject, rules, select
from migstream.errors import NotAStream, Truncated, Unsupported
from migstream.names import brief
from migstream.stream import Stream, as_stream
from migstream.wire.model import Opaque, Section, Span

if TYPE_CHECKING:
    from migstream.source.opened import Openable

__all__ = ["Report", "check"]

WIDTHS = {"MS110": 8}  # bytes that an error of this code is about: a RAM record's word


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found; `complete` is false where the stream could not be read to its end."""

    file: str
    size: int
    findings: tuple[Finding, ...]
    complete: bool

    def __repr__(self) -> str:
        counts = Counter(finding.severity for finding in self.findings)
        said = ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for name, n in counts.items())
        end = "" if self.complete else "(not read to its end)"
        return brief("Report", f"{self.file}:", said or "nothing found", end)

    def _repr_html_(self) -> str:
        from migstream.tables import MOST_ROWS, html_table, rows

        names = ("code", "severity", "path", "message", "hint")
        found = rows(self.findings[:MOST_ROWS])
        shown = ({name: row[name] for name in names} for row in found)
        return html_table(repr(self), shown, total=len(self.findings))

    @property
    def exit_status(self) -> int:
        """0 nothing of severity error or warning, 1 something, 3 not readable to the end."""
        if not self.complete:
            return 3
        return int(any(f.severity != "note" for f in self.findings))


def check(
    stream: Stream | Openable,
    *,
    golden: Golden | None = None,
    chosen: Iterable[str] = (),
    ignored: Iterable[str] = (),
) -> Report:
    """Examine a stream.

    Parameters
    ----------
    stream : open, or anything that `migstream.open` takes
    golden : a digest to hold it against (`analysis.golden.load`)
    chosen : codes, or beginnings of codes, to look for; all if there are none
    ignored : codes, or beginnings of codes, to leave out

    Raises
    ------
    SourceError : the source cannot be read
    """
    chosen, ignored = tuple(chosen), tuple(ignored)
    with as_stream(stream, spool=golden is not None, anything=True) as opened:
        return _report(opened, golden, chosen, ignored)


def _report(
    stream: Stream, golden: Golden | None, chosen: tuple[str, ...], ignored: tuple[str, ...]
) -> Report:
    subject = Subject(stream, golden)
    found = [*_damage(subject)]
    for one in rules():
        if select(one.code, chosen, ignored):
            found += one.run(subject)
    wanted = (f for f in found if select(f.code, chosen, ignored))
    ordered = sorted(wanted, key=lambda f: (f.span is None, f.span or (0, 0)))
    return Report(
        file=stream.name,
        size=stream.size,
        findings=tuple(ordered),
        complete=_complete(subject),
    )


def _damage(subject: Subject) -> Iterator[Finding]:
    for error in subject.damage:
        path = "/".join(error.path)
        section = _section(subject, error.at, path)
        span = None
        if error.at is not None:
            stop = error.at + WIDTHS.get(error.code, 1)
            span = Span(error.at, max(error.at, min(stop, subject.stream.size)))
        yield Finding(
            code=error.code,
            severity="error",
            message=error.message,
            section=section,
            path=path if "]" in path else section,
            span=span,
            expected="" if error.expected is None else str(error.expected),
            found="" if error.found is None else str(error.found),
            why=ERRORS[error.code].title,
            hint=error.hint,
        )


def _section(subject: Subject, at: int | None, path: str) -> str:
    """What an error's place is called: the section that it names, the last of them that begins before that place."""
    if at is not None and not path:
        return subject.label_at(at)
    named = [s for s in subject.sections if path.startswith((s.path, s.name))]
    exact = [s for s in named if path.startswith(s.path)] or named
    begun = [s for s in exact if at is None or s.span.start <= at] or exact
    return begun[-1].path if begun else path.partition("/")[0]


def _complete(subject: Subject) -> bool:
    """Whether the walk came to the end without leaving bytes out."""
    gone = (NotAStream, Truncated, Unsupported)
    if any(isinstance(e, gone) for e in subject.damage):
        return False
    broken = (isinstance(i, Section) and i.how == "damage" for i in subject.items)
    return not any(isinstance(i, Opaque) for i in subject.items) and not any(broken)
