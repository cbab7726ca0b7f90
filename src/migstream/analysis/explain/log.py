"""`explain`: what QEMU said when it did not load a stream, recognised, explained, and found in the stream."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from migstream.analysis.explain.episodes import episodes
from migstream.analysis.explain.numbers import numbers
from migstream.analysis.explain.peel import Spoken, peel
from migstream.analysis.explain.spots import Scene, Spot, spots
from migstream.analysis.explain.step import next_step
from migstream.analysis.findings import Finding
from migstream.names import brief
from migstream.qemu.words.errno import in_english
from migstream.qemu.words.model import ERRNO, Wording
from migstream.qemu.words.recognise import Said, recognise
from migstream.qemu.words.silent import NUMBERS, silent
from migstream.ram.records import flag_names
from migstream.stream import Stream, as_stream
from migstream.vmstate.meaning.features import feature_names

if TYPE_CHECKING:
    from migstream.analysis.compat.destination import Destination
    from migstream.analysis.explain.model import Contrast
    from migstream.source.opened import Openable
    from migstream.vmstate.schema import Schema

__all__ = ["Earlier", "Explanation", "Said", "explain", "recognise"]

MOST_FINDINGS = 8
MOST_ALSO = 20
BINARY = re.compile(r"qemu-system-(\w+)")


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """A failure that another one followed: the line of the log, when, and its cause."""

    line: int
    when: str
    text: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a log says.

    Parameters
    ----------
    said : every message in order, each once
    cause : the one that is the reason; where QEMU gave none, what a device and an errno alone
        mean (`messages.silent`); None where that is unknown as well
    device, instance : whose load failed, where that is said
    fields : the field that failed, the outermost first
    result : what the last line's errno means; empty where there is none
    features : names of virtio feature bits: those that the destination lacks
    masks : masks that the message has, of features or of a RAM record's flags, bit by bit: what the
        value is called, and the names
    spots : bytes of the stream concerned
    findings : what `check` finds wrong with the stream
    contrast : what differs between the two sides, where something of them is known
    numbers : numbers of the message, each with what it is by name
    also : what else QEMU or libvirt said, which is not known
    earlier : failures that the log tells of before this one
    step : a command that helps on; empty where none is known
    """

    said: tuple[Said, ...]
    cause: Said | None = None
    device: str = ""
    instance: int | None = None
    fields: tuple[str, ...] = ()
    result: str = ""
    features: tuple[str, ...] = ()
    masks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    spots: tuple[Spot, ...] = ()
    findings: tuple[Finding, ...] = ()
    contrast: Contrast | None = None
    numbers: tuple[tuple[str, str], ...] = ()
    also: tuple[Spoken, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    step: str = ""

    @property
    def side(self) -> str:
        """Who refuses: "destination", "source", "host", "libvirt"; empty where that is not known."""
        return "" if self.cause is None else self.cause.message.side

    def __repr__(self) -> str:
        cause = "nothing of QEMU's load side" if self.cause is None else self.cause.text
        return brief("Explanation", f"{self.device}:" if self.device else "", cause)


def explain(
    text: str,
    stream: Stream | Openable | None = None,
    destination: Destination | Stream | Openable | None = None,
    source: Schema | None = None,
    *,
    log: str = "LOG",
) -> Explanation:
    """Explain a message or a log, show what in the stream it is about, and what the two sides differ in.

    Parameters
    ----------
    text : QEMU's words, of the destination, the source, or both
    stream : what was loaded, open or anything that `migstream.open` takes
    destination : what is known of where: its schema, a stream of its own, its release; or one of the
        first two alone, as `compat` takes it
    source : `-dump-vmstate` of the source
    log : what a command that is to be pasted calls the text: its file

    Raises
    ------
    ParseError : one of the streams cannot be read at all
    """
    with ExitStack() as stack:
        opened = None if stream is None else stack.enter_context(as_stream(stream, anything=True))
        to = None
        if destination is not None:
            from migstream.analysis.compat.destination import as_destination

            to = stack.enter_context(as_destination(destination))
        return _explained(text, opened, to, source, log)


def _explained(
    text: str,
    stream: Stream | None,
    destination: Destination | None,
    source: Schema | None,
    log: str,
) -> Explanation:
    *before, lines = episodes(peel(text)) or [[]]
    heard = recognise("\n".join(one.text for one in lines))
    said = _numbered(heard, lines)
    device, instance = _device(said)
    fields = _fields(heard)
    cause = _cause(said) or _silent(said, device, text, stream)
    found: tuple[Finding, ...] = ()
    places: tuple[Spot, ...] = ()
    if stream is not None:
        from migstream.analysis.check import check

        report = check(stream)
        found = tuple(f for f in report.findings if f.severity != "note")[:MOST_FINDINGS]
        shown = said if cause is None or cause in said else [cause, *said]
        named = [(s.message.place, s.values) for s in shown if s.message.place != "none"]
        ends = bool(named) and any("Input/output error" in s.text for s in said)
        places = tuple(spots(Scene(stream, device, instance, fields), named, ends=ends))
    masks = _masks(cause, device)
    contrast = None
    if cause is not None or device:
        from migstream.analysis.explain.difference import contrast_of
        from migstream.analysis.explain.model import Failing

        failing = Failing(
            said=tuple(said), cause=cause, device=device, instance=instance, error=_error(said)
        )
        damaged = any(f.severity == "error" for f in found)
        contrast = contrast_of(failing, stream, destination, source, damaged=damaged)
    return Explanation(
        said=tuple(said),
        cause=cause,
        device=device,
        instance=instance,
        fields=fields,
        result="" if cause is not None and cause.message.side != "destination" else _result(said),
        features=_lacking(cause, device),
        masks=masks,
        spots=places,
        findings=found,
        contrast=contrast,
        numbers=numbers(cause),
        also=_also(lines, said),
        earlier=tuple(_earlier(one) for one in before),
        step=next_step(
            text,
            said,
            cause,
            stream="" if stream is None else stream.name,
            found=destination is not None,
            log=log,
        ),
    )


def _numbered(heard: Sequence[Said], lines: Sequence[Spoken]) -> list[Said]:
    """What was heard, with the number of its line in the log, where it may have been glued to others."""
    return [msgspec.structs.replace(one, line=lines[one.line - 1].number) for one in heard]


def _also(lines: Sequence[Spoken], said: Sequence[Said]) -> tuple[Spoken, ...]:
    """What QEMU or libvirt said and nobody knows; each once."""
    known = {one.text for one in said}
    rest = {
        one.text: one
        for one in lines
        if one.who
        and not any(text in one.text for text in known)
        and any(map(str.isalpha, one.text))
    }
    return tuple(rest.values())[:MOST_ALSO]


def _earlier(lines: Sequence[Spoken]) -> Earlier:
    said = _numbered(recognise("\n".join(one.text for one in lines)), lines)
    cause = _cause(said) or next(iter(said), None)
    first = lines[0] if cause is None else next(one for one in lines if one.number == cause.line)
    return Earlier(
        line=first.number, when=first.when, text=first.text if cause is None else cause.text
    )


def _cause(said: list[Said]) -> Said | None:
    """The first cause; one that the source prints only where the destination's words are not there."""
    causes = [s for s in said if s.message.kind == "cause"]
    return next((s for s in causes if s.message.side != "source"), next(iter(causes), None))


def _device(said: list[Said]) -> tuple[str, int | None]:
    context = [s for s in said if s.message.name == "loading-device"]
    if context:
        return context[0].values["device"], int(context[0].values["instance"], 16)
    for one in said:
        if (
            one.values.get("device")
            and one.message.name != "blocked"
            and one.message.side == "destination"
        ):
            number = one.values.get("instance")
            return one.values["device"], int(number, 0) if number else None
    return "", None


def _fields(said: list[Said]) -> tuple[str, ...]:
    """Fields as a path, the outermost first.

    Lines come innermost first. Clauses of one line come outermost first, since 10.2; older wordings
    in one line are lines that somebody joined.
    """
    found: list[str] = []
    hits = [s for s in said if s.message.name in {"field", "element"}]
    for _, group in groupby(hits, key=lambda s: s.line):
        inside = list(group)
        if inside[0].message.name == "field":
            inside.reverse()
        found[:0] = [s.values["field"] for s in inside]
    return tuple(found)


def _error(said: list[Said]) -> str:
    """The errno's text: that of the hook that failed where there is one, since the last line may have another."""
    for one in said:
        number = int(one.values.get("error", 0)) if one.message.name == "hook" else 0
        if number in NUMBERS:
            return NUMBERS[number]
    for one in said:
        if one.message.name == "result":
            words = in_english(one.values["error"])
            return next((t for t in ERRNO if words.startswith(t)), "")
    return ""


def _result(said: list[Said]) -> str:
    for one in said:
        if one.message.name == "result":
            for text, meaning in ERRNO.items():
                if in_english(one.values["error"]).startswith(text):
                    return f"{text}: {meaning}"
    return ""


def _silent(said: list[Said], device: str, text: str, stream: Stream | None) -> Said | None:
    """The cause of a refusal for which QEMU has no words."""
    where = [s for s in said if s.message.kind in {"context", "result"}]
    context = next((s for s in where if s.message.side == "destination"), next(iter(where), None))
    if context is None:
        return None
    message = silent(device, _error(said), _architecture(text, stream))
    if message is None:
        return None
    return msgspec.structs.replace(context, message=message, wording=Wording(""))


def _architecture(text: str, stream: Stream | None) -> str:
    """That of the program which speaks, else of the stream's CPUs; empty where neither says."""
    binary = BINARY.search(text)
    if binary is not None:
        return binary[1].removesuffix("le")
    if stream is None:
        return ""
    from migstream.machine.arch import architecture

    return architecture(stream) or ""


# --- feature masks ---------------------------------------------------------------------------------

MASKS = {"virtio-features": ("features", "allowed")}
RAM_FLAGS = {"ram-flags", "compressed-gone", "flush-unknown", "mapped-flags"}
NUMBER = re.compile(r"0x[0-9a-f]+|\d+")


def _masks(cause: Said | None, device: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every feature mask of a message by the names of its bits."""
    if cause is None:
        return ()
    if cause.message.name in RAM_FLAGS:
        flags = NUMBER.search(cause.text)
        return () if flags is None else (("flags", flag_names(int(flags[0], 0))),)
    return tuple(
        (name, tuple(feature_names(int(cause.values[name], 16), device)))
        for name in MASKS.get(cause.message.name, ())
        if name in cause.values
    )


def _lacking(cause: Said | None, device: str) -> tuple[str, ...]:
    if cause is None or cause.message.name != "virtio-features":
        return ()
    asked, allowed = (int(cause.values[name], 16) for name in ("features", "allowed"))
    return tuple(feature_names(asked & ~allowed, device))
