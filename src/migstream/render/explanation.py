"""What QEMU's words mean, where in the stream, and what the two sides differ in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from migstream.analysis.diff.model import Diff
from migstream.render.answer import Answer, Pair
from migstream.render.diff import Look, diff_parts
from migstream.render.findings import FindingAnswer, finding_answer, finding_parts
from migstream.render.shown import (
    Line,
    Mark,
    Part,
    Style,
    Table,
    Title,
    dim,
    head,
    indented,
    line,
    name,
    value,
)
from migstream.render.text import escape, prose

if TYPE_CHECKING:
    from migstream.analysis.explain.log import Explanation, Said
    from migstream.analysis.explain.model import Contrast, Difference, Side

__all__ = ["Explained", "explained", "explanation_parts"]

Basis = Literal["play", "words", "silence", "schemas"]
# Who refuses, where that is not the QEMU that loads.
REFUSES = {
    "source": "the source, before or while it saves",
    "host": "the host, not by the stream",
    "libvirt": "libvirt, before QEMU has seen the stream",
}
SEVERE: dict[str, Style] = {"cause": "error", "warning": "warning"}
BASIS: dict[Basis, str] = {
    "play": "the load, played: QEMU would say something else of it",
    "words": "QEMU's own words",
    "silence": "device and errno alone: QEMU gives no reason",
    "schemas": "the schemas",
}


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message of QEMU's: `text` as it stands in `line` (from 1), and the `values` in it.

    It is the "cause", a "context" (a line that says where), the "result" (the last line), or a
    "warning". `causes` are what it can come of, the likeliest first, `look` where to look;
    `releases` of QEMU that say it so are empty where all do.
    """

    name: str
    kind: str
    line: int
    text: str
    values: dict[str, str]
    releases: str
    condition: str
    causes: list[str]
    look: list[str]


