"""Parts of a result as Textual shows them. Text is given to it as such, never as markup."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style as Colours
from rich.text import Text as Shown

from migstream.render.layout import laid_out
from migstream.render.shown import Line, Mark, Part, Style, Title

__all__ = ["PLAIN", "STYLES", "lines", "shown", "styled"]

LONGEST = 400  # characters of one text: a name may have as many as somebody sent

# The terminal's own sixteen colours, as `render.paint` has them.
STYLES: dict[Style, Colours] = {
    "head": Colours(bold=True),
    "name": Colours(color="cyan"),
    "dim": Colours(dim=True),
    "value": Colours(color="green"),
    "error": Colours(color="red", bold=True),
    "warning": Colours(color="yellow", bold=True),
    "note": Colours(bold=True),
    "added": Colours(color="green"),
    "removed": Colours(color="red"),
}
PLAIN = Colours()


def styled(line: Line) -> list[tuple[str, Colours]]:
    """The texts of a line, each with its style; long ones are cut."""
    found = []
    for one in line:
        text, style = (one.text, STYLES[one.style]) if isinstance(one, Mark) else (one, PLAIN)
        found.append((text if len(text) <= LONGEST else f"{text[:LONGEST]}…", style))
    return found


def shown(line: Line) -> Shown:
    """One line."""
    return Shown.assemble(*styled(line), no_wrap=True, overflow="ellipsis", end="")


def lines(parts: Iterable[Part], width: int) -> list[Shown]:
    """Parts, laid out for so many columns."""
    found: list[Shown] = []
    for part in parts:
        if isinstance(part, Title) and found:
            found.append(Shown())
        found += [shown(one) for one in laid_out(part, width)]
    return found
