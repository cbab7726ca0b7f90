"""The matrix in Markdown: how many machine types and devices move, and what breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migstream.analysis.compat.matrix import Transition
from migstream.render.matrix.answer import Release
from migstream.render.matrix.entries import blamed, entries, name_of, place, ranges, short
from migstream.render.matrix.parts import Summary
from migstream.render.text import escape

__all__ = ["markdown"]

HEAD = "| from | to | machine types | of these load | device types | of these break |\n|---|---|---|---|---|---|"
BREAKS = "| device | machine types | verdict | field to blame |\n|---|---|---|---|"
WORDS = {"fails": "does not load", "loses": "loses state"}


def markdown(known: Sequence[Release], found: Sequence[Transition], docs: str | None = None) -> str:
    """A page of its own, with a section for each pair of releases.

    Parameters
    ----------
    docs : where the pages of the documentation are, ending in a slash; without it they are taken to lie beside this one
    """
    return "\n".join(_lines(known, found, docs or "", ".md" if docs is None else ".html"))


def _lines(
    known: Sequence[Release], found: Sequence[Transition], docs: str, ending: str
) -> Iterator[str]:
    yield "# From one QEMU to another\n"
    yield "Made by `migstream catalogue matrix`: what each release saves of each machine type, and of each device alone, as it is after a reset,"
    yield f"against what the other loads ([how, and how well it agrees]({docs}matrix{ending}))."
    for name in dict.fromkeys(one.architecture for one in found):
        here = [one for one in found if one.architecture == name]
        of = {release for one in here for release in (one.source, one.destination)}
        yield f"\n## {_plain(name)}\n"
        told = [
            f"{one.release} ({_code(one.package)}{''.join(f', {n}' for n in one.names)})"
            for one in known
            if one.architecture == name and one.release in of
        ]
        yield f"Of {'; '.join(told)}.\n"
        yield HEAD
        for one in here:
            figures = Summary(one)
            link = f"[{short(one.destination)}](#{_anchor(one)})"
            yield (
                f"| {short(one.source)} | {link} | {figures.machines} |"
                f" {figures.machines - figures.broken} | {figures.devices} | {figures.breaking} |"
            )
        for one in here:
            yield from _pair(one, docs, ending)


def _title(one: Transition) -> str:
    return f"{one.architecture} from {short(one.source)} to {short(one.destination)}"


def _anchor(one: Transition) -> str:
    """As Markdown's readers make it of a heading."""
    return _title(one).lower().replace(".", "").replace(" ", "-")


def _pair(one: Transition, docs: str, ending: str) -> Iterator[str]:
    yield f"\n### {_plain(_title(one))}\n"
    if one.gone:
        yield f"Machine types that are gone: {', '.join(map(_plain, ranges(one.gone, one.gone)))}.\n"
    if one.gone_devices:
        yield f"Device types that are gone: {', '.join(_code(device) for device in one.gone_devices)}.\n"
    found = entries(one)
    if not found:
        yield "Nothing breaks."
        return
    yield BREAKS
    for entry in found:
        devices = ", ".join(_code(d) if d else name_of(d) for d in entry.devices)
        where = f", {place(entry)}" if entry.where else ""
        machines = (
            "all" if entry.every else ", ".join(map(_plain, ranges(entry.machines, one.machines)))
        )
        why = "; ".join(
            f"{_code(field) + ': ' if field else ''}{_plain(fault.message)}"
            f" ([{fault.kind}]({docs}compat{ending}#what-is-played))"
            for field, fault in blamed(entry)
        )
        yield f"| {devices}{where} | {machines} | {WORDS[entry.verdict]} | {why} |"


def _code(text: str) -> str:
    return f"`{escape(text).replace('`', '').replace('|', '')}`"


def _plain(text: str) -> str:
    """Text that Markdown takes for nothing else."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>|#" else char for char in escape(text))
