"""Words and columns: sizes, colours, tables; and the escapes of `migstream.names`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from migstream.names import escape, many, prose

__all__ = [
    "LINE",
    "Palette",
    "escape",
    "grouped",
    "hex_line",
    "percent",
    "prose",
    "short_size",
    "size",
    "table",
]

UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
STEP = 1024
LINE = 16  # bytes of a line of a hexdump


def grouped(number: int) -> str:
    """12897484 as 12 897 484."""
    return f"{number:,}".replace(",", " ")


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


def percent(part: int, whole: int) -> str:
    """A share: 12.3 %."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def hex_line(address: int, data: bytes) -> str:
    """Up to LINE bytes: the address, the bytes, their characters."""
    chars = "".join(chr(b) if 32 <= b < 127 else "." for b in data)
    return f"{address:08x}  {data.hex(' '):<47}  {chars:<16}"


class Palette:
    """Colours, or none: each method gives the text back, marked where colour is on."""

    def __init__(self, on: bool = False) -> None:
        self.on = on

    def _mark(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text

    def head(self, text: str) -> str:
        return self._mark(text, "1")

    def name(self, text: str) -> str:
        return self._mark(text, "36")

    def dim(self, text: str) -> str:
        return self._mark(text, "2")

    def value(self, text: str) -> str:
        return self._mark(text, "32")


def table(
    rows: Iterable[Sequence[str]],
    align: str,
    head: Sequence[str] = (),
    palette: Palette | None = None,
) -> list[str]:
    """Rows in columns; `align` has `<` or `>` for each column."""
    cells = [list(head), *map(list, rows)] if head else [list(row) for row in rows]
    if not cells:
        return []
    widths = [max(len(row[i]) for row in cells) for i in range(len(align))]
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if side == ">" else cell.ljust(width)
            for cell, width, side in zip(row, widths, align, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    if head and palette is not None:
        lines[0] = palette.dim(lines[0])
    return lines
