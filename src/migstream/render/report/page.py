"""The chapters as one page that loads nothing: style, script and data stand in it.

The Content-Security-Policy lets a browser run this script and this style, by their hashes, and
nothing else; what comes from the stream is text to the template engine, which escapes it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from migstream._version import __version__
from migstream.analysis.findings import SEVERITIES
from migstream.errors import Unsupported
from migstream.names import many
from migstream.render.html import elements
from migstream.render.report.chapters import Subject, chapters
from migstream.render.shown import Part
from migstream.render.text import escape, short_size

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from migstream.stream import Stream

__all__ = ["Page", "page"]

TEMPLATE, STYLE, SCRIPT = "page.html.jinja", "page.css", "page.js"
LEVEL = 3  # of headings inside of a chapter


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
    environment = _environment()
    style, script = _own(STYLE), _own(SCRIPT)
    subject = Subject(stream)
    state = subject.state
    text = environment.get_template(TEMPLATE).render(
        name=escape(stream.name.rpartition("/")[2] or stream.name),
        chapters=[*chapters(subject, older)],
        tiles=_tiles(subject),
        state=state,
        style=style,
        script=script,
        policy=_policy(style, script),
        version=__version__,
    )
    return Page(text.encode(), state.left_out)


def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError:
        raise Unsupported(
            "the page is made by Jinja2, which is not installed",
            hint="pip install 'migstream[report]'",
        ) from None
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_own),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["elements"] = _elements
    environment.filters["place"] = _place
    environment.filters["text"] = escape
    return environment


def _own(name: str) -> str:
    """A file that belongs to the page."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _elements(parts: Sequence[Part]) -> Markup:
    """Parts as elements of the page; `render.html` has escaped what is in them."""
    from markupsafe import Markup

    return Markup("".join(elements(parts, level=LEVEL)))  # noqa: S704


def _place(path: str) -> str:
    """The address inside of the page at which a value is shown."""
    return f"#at={quote(escape(path))}"


def _policy(style: str, script: str) -> str:
    """Nothing is fetched, nothing is sent, and no other script or style is obeyed."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


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
