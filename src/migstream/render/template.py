"""Pages that load nothing: templates, and what of them a browser may run.

The Content-Security-Policy lets a browser run a page's own script and style, by their hashes, and nothing else; what is filled in
is text to the template engine, which escapes it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

from migstream.errors import Unsupported
from migstream.render.text import escape

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "own", "policy"]


def environment(package: str) -> Environment:
    """An engine for the templates that lie in a package.

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
        loader=FunctionLoader(partial(own, package)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["text"] = escape
    return made


def own(package: str, name: str) -> str:
    """A file that belongs to a package's page."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """Nothing is fetched, nothing is sent, and no other script or style is obeyed."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
