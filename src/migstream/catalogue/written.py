"""A machine that was put together, written as the stream that it would save."""

from __future__ import annotations

import json
import re

from migstream.catalogue.changes import Machine
from migstream.catalogue.model import State
from migstream.errors import Unsupported
from migstream.names import encoded
from migstream.ram.encode import END_OF_RECORDS, setup_word
from migstream.ram.records import PAGE
from migstream.wire import write
from migstream.wire.model import SectionType

__all__ = ["stream_of"]

PAGE_SIZE = re.compile(rb'"page_size"\s*:\s*(\d+)')
SMALLEST = 4096
MOST = 256 << 20  # bytes of devices


def stream_of(machine: Machine) -> bytes:
    """The bytes: sections of devices, the RAM blocks, and of guest memory one page, so that it is not an empty one.

    Raises
    ------
    Unsupported : no stream has room for what there is of it
    """
    try:
        return _written(machine)
    except (ValueError, OverflowError) as error:
        raise Unsupported(f"a machine that no stream has room for: {error}") from None


def _written(machine: Machine) -> bytes:
    if sum(len(state.payload) + len(state.text) for state in machine.sections.values()) > MOST:
        raise ValueError(f"more than {MOST} bytes of devices")
    out = bytearray(write.file_header() + machine.head)
    number = 0
    described: list[bytes] = []

    def section(kind: SectionType, name: str, instance: int, version: int, payload: bytes) -> int:
        nonlocal number
        out.extend(
            write.named_header(kind, number, write.counted(name), instance, version) + payload
        )
        if machine.footers:
            out.extend(write.footer(number))
        number += 1
        return number - 1

    def end(numbered: int, payload: bytes) -> None:
        out.extend(write.numbered_header(SectionType.END, numbered) + payload)
        if machine.footers:
            out.extend(write.footer(numbered))

    def device(key: tuple[str, int], state: State) -> None:
        section(SectionType.FULL, *key, state.version, state.payload)
        head = f'{{"name": {json.dumps(key[0])}, "instance_id": {key[1]}, '
        described.append(encoded(head) + (state.text or _opaque(state)))

    for key, state in machine.sections.items():
        if key in machine.early:
            device(key, state)
    ends = []
    if machine.blocks:
        ram = section(SectionType.START, "ram", 0, machine.ram_version, _setup(machine))
        ends.append((ram, _page(machine) + END_OF_RECORDS))
    for live in machine.live:
        started = section(SectionType.START, live.name, live.instance, live.version, live.start)
        ends.append((started, live.end))
    if machine.switchover:
        out += write.command(write.NUMBERS["SWITCHOVER_START"])
    for started, payload in ends:
        end(started, payload)
    for key, state in machine.sections.items():
        if key not in machine.early:
            device(key, state)
    out.append(SectionType.EOF)
    if machine.intro:
        out += write.description(machine.intro + b", ".join(described) + b"]}")
    return bytes(out)


def _opaque(state: State) -> bytes:
    """Where nobody says what a section holds, how long it is: what stands behind it is found all the same."""
    whole = {"name": "state", "type": "buffer", "size": len(state.payload)}
    return encoded(json.dumps({"version": state.version, "fields": [whole]})[1:])


def _setup(machine: Machine) -> bytes:
    entries = [write.counted(n) + size.to_bytes(8, "big") for n, size in machine.blocks.items()]
    return setup_word(sum(machine.blocks.values())) + b"".join(entries) + END_OF_RECORDS


def _page(machine: Machine) -> bytes:
    """The first page of the smallest block that has one, with contents."""
    found = PAGE_SIZE.search(machine.intro)
    size = int(found[1]) if found is not None else SMALLEST
    blocks = {name: length for name, length in machine.blocks.items() if length >= size}
    if not blocks:  # a board whose memory is no RAM block of its own
        return b""
    name = min(blocks, key=blocks.__getitem__)
    return PAGE.to_bytes(8, "big") + write.counted(name) + b"\1" * size
