"""Pages by code, what `migstream explain MS103` prints: the docstrings of the errors' classes and of the rules."""

from __future__ import annotations

import inspect

import msgspec

from migstream import errors
from migstream.analysis.rules.registry import rules

__all__ = ["ERRORS", "Page", "page", "pages"]


class Page(msgspec.Struct, frozen=True):
    """A code's title and text; `severity` is that of its findings."""

    code: str
    title: str
    text: str
    severity: str = "error"


def _page(kind: type[errors.MigstreamError]) -> Page:
    """The page of an error: its title is the first line, without the full stop."""
    title, _, text = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")
    return Page(kind.code, title.removesuffix("."), text)


# Of two classes with one code the later one is meant, which is a kind of the other.
ERRORS = {
    kind.code: _page(kind)
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.MigstreamError)
}


def pages() -> list[Page]:
    """The pages of all errors and rules, by code."""
    return [*ERRORS.values(), *(Page(r.code, r.title, r.page, r.severity) for r in rules())]


def page(code: str) -> Page | None:
    """The page of a rule's or an error's code; None where there is none."""
    return next((one for one in pages() if one.code == code.upper()), None)
