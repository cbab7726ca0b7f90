"""Words for sizes, shares and bytes, the columns that a text takes; and those of `migstream.names`."""

from __future__ import annotations

from migstream.names import escape, grouped, many, prose

__all__ = [
    "LINE",
    "columns",
    "escape",
    "grouped",
    "number_of",
    "percent",
    "prose",
    "short_size",
    "size",
    "sizes",
]

UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
STEP = 1024
LINE = 16  # bytes of a line of a hexdump


WIDE = frozenset("WF")
# A vowel or final consonant of Hangul joins the syllable before it, though no table calls it combining.
JAMO = range(0x1160, 0x1200)


def number_of(number: int, what: str) -> str:
    """So many of something, for people: 12 897 pages."""
    return many(number, what).replace(str(number), grouped(number), 1)


def short_size(number: int) -> str:
    """Bytes in the largest unit that leaves a whole: 12.3 MiB."""
    if number < STEP:
        return f"{number} B"
    value = number / STEP
    for unit in UNITS[:-1]:
        if value < STEP - 0.05:
            return f"{value:.1f} {unit}"
        value /= STEP
    return f"{value:.1f} {UNITS[-1]}"


def size(number: int) -> str:
    """Bytes for people and exactly: 12.3 MiB (12 897 484)."""
    if number >= STEP:
        return f"{short_size(number)} ({grouped(number)})"
    return many(number, "byte")


def sizes(number: int) -> tuple[str, str]:
    """The same for two columns of a table, so that either can be compared down the column."""
    return short_size(number), grouped(number)


def percent(part: int, whole: int) -> str:
    """A share: 12.3 %."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def _column(char: str) -> int:
    import unicodedata

    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    if ord(char) in JAMO:
        return 0
    return 2 if unicodedata.east_asian_width(char) in WIDE else 1


def columns(text: str) -> int:
    """Columns of a terminal that a text takes: two for what is wide in East Asia, none for what combines.

    Unicode's tables, as Python has them.
    """
    return len(text) if text.isascii() else sum(map(_column, text))
