"""How pages are made of templates: nothing in them is obeyed by a browser but what belongs to them.

The Content-Security-Policy lets a browser run this script and this style, by their hashes, and
nothing else; what comes from a stream is text to the template engine, which escapes it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote

from migstream.errors import Unsupported
from migstream.render.html import elements
from migstream.render.shown import Part
from migstream.render.text import escape

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["SCRIPT", "STYLE", "environment", "own", "policy"]

STYLE, SCRIPT = "page.css", "page.js"
LEVEL = 3  # of headings inside of a chapter


def environment() -> Environment:
    """The template engine, which escapes what is text.

    Raises
    ------
    Unsupported : Jinja2 is not installed
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError:
        raise Unsupported(
            "the page is made by Jinja2, which is not installed",
            hint="pip install 'migstream[report]'",
        ) from None
    made = Environment(
        autoescape=True,
        loader=FunctionLoader(own),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["elements"] = _elements
    made.filters["place"] = _place
    made.filters["text"] = escape
    return made


def own(name: str) -> str:
    """A file that belongs to the page."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _elements(parts: Sequence[Part]) -> Markup:
    """Parts as elements of the page; `render.html` has escaped what is in them."""
    from markupsafe import Markup

    return Markup("".join(elements(parts, level=LEVEL)))  # noqa: S704


def _place(path: str) -> str:
    """The address inside of the page at which a value is shown."""
    return f"#at={quote(escape(path))}"


def policy(style: str, script: str) -> str:
    """Nothing is fetched, nothing is sent, and no other script or style is obeyed."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
