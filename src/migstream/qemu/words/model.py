"""What a message is: its wordings, what it means, why it comes, where to look.

A wording is QEMU's text with names in braces where the text has values: `{name}` is a word,
`{name:s}` any text, `{name:n}` text without a colon and a space behind it, `{name:d}` a decimal, `{name:x}` and `{name:#x}` a
hexadecimal number. They are said without and with 0x, and either is recognised. Wordings are searched
anywhere in a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import msgspec

from migstream.qemu.release import Bounds

__all__ = [
    "DAMAGE",
    "ERRNO",
    "LOST",
    "NEW",
    "NEWER",
    "OLD",
    "OTHER_MACHINE",
    "SETUP",
    "TOKEN",
    "Message",
    "Sides",
    "Wording",
    "formatted",
    "literal",
    "message",
    "names",
    "pattern",
]

TOKEN = re.compile(r"\{(\w+)(?::([sndx]|#x))?\}")
NUMBERS = ("d", "x", "#x")
SHAPES = {
    None: r"\S+?",
    "s": r".+?",
    "n": r"[^:\s](?:[^:]|:(?=\S))*?",  # a PCI address has colons, too
    "d": r"-?\d+",
    "x": r"(?:0[xX])?[0-9a-fA-F]+",
    "#x": r"(?:0[xX])?[0-9a-fA-F]+",
}


class Wording(msgspec.Struct, frozen=True):
    """One wording, and the releases that have it (empty: all).

    `variant` tells wordings of one message and the same values apart that say different things.
    """

    text: str
    releases: str = ""
    variant: str = ""

    @property
    def bounds(self) -> Bounds:
        """The releases that have it, as bounds."""
        return _bounds(self.releases)


class Sides(msgspec.Struct, frozen=True):
    """What the message itself says of the two sides, with its values in braces.

    `kind` is that of `compat`'s problems (`compat.model.Kind`), or "check".
    """

    kind: str
    source: str
    destination: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One condition that a destination reports.

    `kind` is "cause" (this is what went wrong), "context" (a line that says where), "result" (the last
    line) or "warning" (the load goes on). `causes` come in order of likelihood. `look` names what to
    look at. `side` is who refuses: "destination", "source", "host" (a disk, a backend, a connection) or
    "libvirt". `place` names how `explain` finds the bytes (`analysis.explain.spots`). `releases` of wordings
    count from QEMU 2.4; those that are only known from the programs of 5.2, 7.2, 10.0 and 11.1 have
    "newer than 7.2" (the newest of them without it) or "up to 9.x" (gone in 10.0), "up to 10.x" (in 11.1).
    """

    name: str
    wordings: tuple[Wording, ...]
    condition: str
    causes: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    kind: str = "cause"
    place: str = "device"
    sides: Sides | None = None
    side: str = "destination"


def message(
    name: str,
    *texts: str | tuple[str, str] | tuple[str, str, str],
    means: str,
    causes: tuple[str, ...] = (),
    look: tuple[str, ...] = (),
    kind: str = "cause",
    place: str = "device",
    sides: tuple[str, str, str] | None = None,
    side: str = "destination",
) -> Message:
    """A message, in the short form of the tables: texts alone, with releases, with releases and variant."""
    return Message(
        name=name,
        wordings=tuple(Wording(t) if isinstance(t, str) else Wording(*t) for t in texts),
        condition=means,
        causes=causes,
        look=look,
        kind=kind,
        place=place,
        sides=None if sides is None else Sides(*sides),
        side=side,
    )


UNTIL = re.compile(r"up to (\d+)\.(\d+|x)")
SINCE = re.compile(r"since (\d+)(?:\.(\d+))?")
NEWER_THAN = re.compile(r"newer than (\d+)\.(\d+)")


@cache
def _bounds(releases: str) -> Bounds:
    """Bounds of the words that wordings have of releases: what is "newer than 7.2" is not in any 7.2."""
    first = before = None
    for part in filter(None, releases.split(", ")):
        if found := UNTIL.fullmatch(part):
            major = int(found[1])
            before = (major + 1, 0) if found[2] == "x" else (major, int(found[2]) + 1)
        elif found := SINCE.fullmatch(part):
            first = int(found[1]), int(found[2] or 0)
        elif found := NEWER_THAN.fullmatch(part):
            first = int(found[1]), int(found[2]) + 1
        else:
            raise ValueError(f"{part!r} does not name releases")
    return Bounds(first, before)


def names(wording: str) -> frozenset[str]:
    """The names of a wording's values."""
    return frozenset(token[1] for token in TOKEN.finditer(wording))


def formatted(wording: str, values: Mapping[str, int | str]) -> str:
    """A wording with values in it: numbers in its form, text as it stands."""

    def value(token: re.Match[str]) -> str:
        one = values[token[1]]
        return format(one, token[2]) if isinstance(one, int) and token[2] in NUMBERS else str(one)

    return TOKEN.sub(value, wording)


def literal(wording: str) -> str:
    """The longest piece of a wording that has no values: a line without it needs no search."""
    pieces, at = [], 0
    for token in TOKEN.finditer(wording):
        pieces.append(wording[at : token.start()])
        at = token.end()
    return max([*pieces, wording[at:]], key=len)


@cache
def pattern(wording: str) -> re.Pattern[str]:
    """The regular expression of a wording; the last value of a line ends where the line or a clause does."""
    out, at, seen, shape = "", 0, set[str](), None
    for token in TOKEN.finditer(wording):
        name, shape = token[1], token[2]
        out += re.escape(wording[at : token.start()])
        out += f"(?P={name})" if name in seen else f"(?P<{name}>{SHAPES[shape]})"
        seen.add(name)
        at = token.end()
    out += re.escape(wording[at:])
    if at == len(wording) and seen:
        out += r"(?=$|: |\s\|)" if shape in ("s", "n") else r"(?=$|[\s,;\])]|[.:](?:\s|$))"
    return re.compile(out)


ERRNO = {
    "Invalid argument": "EINVAL: a version, section, command or RAM check failed; the line before says which",
    "No such file or directory": "ENOENT: a subsection that the destination does not have, under a device that it has; no file is meant",
    "Input/output error": "EIO: the stream ended before the destination had all it wanted; the last field named is where",
    "Operation not permitted": "-1: a device's own check refused the values (virtio, post-load functions, validated fields); no file permission is meant",
    "Operation not supported": "ENOTSUP: the stream's version, or a capability, is not known to the destination",
    "Cannot allocate memory": "ENOMEM: a size in the stream is larger than the destination can allocate",
    "Unknown error -1": "-1: a callback refused the values",
}

# Causes and texts that several messages share.
DAMAGE = "the stream is damaged: `migstream check` finds the place"
NEWER = "the stream is from a newer QEMU than the destination"
OTHER_MACHINE = "the destination was started with another machine type or other devices"
LOST = (
    "the reader lost its place before: a section is longer or shorter than the destination expects"
)
OLD, NEW = "up to 10.1", "since 10.2"
SETUP = "Make sure that your current VM setup matches your saved VM setup, including any hotplugged devices"
