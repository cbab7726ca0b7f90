"""`explain`: what QEMU said when it did not load a stream, recognised, explained, and found in the stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import msgspec

from migstream.analysis.check import check
from migstream.analysis.features import feature_names
from migstream.analysis.findings import Finding
from migstream.analysis.messages import ERRNO, MESSAGES, Message, Wording, literal, pattern
from migstream.analysis.places import Scene, Spot, spots
from migstream.stream import Stream

__all__ = ["Explanation", "Said", "explain", "recognise"]

MOST_LINES = 1 << 16
LONGEST_LINE = 1 << 12
MOST_FINDINGS = 8


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was recognised: which, in which line (from 1), its words and values."""

    message: Message
    wording: Wording
    line: int
    text: str
    values: dict[str, str]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a log says.

    Parameters
    ----------
    said : every message in order, each once
    cause : the one that is the reason, None where QEMU gave none
    device, instance : whose load failed, where that is said
    fields : the field that failed, the outermost first
    result : what the last line's errno means; empty where there is none
    features : names of virtio feature bits: those that the destination lacks
    spots : bytes of the stream concerned
    findings : what `check` finds wrong with the stream
    """

    said: tuple[Said, ...]
    cause: Said | None = None
    device: str = ""
    instance: int | None = None
    fields: tuple[str, ...] = ()
    result: str = ""
    features: tuple[str, ...] = ()
    spots: tuple[Spot, ...] = ()
    findings: tuple[Finding, ...] = ()


@cache
def _table() -> tuple[tuple[str, re.Pattern[str], Message, Wording], ...]:
    """Every wording, with the literal that a line must have and its pattern."""
    return tuple((literal(w.text), pattern(w.text), m, w) for m in MESSAGES for w in m.wordings)


def recognise(text: str) -> list[Said]:
    """Every message of QEMU's in a text, whatever else stands in its lines."""
    found: list[Said] = []
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines()[:MOST_LINES], 1):
        for said in _line(number, line[:LONGEST_LINE]):
            if said.text not in seen:
                seen.add(said.text)
                found.append(said)
    return found


def _line(number: int, line: str) -> Iterator[Said]:
    """Messages of one line from left to right: of those that overlap the one that begins first, the longest."""
    hits = []
    for piece, expression, message, wording in _table():
        if piece in line:
            hits += [(m.start(), -m.end(), m, message, wording) for m in expression.finditer(line)]
    stop = 0
    for start, _, match, message, wording in sorted(hits, key=lambda hit: hit[:2]):
        if start < stop:
            continue
        stop = match.end()
        if message.kind == "result":
            stop = match.start() + len("load of migration failed: ")  # clauses follow since 10.2
        yield Said(
            message=message,
            wording=wording,
            line=number,
            text=match[0],
            values={k: v for k, v in match.groupdict().items() if v is not None},
        )


def explain(text: str, stream: Stream | None = None) -> Explanation:
    """Explain a message or a log, and with the stream show what it is about."""
    said = recognise(text)
    context = [s for s in said if s.message.name == "loading-device"]
    device, instance = _device(said, context)
    fields = _fields(said)
    cause = next((s for s in said if s.message.kind == "cause"), None)
    features = _features(cause, device)
    found: tuple[Finding, ...] = ()
    places: tuple[Spot, ...] = ()
    if stream is not None:
        report = check(stream)
        found = tuple(f for f in report.findings if f.severity != "note")[:MOST_FINDINGS]
        scene = Scene(stream, device, instance, fields)
        ends = any("Input/output error" in s.text for s in said)
        names = [s.message.place for s in said if s.message.place != "none"]
        places = tuple(
            spots(scene, [(s.message.place, s.values) for s in said], ends=ends and bool(names))
        )
    return Explanation(
        said=tuple(said),
        cause=cause,
        device=device,
        instance=instance,
        fields=fields,
        result=_result(said),
        features=tuple(features),
        spots=places,
        findings=found,
    )


def _device(said: list[Said], context: list[Said]) -> tuple[str, int | None]:
    if context:
        return context[0].values["device"], int(context[0].values["instance"], 16)
    for one in said:
        if "device" in one.values and one.message.name != "blocked":
            number = one.values.get("instance")
            return one.values["device"], int(number, 0) if number else None
    return "", None


def _fields(said: list[Said]) -> tuple[str, ...]:
    """Fields as a path. Separate lines come innermost first, clauses of one line outermost first."""
    hits = [s for s in said if s.message.name in {"field", "element"}]
    chained = len({s.line for s in hits}) <= 1
    names = [s.values["field"] for s in hits]
    return tuple(names if chained else reversed(names))


def _result(said: list[Said]) -> str:
    for one in said:
        if one.message.kind == "result":
            for text, meaning in ERRNO.items():
                if one.values["error"].startswith(text):
                    return f"{text}: {meaning}"
    return ""


def _features(cause: Said | None, device: str) -> list[str]:
    if cause is None or cause.message.name != "virtio-features":
        return []
    asked, allowed = (int(cause.values[name], 16) for name in ("features", "allowed"))
    return feature_names(asked & ~allowed, device)
