"""An explanation as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from migstream.analysis.diff.model import Diff
from migstream.analysis.explain.log import Explanation, Said
from migstream.analysis.explain.model import Contrast, Difference, Side
from migstream.qemu.words.recognise import filled
from migstream.render.diff import diff_lines
from migstream.render.findings import finding_lines, finding_table
from migstream.render.text import Palette, escape, prose

__all__ = ["explanation_lines", "explanation_table"]

BASIS = {
    "play": "the load, played: QEMU would say something else of it",
    "words": "QEMU's own words",
    "silence": "device and errno alone: QEMU gives no reason",
    "schemas": "the schemas",
}


def explanation_lines(
    one: Explanation, file: str, palette: Palette, *, verbose: bool = False
) -> list[str]:
    """The cause first, then where it happened, the difference, the bytes, and what is wrong with the stream."""
    lines: list[str] = []
    shown = list(one.said)
    if one.cause is not None and one.cause not in shown:
        shown.insert(0, one.cause)
    for said in shown:
        if said.message.kind in {"cause", "warning"} or verbose or one.cause is None:
            lines += _said_lines(said, palette)
    where = _where(one)
    if where:
        lines += [f"in: {escape(where)}"]
    lines += [f"{name}: {' '.join(bits) or 'none'}" for name, bits in one.masks]
    if one.features:
        lines += [f"features that the destination lacks: {' '.join(one.features)}"]
    if one.result:
        lines += [f"result: {one.result}"]
    if one.contrast is not None:
        lines += ["", *_contrast_lines(one.contrast, palette, verbose=verbose)]
    if one.spots:
        lines += ["", palette.head("In the stream")]
        lines += [f"  {s.span} {palette.name(escape(s.path))}  {prose(s.text)}" for s in one.spots]
    if one.findings:
        lines += ["", palette.head("What check finds in it")]
        for finding in one.findings:
            lines += [f"  {line}" for line in finding_lines(finding, file, palette, verbose=False)]
    return lines


def _said_lines(said: Said, palette: Palette) -> list[str]:
    message = said.message
    releases = f" (QEMU {said.wording.releases})" if said.wording.releases else ""
    lines = [palette.head(prose(said.text)) + releases, f"  means: {message.condition}"]
    for head, texts in (("likely", message.causes), ("look at", message.look)):
        if texts:
            lines.append(f"  {head}:")
            lines += [f"    {n}. {prose(filled(text, said))}" for n, text in enumerate(texts, 1)]
    return lines


def _where(one: Explanation) -> str:
    number = "" if one.instance is None else f"[{one.instance}]"
    return "/".join([f"{one.device}{number}", *one.fields]) if one.device else ""


# --- the two sides ---------------------------------------------------------------------------------


def _contrast_lines(one: Contrast, palette: Palette, *, verbose: bool) -> Iterator[str]:
    to = f" (destination: {escape(one.destination)})" if one.destination else ""
    if one.differences:
        head = (
            "The difference" if len(one.differences) < 2 else "The difference, the likeliest first"
        )
        yield palette.head(head) + to
    for difference in one.differences:
        yield from _difference_lines(difference, palette)
    if one.note:
        yield f"  note: {prose(one.note)}"
    if one.changes:
        more = (
            f", the first {len(one.changes)} of {one.total}" if one.total > len(one.changes) else ""
        )
        yield palette.head(f"What else differs in this device{more}")
        rows = list(diff_lines(Diff(one.changes), palette, everything=verbose))
        yield from (f"  {row}" for row in rows[:-1])  # the last one counts what is shown


def _difference_lines(one: Difference, palette: Palette) -> Iterator[str]:
    where = escape(one.path or one.device)
    yield f"  {palette.name(where)}{'  ' if where else ''}{prose(one.message)}"
    yield f"    source       {_side(one.source, palette)}"
    yield f"    destination  {_side(one.destination, palette)}"
    if one.hint:
        yield f"    hint: {prose(one.hint)}"
    if not one.sure:
        yield f"    {palette.dim(f'by {BASIS[one.basis]}')}"


def _side(side: Side, palette: Palette) -> str:
    span = f"  {palette.dim(str(side.span))}" if side.span is not None else ""
    return palette.value(prose(side.text)) + span


# --- JSON ------------------------------------------------------------------------------------------


def explanation_table(one: Explanation) -> dict[str, Any]:
    """All of it as JSON has it."""
    return {
        "messages": [_message(s) for s in one.said],
        "cause": None if one.cause is None else one.cause.message.name,
        "silent": None if one.cause is None or one.cause in one.said else _message(one.cause),
        "device": one.device or None,
        "instance": one.instance,
        "fields": list(one.fields),
        "result": one.result,
        "features": list(one.features),
        "masks": {name: list(bits) for name, bits in one.masks},
        "difference": None if one.contrast is None else _contrast_table(one.contrast),
        "spots": [{"path": s.path, "span": list(s.span), "text": s.text} for s in one.spots],
        "findings": [finding_table(f) for f in one.findings],
    }


def _message(said: Said) -> dict[str, Any]:
    return {
        "name": said.message.name,
        "kind": said.message.kind,
        "line": said.line,
        "text": said.text,
        "values": said.values,
        "releases": said.wording.releases,
        "condition": said.message.condition,
        "causes": [filled(text, said) for text in said.message.causes],
        "look": [filled(text, said) for text in said.message.look],
    }


def _contrast_table(one: Contrast) -> dict[str, Any]:
    return {
        "destination": one.destination or None,
        "differences": [
            {
                "kind": d.kind,
                "device": d.device or None,
                "path": d.path or d.device or None,
                "message": d.message,
                "source": _side_table(d.source),
                "destination": _side_table(d.destination),
                "basis": d.basis,
                "sure": d.sure,
                "hint": d.hint,
            }
            for d in one.differences
        ],
        "note": one.note,
        "changes": [
            {"mark": c.mark, "what": c.what, "path": c.path, "old": c.old_text, "new": c.new_text}
            for c in one.changes
        ],
        "more": one.total - len(one.changes),
    }


def _side_table(side: Side) -> dict[str, Any]:
    return {
        "text": side.text,
        "path": side.path or None,
        "span": None if side.span is None else list(side.span),
    }
