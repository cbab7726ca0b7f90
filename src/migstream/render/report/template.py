"""What the templates of reports know besides: parts of a result, and places of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from migstream.render.html import elements
from migstream.render.shown import Part
from migstream.render.template import environment
from migstream.render.text import escape

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["page_environment"]

LEVEL = 3  # of headings inside of a chapter


def page_environment() -> Environment:
    """The engine for templates of this package, which know parts and places.

    Raises
    ------
    Unsupported : Jinja2 is not installed
    """
    made = environment(__package__)
    made.filters["elements"] = _elements
    made.filters["place"] = _place
    return made


def _elements(parts: Sequence[Part]) -> Markup:
    """Parts as elements of the page; `render.html` has escaped what is in them."""
    from markupsafe import Markup

    return Markup("".join(elements(parts, level=LEVEL)))  # noqa: S704


def _place(path: str) -> str:
    """The address inside of the page at which a value is shown."""
    return f"#at={quote(escape(path))}"
