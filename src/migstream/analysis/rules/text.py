"""Rules about what programs do to a binary file that they take for text."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.analysis.rules.registry import Hit, Subject, rule
from migstream.wire.model import Span

__all__: list[str] = []

LOOKED_AT = 4 << 20
ENOUGH = 16  # so many line feeds behind a carriage return, and none without, are no chance
REPLACED = b"\xef\xbf\xbd"
FEEDS = 32
LONG = 4096  # bytes: machine code and memory have one above 7f much sooner


@rule("MS521", "error", "The file went through a copy that changes line ends")
def line_ends(subject: Subject) -> Iterator[Hit]:
    """Every byte 0a of the file stands behind a byte 0d. In a stream the two have nothing to do with each other: a
    text-mode copy (FTP in ASCII mode, a mail, git with autocrlf, a Windows tool) has put them in, and everything
    behind the first is moved.

    Taking each 0d before a 0a away again gives the stream back if it had no such pair itself, which the walk shows.
    """
    if subject.whole:
        return
    data = _begin(subject)
    feeds, pairs = data.count(b"\n"), data.count(b"\r\n")
    if pairs >= ENOUGH and feeds == pairs:
        at = data.index(b"\r\n")
        yield Hit(
            message="every line feed (0a) has a carriage return (0d) before it",
            section=subject.label_at(at),
            span=Span(at, at + 2),
            expected="0a",
            found="0d 0a",
            hint="copy it again in binary mode",
        )


@rule("MS522", "error", "The file went through a program that takes it for UTF-8")
def recoded(subject: Subject) -> Iterator[Hit]:
    """The file is valid UTF-8 and holds the replacement character (ef bf bd) again and again: a program has read it as
    text and written what it understood. What was there instead is lost.
    """
    if subject.whole:
        return
    data = _begin(subject)
    if data.count(REPLACED) < ENOUGH:
        return
    try:
        data[: data.rindex(REPLACED)].decode("utf-8")
    except UnicodeDecodeError:
        return
    at = data.index(REPLACED)
    yield Hit(
        message="bytes above 7f have become the replacement character of UTF-8",
        section=subject.label_at(at),
        span=Span(at, at + len(REPLACED)),
        found=REPLACED.hex(" "),
        hint="nothing can bring the lost bytes back: copy it again in binary mode",
    )


@rule("MS523", "error", "The file went through a copy that keeps seven bits of each byte")
def seven_bits(subject: Subject) -> Iterator[Hit]:
    """No byte of the file is above 7f, and the stream is damaged: a mail or a terminal has taken the highest bit of each
    byte away. What was there is lost.
    """
    if subject.whole:
        return
    data = _begin(subject)
    if len(data) >= LONG and data.isascii():
        yield Hit(
            message="no byte of the file is above 7f",
            section=subject.label_at(0),
            span=Span(0, len(data)),
            hint="nothing can bring the lost bits back: copy it again in binary mode",
        )


@rule("MS524", "warning", "The file has no carriage return")
def no_returns(subject: Subject) -> Iterator[Hit]:
    """The stream is damaged, and among as many line feeds (0a) as it has not one byte is 0d, which occurs in a stream as
    often: a text-mode copy has taken them away (FTP, git), or made line feeds of them.
    """
    if subject.whole:
        return
    data = _begin(subject)
    feeds = data.count(b"\n")
    if feeds >= FEEDS and b"\r" not in data:
        at = data.index(b"\n")
        yield Hit(
            message=f"{feeds} bytes are line feeds (0a), and none is a carriage return (0d)",
            section=subject.label_at(at),
            span=Span(at, len(data)),
            hint="copy it again in binary mode",
        )


def _begin(subject: Subject) -> bytes:
    store = subject.stream.store
    if not subject.stream.seekable:
        return b""  # of a pipe only what a walk reads is kept
    return bytes(store.view(0, min(store.size, LOOKED_AT)))
