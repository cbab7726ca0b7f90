"""The virtio features that the devices of a QEMU offer, asked when somebody wants to know.

A device after reset is given its own state, changed in one bit that no device offers: QEMU refuses
it and names those that are. That is exact for every release and transport, also for bits that
have no name; `x-query-virtio-status` (7.2 and newer) has names only, and ends 11.1 in an assertion.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from migstream.analysis.compat.features import acked
from migstream.errors import QemuError
from migstream.qemu.load import load
from migstream.source.output import write_at
from migstream.source.temporary import temporary_file
from migstream.stream import open_stream
from migstream.wire.model import Configuration, FileHeader, SectionType

if TYPE_CHECKING:
    from migstream.stream import Device, Stream

__all__ = ["Offered"]

UNUSED = 25  # reserved for rings and transports, and none of them has it (VIRTIO 1.3, 2.2 and 6)
ALLOWED = re.compile(r"Features 0x[0-9a-f]+ unsupported\. Allowed features: 0x([0-9a-f]+)")

Key = tuple[str, int]


class Offered(Mapping[Key, int]):
    """Offered features by name and instance id of a section; each device takes one start of the QEMU.

    A device that does not say is not in it, for whatever reason: that says nothing of the load.

    Parameters
    ----------
    command, arguments : as it will be started for the load, without `-incoming`
    path : a stream that it saved itself, started so

    """

    def __init__(
        self, command: Sequence[str], arguments: Sequence[str], path: str | os.PathLike[str]
    ) -> None:
        self._command = command
        self._arguments = arguments
        self._path = path
        self._known: dict[Key, int | None] = {}

    @cached_property
    def _questions(self) -> dict[Key, bytes]:
        """Streams to ask with, by the device that each is for."""
        with open_stream(self._path) as stream:
            return {
                device.section.key: question
                for device in stream.devices
                if (question := _question(stream, device)) is not None
            }

    def __iter__(self) -> Iterator[Key]:
        return (key for key in self._questions if self._ask(key) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, key: Key) -> int:
        found = self._ask(key)
        if found is None:
            raise KeyError(key)
        return found

    def _ask(self, key: Key) -> int | None:
        if key not in self._known:
            question = self._questions.get(key)
            self._known[key] = None if question is None else self._answer(question)
        return self._known[key]

    def _answer(self, question: bytes) -> int | None:
        with temporary_file() as (fd, path):
            write_at(fd, [question], 0)
            try:
                verdict = load(self._command, self._arguments, path)
            except QemuError:
                return None
        said = ALLOWED.search(verdict.said)
        return None if said is None else int(said[1], 16)


def _question(stream: Stream, device: Device) -> bytes | None:
    """A stream with that device alone, whose guest took the unused bit; None for what has no features."""
    both = [acked(device, wide=wide) for wide in (False, True)]
    fields = {found.field.span: found.field for found in both if found is not None}
    if not fields:
        return None
    begin = max(i.span.stop for i in stream.head if isinstance(i, FileHeader | Configuration))
    raw = bytearray(stream.store.view(0, begin))
    moved = len(raw) - device.section.span.start
    raw += stream.store.view(*device.section.span)
    for span, field in fields.items():
        changed = int.from_bytes(field.raw, "big") | 1 << UNUSED
        at = span.start + moved
        raw[at : at + span.size] = changed.to_bytes(span.size, "big")
    return bytes(raw) + bytes([SectionType.EOF])
