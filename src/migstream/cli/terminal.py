"""What is known of the terminal that is written to: its size, whether it shows colours, what was asked for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

import click

__all__ = [
    "CLEAR",
    "clear_status",
    "colours",
    "height",
    "is_terminal",
    "keep",
    "options",
    "paged",
    "show_status",
    "width",
]

LEAST = 40  # columns that are always assumed
CLEAR = "\r\x1b[K"  # to the beginning of the line, and nothing in it
WIDE, PAGER = "migstream.wide", "migstream.pager"


def options() -> list[click.Parameter]:
    """Options that no verb needs to know of: `Out` asks for them here."""
    return [
        click.Option(
            ["--wide"],
            is_flag=True,
            expose_value=False,
            callback=keep(WIDE),
            help="Do not fit lines to the terminal.",
        ),
        click.Option(
            ["--no-pager"],
            is_flag=True,
            expose_value=False,
            callback=keep(PAGER),
            help="Do not page what is longer than the screen.",
        ),
    ]


def keep(key: str) -> Callable[[click.Context, click.Parameter, bool], bool]:
    """A callback by which whoever asks for this key knows what was given."""

    def kept(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
        ctx.meta[key] = value
        return value

    return kept


def _asked(key: str) -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(key))


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody looks at it; one that is closed is none."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def width(stream: TextIO) -> int | None:
    """Columns that a line may have: COLUMNS, or what the terminal says; None where nobody says, and with --wide."""
    if not is_terminal(stream) or _asked(WIDE):
        return None
    columns = _number("COLUMNS") or _size(stream)[0]
    return max(columns, LEAST) if columns else None


def height(stream: TextIO) -> int | None:
    """Lines of the screen, where they are known."""
    return _number("LINES") or _size(stream)[1] or None


def paged(stream: TextIO) -> bool:
    """Whether what is longer than the screen is for a pager."""
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    return is_terminal(stream) and not dumb and not _asked(PAGER)


def colours(stream: TextIO, choice: str = "auto") -> bool:
    """Whether marks are colours: as --color says, else NO_COLOR, CLICOLOR_FORCE, FORCE_COLOR, CLICOLOR, else on a terminal.

    See no-color.org, bixense.com/clicolors and force-color.org. What is set to nothing says nothing.
    """
    if choice != "auto":
        return choice == "always"
    said = os.environ.get
    if said("NO_COLOR"):
        return False
    if said("CLICOLOR_FORCE", "0") not in {"", "0"} or said("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return is_terminal(stream) and said("CLICOLOR") != "0" and said("TERM") != "dumb"


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _size(stream: TextIO) -> tuple[int, int]:
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 0, 0
    return size.columns, size.lines


# --- the one line that says how far something is -------------------------------------------------------

_shown: list[str] = []


def show_status(parts: list[str]) -> None:
    """Write the line anew: of the parts as many as there is room for, the first in any case."""
    if not is_terminal(sys.stderr):  # a pager has it by now
        return
    room = (width(sys.stderr) or 80) - 1
    while len(parts) > 1 and len("  ".join(parts)) > room:
        parts.pop()
    _shown[:] = ["  ".join(parts)[:room]]
    sys.stderr.write(CLEAR + _shown[0])
    sys.stderr.flush()


def clear_status() -> None:
    """Take it away, before something else is written."""
    if _shown:
        _shown.clear()
        if is_terminal(sys.stderr):
            sys.stderr.write(CLEAR)
            sys.stderr.flush()
