"""Readers of everything in a stream that has one fixed form: plain functions over a cursor.

Source: QEMU, migration/savevm.c. Each reads one item whole or raises.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgspec

from migstream.errors import BadFraming, NotAStream, ParseError
from migstream.names import decoded
from migstream.qemu.words import say
from migstream.wire.cursor import Cursor
from migstream.wire.model import Command, Configuration, FileHeader, SectionType, Span, Subsection

__all__ = ["MAGIC", "read_command", "read_configuration", "read_file_header", "read_section_start"]

MAGIC = b"QEVM"
VERSION = 3
BEGINNING = MAGIC + VERSION.to_bytes(4, "big")
MAX_MACHINE = 1024
MAX_CAPABILITIES = 256
LEAD = 1 << 20


def read_file_header(cur: Cursor) -> FileHeader:
    """Magic and version (qemu_loadvm_state_header)."""
    start = cur.offset
    magic = cur.peek(4)
    if not magic or not MAGIC.startswith(magic):
        raise _not_a_stream(start, cur)
    cur.take(4)
    version = cur.u32()
    if version != VERSION:
        raise BadFraming(
            "unsupported migration stream version",
            at=start + 4,
            path=["header"],
            expected=VERSION,
            found=version,
            hint="every QEMU since 2009 writes version 3; the file is damaged or something else",
        )
    return FileHeader(span=cur.span(start), version=version)


def _not_a_stream(start: int, cur: Cursor) -> NotAStream:
    from migstream.source.foreign import HEAD, foreign

    magic = cur.peek(HEAD)
    known = foreign(magic)
    if known is not None:
        what = f"{known.what}{f'; {known.tool}' if known.tool else ''}"
    elif not magic:
        what = "there is not a single byte in it"
    elif all(32 <= byte < 127 or byte in b"\r\n\t" for byte in magic[:16]):
        what = "this looks like text"
    else:
        what = ""
    return NotAStream(
        "not a migration stream",
        at=start,
        expected=MAGIC.hex(" "),
        found=magic[:4].hex(" ") or "nothing",
        hint=what,
    )


def _capabilities(cur: Cursor) -> tuple[str, ...]:
    at = cur.offset
    count = cur.u32()
    if count > MAX_CAPABILITIES:
        raise BadFraming(
            f"{count} capabilities", at=at, expected=f"at most {MAX_CAPABILITIES}", found=count
        )
    return tuple(cur.idstr() for _ in range(count))


def _uuid(cur: Cursor) -> str:
    import uuid

    return str(uuid.UUID(bytes=bytes(cur.take(16))))


CONFIGURATION: dict[str, Callable[[Cursor], Any]] = {
    "configuration/target-page-bits": Cursor.u32,
    "configuration/capabilities": _capabilities,
    "configuration/uuid": _uuid,
}


def read_configuration(cur: Cursor) -> Configuration:
    """Machine name and subsections (vmstate_configuration); no section header, no footer."""
    start = cur.offset
    try:
        cur.take(1)
        at = cur.offset
        length = cur.u32()
        if not 0 < length <= MAX_MACHINE:
            raise BadFraming(
                f"a machine name of {length} bytes",
                at=at,
                expected=f"1 to {MAX_MACHINE}",
                found=length,
                hint="the configuration's length is damaged; QEMU fails here with "
                f"'{say('field', vmsd='configuration', field='name')}'",
            )
        name_at = cur.offset
        machine = decoded(cur.take(length))
        name_span = cur.span(name_at)
        subsections = []
        while cur.peek(1) == b"\x05":
            subsections.append(_subsection(cur))
    except ParseError as error:
        error.under("configuration")
        raise
    return Configuration(
        span=cur.span(start), machine=machine, name_span=name_span, subsections=tuple(subsections)
    )


def _subsection(cur: Cursor) -> Subsection:
    start = cur.offset
    cur.take(1)
    name = cur.idstr()
    version = cur.u32()
    reader = CONFIGURATION.get(name)
    if reader is None:
        raise BadFraming(
            f"unknown subsection {name!r}", at=start, expected=", ".join(CONFIGURATION), found=name
        )
    at = cur.offset
    value = reader(cur)
    return Subsection(
        name=name, version=version, span=cur.span(start), payload=cur.span(at), value=value
    )


class SectionStart(msgspec.Struct, frozen=True):
    """Header of START and FULL (savevm.c: save_section_header)."""

    type: SectionType
    section_id: int
    name: str
    instance_id: int
    version_id: int
    span: Span


INSTANCE_VERSION = struct.Struct(">II")


def read_section_start(cur: Cursor) -> SectionStart:
    """The header that START and FULL share."""
    start = cur.offset
    kind = SectionType(cur.u8())
    section_id, name = cur.u32(), cur.idstr()
    instance_id, version_id = cur.unpack(INSTANCE_VERSION)
    return SectionStart(kind, section_id, name, instance_id, version_id, cur.span(start))


# --- commands ----------------------------------------------------------------------------------


def _advise(cur: Cursor) -> tuple[int, int]:
    return (cur.u64(), cur.u64()) if cur.left else (0, 0)


def _discard(cur: Cursor) -> dict[str, Any]:
    version, name, nil = cur.u8(), cur.idstr(), cur.u8()
    ranges = []
    while cur.left:
        ranges.append((cur.u64(), cur.u64()))
    return {"version": version, "block": name, "nil": nil, "ranges": ranges}


class CommandKind(msgspec.Struct, frozen=True):
    """`sizes` lists the lengths that are allowed; None where it varies."""

    name: str
    sizes: tuple[int, ...] | None
    decode: Callable[[Cursor], Any] | None = None


COMMANDS = {
    1: CommandKind("OPEN_RETURN_PATH", (0,)),
    2: CommandKind("PING", (4,), Cursor.u32),
    3: CommandKind("POSTCOPY_ADVISE", (0, 16), _advise),
    4: CommandKind("POSTCOPY_LISTEN", (0,)),
    5: CommandKind("POSTCOPY_RUN", (0,)),
    6: CommandKind("POSTCOPY_RAM_DISCARD", None, _discard),
    7: CommandKind("PACKAGED", (4,), Cursor.u32),
    8: CommandKind("ENABLE_COLO", (0,)),
    9: CommandKind("POSTCOPY_RESUME", (0,)),
    10: CommandKind("RECV_BITMAP", None, Cursor.idstr),
    11: CommandKind("SWITCHOVER_START", (0,)),
}


def read_command(cur: Cursor) -> Command:
    """One COMMAND, its payload decoded; PACKAGED's nested bytes are the walker's to read.

    One that QEMU up to 11.1 does not have is called COMMAND_ and its number: it says its length, as
    every command does, and is kept by that, without a value.
    """
    start = cur.offset
    cur.take(1)
    number, length = cur.u16(), cur.u16()
    at = cur.offset
    payload = cur.take(length)
    kind = COMMANDS.get(number)
    name = kind.name if kind else f"COMMAND_{number}"
    if kind and kind.sizes is not None and length not in kind.sizes:
        raise BadFraming(
            f"{name} received with bad length",
            at=start + 3,
            path=[name],
            expected=" or ".join(map(str, kind.sizes)),
            found=length,
        )
    value = None
    if kind and kind.decode:
        try:
            value = kind.decode(Cursor(payload, at))
        except ParseError as error:
            error.under(name)
            raise
    return Command(
        span=cur.span(start), command=number, name=name, payload=Span(at, at + length), value=value
    )
