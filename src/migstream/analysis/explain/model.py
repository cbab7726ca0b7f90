"""A failure, and what the two sides of it differ in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from migstream.names import brief, many
from migstream.qemu.words.recognise import Said
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.analysis.diff.model import Change

__all__ = ["Basis", "Contrast", "Difference", "Failing", "Side"]

Basis = Literal["play", "words", "silence", "schemas"]


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as QEMU's words have it; `error` is the errno's text, empty where none is said."""

    said: tuple[Said, ...]
    cause: Said | None
    device: str
    instance: int | None
    error: str


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one side has: a value, a size or a version in words, and where in its stream."""

    text: str
    path: str = ""
    span: Span | None = None

    def __repr__(self) -> str:
        return brief("Side", self.path, self.text)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One difference that can be the reason.

    Parameters
    ----------
    kind : as `compat.model.Kind`, or "check" (a check of the device's own)
    device, path : whose; empty where the whole stream is concerned
    basis : where it is from: the load that was played, QEMU's own words, their absence (what a
        device and an errno alone mean), schemas
    sure : whether QEMU's words are exactly those that this difference leads to
    """

    kind: str
    device: str
    message: str
    source: Side
    destination: Side
    basis: Basis
    path: str = ""
    hint: str = ""
    sure: bool = False

    def __repr__(self) -> str:
        return brief("Difference", self.kind, f"{self.path or self.device}:", self.message)


class Contrast(msgspec.Struct, frozen=True, kw_only=True):
    """The difference, and how much is known of it.

    Parameters
    ----------
    differences : those that can be the reason, the best match first
    note : what could not be found out, and why
    changes : what else differs in that device between the two streams, `total` in number
    destination : what the destination is called, empty where nothing is known of it
    """

    differences: tuple[Difference, ...] = ()
    note: str = ""
    changes: tuple[Change, ...] = ()
    total: int = 0
    destination: str = ""

    def __repr__(self) -> str:
        return brief("Contrast", many(len(self.differences), "difference"), self.note)
