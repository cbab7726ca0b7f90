"""Lines of registers out of templates, in the layout of QEMU's `info registers`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

__all__ = ["fill", "rows"]

PLACE = re.compile(r"\{([^}:]+)(?::(\d+))?\}")


def fill(templates: Iterable[str], values: Mapping[str, int], width: int) -> list[str]:
    """Each template with hexadecimal numbers for `{register}` or `{register:digits}`.

    A line of which a register is not known is left out; a number that is too wide shows its low digits.

    Parameters
    ----------
    width : digits of a place that does not say how many
    """

    def shown(place: re.Match[str]) -> str:
        digits = int(place[2] or width)
        return f"{values[place[1]] & (1 << 4 * digits) - 1:0{digits}x}"

    return [
        PLACE.sub(shown, template)
        for template in templates
        if all(place[1] in values for place in PLACE.finditer(template))
    ]


def rows(cells: Iterable[str], per_line: int, head: str = "") -> Iterator[str]:
    """Templates of `per_line` cells, with a blank between them.

    Parameters
    ----------
    head : begins each line; `#` in it is the number of the line's first cell, in two digits
    """
    listed = list(cells)
    for first in range(0, len(listed), per_line):
        line = " ".join(listed[first : first + per_line])
        yield head.replace("#", f"{first:02}") + line