class OneSide(msgspec.Struct, frozen=True, kw_only=True):
    """What one side has, in words; null path and span where it is no place of a stream."""

    text: str
    path: str | None
    span: Pair | None


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A difference that can be the reason; null device and path where it is about the whole stream.

    `basis` is where it is from: the load, played ("play"), QEMU's "words", its "silence" (device
    and errno alone), the "schemas". It is `sure` where QEMU's words are those that it leads to.
    """

    kind: str
    device: str | None
    path: str | None
    message: str
    source: OneSide
    destination: OneSide
    basis: Basis
    sure: bool
    hint: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What differs in the device besides, as `diff` says it: the two values as text."""

    mark: str
    what: str
    path: str
    old: str
    new: str


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """What source and destination differ in, the likeliest reason first.

    `note` is what could not be found out, `changes` are followed by `more` of their kind.
    """

    destination: str | None
    differences: list[Reason]
    note: str
    changes: list[Changed]
    more: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the stream that a message is about, and what is there."""

    path: str
    span: Pair
    text: str


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """A failure that another one followed: its line (from 1), when, null where it does not say, and its cause."""

    line: int
    when: str | None
    text: str


class Explained(Answer, tag="explain", frozen=True, kw_only=True):
    """What a message or a log says; `file` is the stream it was held against, null without one.

    `cause` is the name of the message that is the reason, null where none is known; `silent` is
    the cause itself where QEMU printed none. `device`, its `instance` and `fields` (the outermost
    first) are where the load failed, as far as that is said. `features` are those that the
    destination lacks, `masks` the bits of each mask by name, `numbers` others by name. `refused_by`
    is "destination", "source", "host" (a disk, a backend, a connection) or "libvirt"; `also` are words of
    QEMU's or libvirt's that are not known, `earlier` failures before the one that is explained,
    `next` a command that helps on. `difference` is null where nothing is
    known of the two sides.
    """

    file: str | None
    messages: list[Message]
    cause: str | None
    silent: Message | None
    device: str | None
    instance: int | None
    fields: tuple[str, ...]
    result: str
    features: tuple[str, ...]
    masks: dict[str, tuple[str, ...]]
    difference: Sides | None
    spots: list[Place]
    findings: list[FindingAnswer]
    refused_by: str | None
    numbers: dict[str, str]
    also: list[str]
    earlier: list[Before]
    next: str | None


def explained(one: Explanation, file: str | None) -> Explained:
    """All of it."""
    return Explained(
        file=file,
        messages=[_message(s) for s in one.said],
        cause=None if one.cause is None else one.cause.message.name,
        silent=None if one.cause is None or one.cause in one.said else _message(one.cause),
        device=one.device or None,
        instance=one.instance,
        fields=one.fields,
        result=one.result,
        features=one.features,
        masks=dict(one.masks),
        difference=None if one.contrast is None else _sides(one.contrast),
        spots=[Place(path=s.path, span=s.span, text=s.text) for s in one.spots],
        findings=[finding_answer(f) for f in one.findings],
        refused_by=one.side or None,
        numbers=dict(one.numbers),
        also=[spoken.text for spoken in one.also],
        earlier=[Before(line=e.line, when=e.when or None, text=e.text) for e in one.earlier],
        next=one.step or None,
    )


def _message(said: Said) -> Message:
    return Message(
        name=said.message.name,
        kind=said.message.kind,
        line=said.line,
        text=said.text,
        values=said.values,
        releases=said.wording.releases,
        condition=said.message.condition,
        causes=_filled(said.message.causes, said),
        look=_filled(said.message.look, said),
    )


def _filled(texts: Sequence[str], said: Said) -> list[str]:
    """The texts with the values of what was said in them."""
    from migstream.qemu.words.recognise import filled

    return [filled(text, said) for text in texts]


def _sides(one: Contrast) -> Sides:
    return Sides(
        destination=one.destination or None,
        differences=[
            Reason(
                kind=d.kind,
                device=d.device or None,
                path=d.path or d.device or None,
                message=d.message,
                source=_one_side(d.source),
                destination=_one_side(d.destination),
                basis=d.basis,
                sure=d.sure,
                hint=d.hint,
            )
            for d in one.differences
        ],
        note=one.note,
        changes=[
            Changed(mark=c.mark, what=c.what, path=c.path, old=c.old_text, new=c.new_text)
            for c in one.changes
        ],
        more=one.total - len(one.changes),
    )


def _one_side(side: Side) -> OneSide:
    return OneSide(text=side.text, path=side.path or None, span=side.span)


# --- for people ----------------------------------------------------------------------------------


def explanation_parts(one: Explanation, file: str, *, verbose: bool = False) -> Iterator[Part]:
    """The cause first, then where it happened, the difference, the bytes, and what is wrong with the stream."""
    rest = [said for said in one.said if said is not one.cause]
    for said in [*([] if one.cause is None else [one.cause]), *rest]:
        if said.message.kind in {"cause", "warning"} or verbose or one.cause is None:
            yield from _said(said)
    if one.side in REFUSES:
        yield f"refused by: {REFUSES[one.side]}"
    yield from (f"{number}: {what}" for number, what in one.numbers)
    where = _where(one)
    if where:
        yield f"in: {escape(where)}"
    yield from (f"{mask}: {' '.join(bits) or 'none'}" for mask, bits in one.masks)
    if one.features:
        yield f"features that the destination lacks: {' '.join(one.features)}"
    if one.result:
        yield f"result: {one.result}"
    if one.contrast is not None:
        yield ""
        yield from _contrast(one.contrast, verbose=verbose)
    if one.spots:
        yield Title("In the stream")
        for spot in one.spots:
            yield line(f"  {spot.span} ", name(escape(spot.path)), f"  {prose(spot.text)}")
    if one.step:
        yield line("next: ", value(prose(one.step)))
    if one.also:
        yield Title("Also said")
        yield from (f"  {prose(spoken.text)}" for spoken in one.also)
    if one.earlier:
        yield Title("Failures before this one")
        rows = [(f"line {e.line}", prose(e.when), prose(e.text)) for e in one.earlier]
        yield Table(rows, "<<<", indent=2)
    if one.findings:
        yield Title("What check finds in it")
        for finding in one.findings:
            for part in finding_parts(finding, file, verbose=False):
                yield indented(part, 2)


def _said(said: Said) -> Iterator[Part]:
    message = said.message
    releases = f" (QEMU {said.wording.releases})" if said.wording.releases else ""
    yield line(Mark(SEVERE.get(message.kind, "head"), prose(said.text)), releases)
    yield f"  means: {message.condition}"
    for title, texts in (("likely", message.causes), ("look at", message.look)):
        if texts:
            yield f"  {title}:"
            for number, text in enumerate(_filled(texts, said), 1):
                yield f"    {number}. {prose(text)}"


def _where(one: Explanation) -> str:
    number = "" if one.instance is None else f"[{one.instance}]"
    return "/".join([f"{one.device}{number}", *one.fields]) if one.device else ""


def _contrast(one: Contrast, *, verbose: bool) -> Iterator[Part]:
    to = f" (destination: {escape(one.destination)})" if one.destination else ""
    if one.differences:
        several = ", the likeliest first" if len(one.differences) > 1 else ""
        yield line(head(f"The difference{several}"), to)
    for difference in one.differences:
        yield from _difference(difference)
    if one.note:
        yield f"  note: {prose(one.note)}"
    if one.changes:
        more = (
            f", the first {len(one.changes)} of {one.total}" if one.total > len(one.changes) else ""
        )
        yield head(f"What else differs in this device{more}")
        rows = list(diff_parts(Diff(one.changes), Look(everything=verbose)))
        yield from (indented(row, 2) for row in rows[:-1])  # the last one counts what is shown


def _difference(one: Difference) -> Iterator[Part]:
    where = escape(one.path or one.device)
    yield line("  ", name(where), "  " if where else "", prose(one.message))
    yield line("    source       ", _side(one.source))
    yield line("    destination  ", _side(one.destination))
    if one.hint:
        yield f"    hint: {prose(one.hint)}"
    if not one.sure:
        yield line("    ", dim(f"by {BASIS[one.basis]}"))


def _side(side: Side) -> Line:
    place = line("  ", dim(str(side.span))) if side.span is not None else Line()
    return line(value(prose(side.text)), place)
