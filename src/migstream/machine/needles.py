"""What is looked for in memory: bytes, text, patterns, strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, reduce
from math import prod

import msgspec

from migstream.ram import scan

__all__ = [
    "LONGEST",
    "Needle",
    "Strings",
    "hex_needles",
    "regex_needle",
    "strings_needles",
    "text_needles",
]

# Bytes of the longest hit of a regular expression or string.
LONGEST = 1 << 12

LOWER = bytes(range(256)).lower()
# Every printable byte as one and the same, 0 as itself, all others as another
PRINTABLE = b"x"
STRINGS = b"\0" + bytes(ord(PRINTABLE) if b == 9 or 32 <= b < 127 else 1 for b in range(1, 256))
# What memory is full of, most first: a literal is looked for by those of its bytes that are rarer.
FREQUENT = b"\0\xff etaoinsrlcdpmu_\x01\x02\x04\x08\x10\x20\x40\x80HEAfgbhvwyk./0123-"


class Needle(msgspec.Struct, frozen=True, dict=True):
    """What to look for.

    Parameters
    ----------
    pattern : compiled over bytes
    reach : bytes of the longest hit; all hits are as long if `fixed`
    kind : a word that goes to its hits
    literal : bytes that stand `lead` bytes behind the beginning of each hit; found faster than a pattern
    fold : a table for bytes.translate; the literal is looked for in what it makes of memory
    fixed : hits may overlap; others are looked for behind the last one
    """

    pattern: re.Pattern[bytes]
    reach: int
    kind: str
    literal: bytes = b""
    lead: int = 0
    fold: bytes | None = None
    fixed: bool = True

    @property
    def in_zeros(self) -> bool:
        """Whether a hit may begin in zeros and see nothing but them."""
        return not any(self.literal) and self.pattern.search(bytes(2 * self.reach)) is not None

    @property
    def zeros(self) -> int:
        """How many zeros in a row a hit may have at most, where it is not `in_zeros`."""
        return self.reach

    def hits(self, window: memoryview, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Hits that begin in [start, stop) of a window, ascending."""
        if self.literal and scan.COMPILED:
            return self._hits(window, self._scanned, start, stop)
        if self.literal:
            return self.plain(window, start, stop)
        return self._hits(window, self._matched, start, stop)

    def plain(self, window: memoryview, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """The same hits, found without what is compiled."""
        folded = bytes(window) if self.fold is None else bytes(window).translate(self.fold)

        def found(_: memoryview, at: int, stop: int) -> int:
            end = stop + self.lead + len(self.literal) - 1
            return folded.find(self.literal, at + self.lead, end) - self.lead

        return self._hits(window, found if self.literal else self._matched, start, stop)

    def _hits(
        self, window: memoryview, find: Callable[[memoryview, int, int], int], start: int, stop: int
    ) -> Iterator[tuple[int, bytes]]:
        """Where `find` says that one may begin, it is held against the pattern.

        That sees no more bytes than a hit may have: so it is the same in every window.
        """
        at = start
        while at < stop:
            at = find(window, at, stop)
            if at < start:
                return
            found = self.pattern.match(window, at, at + self.reach)
            if found is None or found.end() == at:  # what matches nothing would do so everywhere
                at += 1
                continue
            yield at, bytes(window[at : found.end()])
            at = at + 1 if self.fixed else found.end()

    def _matched(self, window: memoryview, at: int, stop: int) -> int:
        found = self.pattern.search(window, at)
        return found.start() if found is not None and found.start() < stop else -1

    def _scanned(self, window: memoryview, at: int, stop: int) -> int:
        literal, masks, one, two = self._probe
        lead = self.lead
        return scan.find(window, at + lead, stop + lead, literal, masks, one, two) - lead

    @cached_property
    def _probe(self) -> tuple[bytes, bytes, int, int]:
        """The literal, the bits of it that count where bytes are folded, and where its rarest bytes are."""
        masks = bytes(map(self._mask, self.literal))
        places = [FREQUENT.find(byte) for byte in self.literal]
        rare = sorted(range(len(places)), key=lambda at: (places[at] >= 0, -places[at]))
        return self.literal, masks, rare[0], rare[min(1, len(rare) - 1)]

    def _mask(self, byte: int) -> int:
        alike = [] if self.fold is None else [n for n, one in enumerate(self.fold) if one == byte]
        return reduce(lambda mask, one: mask & ~(one ^ byte), alike, 0xFF)


class Strings(Needle, frozen=True, dict=True):
    """Strings of at least `minimum` characters of `width` bytes."""

    minimum: int = 4
    width: int = 1

    @property
    def zeros(self) -> int:
        """Two of them end a string."""
        return self.width

    def hits(self, window: memoryview, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        if not scan.COMPILED:
            yield from self.plain(window, start, stop)
            return
        rows = self.rows(window, start, stop)
        for n in range(0, len(rows), 2):
            yield rows[n], bytes(window[rows[n] : rows[n] + rows[n + 1]])

    def rows(self, window: memoryview, start: int, stop: int) -> memoryview:
        """The same as pairs: where each begins, and its bytes."""
        most = max(stop - start, 0) // (self.minimum * self.width) + 1
        rows = memoryview(bytearray(16 * most)).cast("q")
        count, _ = scan.strings(window, start, stop, self.minimum, self.width, self.reach, rows)
        return rows[: 2 * count]


def hex_needles(text: str) -> list[Needle]:
    """Bytes in hexadecimal; `??` stands for any byte: `de ad ?? ef`.

    Raises
    ------
    ValueError : it is something else
    """
    words = re.split(r"[\s,:]+", text.strip())
    if not all(re.fullmatch(r"(?:0[xX])?(?:[0-9a-fA-F]{2}|\?\?)+", word) for word in words):
        raise ValueError(f"{text!r} is not bytes in hexadecimal, such as 'de ad ?? ef'")
    digits = "".join(word.lower().removeprefix("0x") for word in words)
    pairs = [digits[n : n + 2] for n in range(0, len(digits), 2)]
    return [_fixed([[b""] if p == "??" else [bytes.fromhex(p)] for p in pairs], "hex")]


def text_needles(text: str, *, ignore_case: bool = False) -> list[Needle]:
    """Text as UTF-8, of which ASCII is a part, and as UTF-16LE.

    Parameters
    ----------
    ignore_case : letters that are as long in the other case match in both
    """
    found = []
    for encoding in ("utf-8", "utf-16-le"):
        choices = []
        for char in text:
            forms = [char, char.lower(), char.upper()] if ignore_case else [char]
            coded = [
                form.encode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
                for form in forms
            ]
            choices.append([one for one in dict.fromkeys(coded) if len(one) == len(coded[0])])
        found.append(_fixed(choices, encoding))
    return found


def _fixed(parts: Iterable[Sequence[bytes]], kind: str) -> Needle:
    """A needle of parts that follow each other, each one of some choices of one length; b"" is any byte."""
    source, size, fold = b"", 0, None
    literals: list[tuple[int, bytes]] = [(0, b"")]
    for choices in (narrow for part in parts for narrow in _bytewise(part)):
        escaped = b"|".join(map(re.escape, choices))
        source += b"(?:%b)" % escaped if len(choices) > 1 else escaped or b"."
        size += len(choices[0]) or 1
        if len({choice.lower() for choice in choices}) == 1 and choices[0]:
            at, last = literals[-1]
            literals[-1] = at, last + choices[0]
            fold = LOWER if len(choices) > 1 else fold
        else:
            literals.append((size, b""))
    lead, literal = max(literals, key=lambda one: (any(one[1]), len(one[1])))
    if not any(literal) and len(literal) < size:  # zeros are everywhere: no help
        lead, literal = 0, b""
    literal = literal if fold is None else literal.lower()
    return Needle(re.compile(source, re.DOTALL), size, kind, literal, lead, fold)


def _bytewise(choices: Sequence[bytes]) -> Iterable[Sequence[bytes]]:
    """The same choices byte by byte where that says the same: an engine finds single bytes faster."""
    columns = [sorted(set(column)) for column in zip(*choices, strict=True)]
    if prod(map(len, columns)) != len(choices) or not columns:
        return [choices]
    return [[bytes([byte]) for byte in column] for column in columns]


def regex_needle(pattern: str, *, ignore_case: bool = False) -> Needle:
    r"""A regular expression over bytes: `\x7fELF[\x01\x02]`. Characters stand for their UTF-8.

    A hit has at most LONGEST bytes; what would be longer is looked for in no more than these.

    Raises
    ------
    ValueError : it is not a regular expression
    """
    try:
        compiled = re.compile(
            pattern.encode("utf-8", "surrogateescape"), re.IGNORECASE if ignore_case else 0
        )
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return Needle(compiled, LONGEST, "regex", fixed=False)


def strings_needles(minimum: int = 4) -> list[Strings]:
    """Printable ASCII, and the same as UTF-16LE, of at least so many characters, as strings(1).

    Longer ones than LONGEST bytes come in pieces.
    """
    found = []
    for kind, end in (("ascii", b""), ("utf-16-le", b"\0")):
        width = 1 + len(end)
        pattern = re.compile(rb"(?:[\t -~]%b){%d,}" % (end, minimum))
        reach = max(LONGEST, minimum * width)
        literal = (PRINTABLE + end) * minimum
        found.append(
            Strings(
                pattern,
                reach,
                kind,
                literal,
                fold=STRINGS,
                fixed=False,
                minimum=minimum,
                width=width,
            )
        )
    return found
