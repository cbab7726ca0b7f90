"""The page of a code, and the list of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from migstream.analysis.codes import Page
from migstream.render.answer import Answer
from migstream.render.shown import Paragraph, Part, head

__all__ = ["CodePage", "Codes", "code_page", "code_parts", "codes", "page_parts"]


class CodePage(Answer, tag="explain", frozen=True, kw_only=True):
    """A rule or an error: `severity` is that of its findings, `text` may have several paragraphs."""

    code: str
    title: str
    severity: str
    text: str


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list."""

    code: str
    severity: str
    title: str


class Codes(Answer, tag="explain", frozen=True, kw_only=True):
    """Every code of errors and rules."""

    codes: list[Code]


def code_page(one: Page) -> CodePage:
    """The page as a document."""
    return CodePage(code=one.code, title=one.title, severity=one.severity, text=one.text)


def codes(pages: Iterable[Page]) -> Codes:
    """The list."""
    return Codes(codes=[Code(code=p.code, severity=p.severity, title=p.title) for p in pages])


def page_parts(one: CodePage) -> Iterator[Part]:
    """The page as text."""
    yield head(f"{one.code}  {one.title}  ({one.severity})")
    yield ""
    for number, paragraph in enumerate(one.text.split("\n\n")):
        if number:
            yield ""
        yield Paragraph(paragraph)


def code_parts(one: Codes) -> Iterator[Part]:
    """A line for each."""
    return (f"{code.code}  {code.severity:<7}  {code.title}" for code in one.codes)
