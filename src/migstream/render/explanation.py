"""An explanation as text and as JSON."""

from __future__ import annotations

from typing import Any

from migstream.analysis.explain import Explanation, Said
from migstream.render.findings import finding_lines, finding_table
from migstream.render.text import Palette, escape

__all__ = ["explanation_lines", "explanation_table"]


def explanation_lines(
    one: Explanation, file: str, palette: Palette, *, verbose: bool = False
) -> list[str]:
    """The cause first, then where it happened, the bytes, and what is wrong with the stream."""
    lines: list[str] = []
    for said in one.said:
        if said.message.kind in {"cause", "warning"} or verbose or one.cause is None:
            lines += _said_lines(said, palette)
    where = _where(one)
    if where:
        lines += [f"in: {escape(where)}"]
    if one.features:
        lines += [f"features that the destination lacks: {' '.join(one.features)}"]
    if one.result:
        lines += [f"result: {one.result}"]
    if one.spots:
        lines += ["", palette.head("In the stream")]
        lines += [f"  {s.span} {palette.name(escape(s.path))}  {escape(s.text)}" for s in one.spots]
    if one.findings:
        lines += ["", palette.head("What check finds in it")]
        for finding in one.findings:
            lines += [f"  {line}" for line in finding_lines(finding, file, palette, verbose=False)]
    return lines


def _said_lines(said: Said, palette: Palette) -> list[str]:
    message = said.message
    releases = f" (QEMU {said.wording.releases})" if said.wording.releases else ""
    lines = [palette.head(escape(said.text)) + releases, f"  means: {message.condition}"]
    for head, texts in (("likely", message.causes), ("look at", message.look)):
        if texts:
            lines.append(f"  {head}:")
            lines += [f"    {n}. {_filled(text, said)}" for n, text in enumerate(texts, 1)]
    return lines


def _filled(text: str, said: Said) -> str:
    """A text with the message's own values in it."""
    for name, value in said.values.items():
        text = text.replace(f"{{{name}}}", escape(value))
    return text


def _where(one: Explanation) -> str:
    number = "" if one.instance is None else f"[{one.instance}]"
    return "/".join([f"{one.device}{number}", *one.fields]) if one.device else ""


def explanation_table(one: Explanation) -> dict[str, Any]:
    """All of it as JSON has it."""
    return {
        "messages": [
            {
                "name": s.message.name,
                "kind": s.message.kind,
                "line": s.line,
                "text": s.text,
                "values": s.values,
                "releases": s.wording.releases,
                "condition": s.message.condition,
                "causes": [_filled(text, s) for text in s.message.causes],
                "look": [_filled(text, s) for text in s.message.look],
            }
            for s in one.said
        ],
        "cause": one.cause.message.name if one.cause is not None else None,
        "device": one.device or None,
        "instance": one.instance,
        "fields": list(one.fields),
        "result": one.result,
        "features": list(one.features),
        "spots": [{"path": s.path, "span": list(s.span), "text": s.text} for s in one.spots],
        "findings": [finding_table(f) for f in one.findings],
    }
