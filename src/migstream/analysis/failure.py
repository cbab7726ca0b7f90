"""How a load failed, so that two failures can be told to be the same.

QEMU's words are compared by what they mean and what they are about, ours by code and path. Offsets,
section ids and lengths change when other parts of the stream go: they do not count.
"""

from __future__ import annotations

import re

import msgspec

__all__ = ["Failure", "failure"]

# Values of `analysis.explain.messages` that say where the reader was, not what it met.
PLACES = frozenset({"offset", "section", "read", "expected", "page", "length", "len", "channel"})
CODE = re.compile(r"\bMS\d{3}\b")
AT = re.compile(r"\b0x[0-9a-f]+ (\S.*?): ")
NUMBER = re.compile(r"0x[0-9a-fA-F]+|\d+")
ASSERTION = re.compile(r"[Aa]ssertion `(.*)' failed")

Named = tuple[tuple[str, str], ...]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Two failures are the same where these are equal.

    Parameters
    ----------
    status : the exit status, negative for a signal; None where a refusal is all there is
    said : QEMU's messages by name, each with the values that tell what it is about
    device, instance, fields : whose load failed, and at which field
    codes : migstream's own codes, each with the path that was named with it
    assertions : assertions that failed, as they are in the source
    last : the last line, numbers left out, where nothing in the text is known
    matched : whether the text that was asked for was there; it then stands for all other words
    """

    status: int | None
    said: tuple[tuple[str, Named], ...] = ()
    device: str = ""
    instance: int | None = None
    fields: tuple[str, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    assertions: tuple[str, ...] = ()
    last: str = ""
    matched: bool | None = None


def failure(status: int | None, text: str, match: re.Pattern[str] | None = None) -> Failure:
    """How something failed.

    Parameters
    ----------
    status : its exit status, None where there is none
    text : all that it printed
    match : what is to be in the text, whatever else is
    """
    if match is not None:
        return Failure(status=status, matched=match.search(text) is not None)
    from migstream.analysis.explain.log import explain

    one = explain(text)
    said = [
        (s.message.name, tuple((k, v) for k, v in s.values.items() if k not in PLACES))
        for s in one.said
        if s.message.kind != "warning"
    ]
    codes = tuple(sorted({pair for line in text.splitlines() for pair in _codes(line)}))
    assertions = tuple(dict.fromkeys(ASSERTION.findall(text)))
    lines = text.strip().splitlines() if not (said or codes or assertions) else []
    return Failure(
        status=status,
        said=tuple(dict.fromkeys(said)),
        device=one.device,
        instance=one.instance,
        fields=one.fields,
        codes=codes,
        assertions=assertions,
        last=NUMBER.sub("", lines[-1]) if lines else "",
    )


def _codes(line: str) -> list[tuple[str, str]]:
    place = AT.search(line)
    return [(code, place[1] if place else "") for code in CODE.findall(line)]
