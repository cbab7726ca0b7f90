"""Docstrings of this project as reStructuredText: sections of numpydoc, whose entries are a name and what it is."""

# ruff: noqa: INP001 - scripts of Sphinx, which nothing imports as a package

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["processed", "restructured", "signed"]

RULE = re.compile(r"-{3,}\s*$")
ENTRY = re.compile(r"(\S.*?) : (.*)")
AS_TEXT = {"References", "Notes"}
# Classes whose objects are given, never made by a call.
GIVEN = {"Stream", "Devices", "Device", "Value", "Ram", "Block", "PhysicalMemory", "Cpu", "Change"}


def processed(
    _app: object, _what: str, _name: str, _of: object, _options: object, lines: list[str]
) -> None:
    """Sphinx's hook: the lines are replaced in place."""
    lines[:] = restructured(lines)


def signed(
    _app: object, what: str, name: str, _of: object, _options: object, _how: object, _gives: object
) -> tuple[str, None] | None:
    """Sphinx's hook: how a thing is called."""
    return ("", None) if what == "class" and name.rpartition(".")[2] in GIVEN else None


def restructured(lines: list[str]) -> list[str]:
    """The lines as Sphinx wants them."""
    made: list[str] = []
    title, part = "", list[str]()
    for number, line in enumerate(lines):
        if number + 1 < len(lines) and RULE.fullmatch(lines[number + 1]) and line.strip():
            made += _section(title, part)
            title, part = line.strip(), []
        elif not (number and RULE.fullmatch(line) and lines[number - 1].strip() == title):
            part.append(line)
    return made + list(_section(title, part))


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if not title:
        yield from _text(lines)
        return
    yield from ("", f":{title}:")
    entries = [" ".join(lines)] if title in AS_TEXT else _entries(lines)
    for entry in entries:
        found = ENTRY.fullmatch(entry)
        said = f"``{found[1]}``: {found[2]}" if found else entry
        yield f"    - {said}" if len(entries) > 1 else f"    {said}"
    yield ""


def _entries(lines: list[str]) -> list[str]:
    """Each with the lines that are indented below it."""
    entries: list[str] = []
    for line in filter(str.strip, lines):
        if line[0] == " " and entries:
            entries[-1] += f" {line.strip()}"
        else:
            entries.append(line.strip())
    return entries


def _text(lines: list[str]) -> Iterator[str]:
    """Prose; what is indented below a paragraph is an example, to be shown as it is."""
    inside = False
    for number, line in enumerate(lines):
        indented = line.startswith("    ")
        if indented and not inside and (number == 0 or not lines[number - 1].strip()):
            inside = True
            yield from ("::", "")
        elif line.strip() and not indented:
            inside = False
        yield line
