"""What an analysis has to say of a stream: one finding for each thing, as data."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from migstream.names import brief
from migstream.wire.model import Span

__all__ = ["SEVERITIES", "Finding", "Severity", "worst"]

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found.

    Parameters
    ----------
    code : the rule's or error's code, such as MS512; `migstream explain MS512` prints its page
    severity : "error": no QEMU writes this, or none loads it; "warning": something is wrong or
        lost although a QEMU may load it; "note": worth knowing, nothing is wrong
    message : what is wrong, in one line
    section : name and instance id of the section (`ram[0]`), or the kind of item
        ("configuration", "description", "trailer"); empty where it is about the whole stream
    path : where inside, as `Stream.find` takes it; the section itself where there is no value
    span : the bytes concerned, absolute; None where there are none
    expected, found : what should be there and what is, as text; empty where that says nothing
    why : what it means for the guest or the load
    hint : what to do next
    """

    code: str
    severity: Severity
    message: str
    section: str = ""
    path: str = ""
    span: Span | None = None
    expected: str = ""
    found: str = ""
    why: str = ""
    hint: str = ""

    def __repr__(self) -> str:
        return brief("Finding", self.code, self.severity, self.path, self.message)


def worst(found: list[Finding]) -> Severity | None:
    """The most serious severity among findings, None where there are none."""
    return min((f.severity for f in found), key=SEVERITIES.index, default=None)
