"""The chapters as one page that loads nothing: style, script and data stand in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from migstream._version import __version__
from migstream.analysis.findings import SEVERITIES
from migstream.names import many
from migstream.render.report.chapters import Subject, chapters
from migstream.render.report.template import page_environment
from migstream.render.template import own, policy
from migstream.render.text import escape, short_size

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = ["Page", "page"]

TEMPLATE, STYLE, SCRIPT = "page.html.jinja", "page.css", "page.js"


class Page(NamedTuple):
    """The document, and what had no room in it."""

    data: bytes
    left_out: list[str]


def page(stream: Stream, *, older: Stream | None = None) -> Page:
    """The page about a stream; with `older` also what changed since that one.

    Raises
    ------
    Unsupported : Jinja2 is not installed
    """
    made = page_environment()
    style, script = own(__package__, STYLE), own(__package__, SCRIPT)
    subject = Subject(stream)
    state = subject.state
    text = made.get_template(TEMPLATE).render(
        name=escape(stream.name.rpartition("/")[2] or stream.name),
        chapters=[*chapters(subject, older)],
        tiles=_tiles(subject),
        state=state,
        style=style,
        script=script,
        policy=policy(style, script),
        version=__version__,
    )
    return Page(text.encode(), state.left_out)


def _tiles(subject: Subject) -> list[tuple[str, str, str]]:
    """What is seen first: a name, a figure, and the chapter that says more."""
    one, report = subject.info, subject.checked
    found = Counter(finding.severity for finding in report.findings)
    worst = next((many(found[s], s) for s in SEVERITIES if found[s]), "nothing found")
    ram = one.ram
    return [
        ("stream", short_size(one.size), "#sections"),
        ("guest memory", short_size(ram.total) if ram else "none", "#memory"),
        ("devices", f"{one.device_count}", "#state"),
        ("walks through RAM", str(subject.stream.ram.round_count), "#rounds"),
        ("check", worst, "#findings"),
    ]
