"""Items of a stream out of JSON: what `document.items` made, and a person changed, as bytes again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from migstream.document.text import number, text
from migstream.document.values import Find, Writer, pack, what
from migstream.errors import BadValue
from migstream.source.pieces import Bulk, Piece, Zeros, size_of
from migstream.vmstate.description import Description
from migstream.vmstate.description import Device as Described
from migstream.vmstate.layout import Layout, compile_device, fit_device
from migstream.vmstate.types import TYPES
from migstream.wire import write
from migstream.wire.model import SectionType
from migstream.wire.walk import MAX_NESTED

__all__ = ["EOF", "Encoder", "Key", "Layouts", "Table"]

EOF = "eof"  # the end marker, which must not be called like the END of a section

Key = tuple[str, int]
Table = dict[str, Any]


class Layouts:
    """The layouts of a description's devices.

    Parameters
    ----------
    description : that of the stream, or another one that fits it
    own : whether it is the stream's own; of another one, only the bytes tell which subsections
        are there

    `fitted` are the layouts that came out of a device's bytes while these were at hand.
    """

    def __init__(self, description: Description | None, *, own: bool) -> None:
        self.own = own
        self._devices: dict[Key, list[Described]] = {}
        for device in description.devices if description is not None else ():
            self._devices.setdefault(device.key, []).append(device)
        self._compiled: dict[tuple[Key, int], Layout] = {}
        self.fitted: dict[tuple[Key, int], Layout] = {}

    def find(self, key: Key, turn: int) -> Described | None:
        """The device of this name and instance id, the `turn`th of them from 0."""
        found = self._devices.get(key, [])
        return found[turn] if turn < len(found) else None

    def compiled(self, key: Key, turn: int) -> Layout | None:
        """Its layout, where the description alone says it."""
        device = self.find(key, turn)
        if device is None or not self.own:
            return None
        if (key, turn) not in self._compiled:
            self._compiled[key, turn] = compile_device(device)
        return self._compiled[key, turn]


def _number(table: Table, key: str, bits: int) -> bytes:
    return number(table, key, bits).to_bytes(bits // 8, "big")


def _idstr(value: Any) -> bytes:
    """A counted name (migration/savevm.c: qemu_put_counted_string)."""
    if not isinstance(value, str) or not value:
        raise BadValue("no name", expected="text of 1 to 255 bytes", found=what(value))
    return pack(TYPES["capability"], value)


def _name(table: Table, key: str = "name") -> bytes:
    try:
        return _idstr(table.get(key))
    except BadValue as error:
        error.under(key)
        raise


def _list(table: Table, key: str) -> list[Any]:
    value = table.get(key)
    if not isinstance(value, list):
        raise BadValue("wrong kind", path=[key], expected="a list", found=what(value))
    return value


def _objects(table: Table, key: str) -> list[Table]:
    """A list of objects."""
    for index, one in enumerate(_list(table, key)):
        if not isinstance(one, dict):
            raise BadValue(
                "wrong kind", path=[f"{key}[{index}]"], expected="an object", found=what(one)
            )
    return _list(table, key)


def _capabilities(table: Table) -> bytes:
    names = _list(table, "value")
    return len(names).to_bytes(4, "big") + b"".join(map(_idstr, names))


def _uuid(table: Table) -> bytes:
    try:
        return uuid.UUID(text(table, "value")).bytes
    except ValueError as error:
        if isinstance(error, BadValue):
            raise
        raise BadValue(
            "no UUID", path=["value"], expected="32 digits", found=what(table["value"])
        ) from None


SUBSECTIONS: dict[str, Callable[[Table], bytes]] = {
    "configuration/target-page-bits": lambda table: _number(table, "value", 32),
    "configuration/capabilities": _capabilities,
    "configuration/uuid": _uuid,
}


def _subsection(table: Table) -> bytes:
    """One subsection of the configuration."""
    encode = SUBSECTIONS.get(text(table, "name"))
    if encode is None:
        raise BadValue(
            "unknown subsection", expected=", ".join(SUBSECTIONS), found=what(table["name"])
        )
    return write.subsection_header(_name(table), number(table, "version", 32)) + encode(table)


def _pair(value: Any) -> bytes:
    if not isinstance(value, list) or len(value) != 2:
        raise BadValue("wrong kind", expected="two numbers", found=what(value))
    return b"".join(pack(TYPES["uint64"], word, 8) for word in value)


def _discard(value: Any) -> bytes:
    if not isinstance(value, dict):
        raise BadValue("wrong kind", expected="an object", found=what(value))
    head = _number(value, "version", 8) + _name(value, "block") + _number(value, "nil", 8)
    return head + b"".join(map(_pair, _list(value, "ranges")))


VALUES: dict[str, Callable[[Any], bytes]] = {
    "PING": lambda value: pack(TYPES["uint32"], value, 4),
    "POSTCOPY_ADVISE": _pair,
    "POSTCOPY_RAM_DISCARD": _discard,
    "RECV_BITMAP": _idstr,
}


def _command_value(name: str, table: Table) -> bytes:
    if "value" not in table:
        return b""
    encode = VALUES.get(name)
    try:
        if encode is None:
            raise BadValue("a command without a value", expected="none", found=what(table["value"]))
        return encode(table["value"])
    except BadValue as error:
        error.under("value")
        raise


class Encoder:
    """Makes the bytes of each object.

    Parameters
    ----------
    find : the bytes of a reference
    described : the text of the description, asked for where an item stands for it
    """

    def __init__(self, find: Find, layouts: Layouts, described: Callable[[], Bulk]) -> None:
        self._find = find
        self._layouts = layouts
        self._described = described
        self._depth = 0
        self._kinds: dict[str, Callable[[Table], list[Piece]]] = {
            "fileheader": lambda table: [write.file_header(number(table, "version", 32))],
            "configuration": self._configuration,
            "start": self._section,
            "part": self._section,
            "end": self._section,
            "full": self._section,
            "command": self._command,
            EOF: lambda _: [bytes((SectionType.EOF,))],
            "description": self._description,
            "trailer": self._trailer,
            "opaque": self._payload,
        }

    def pieces(self, table: Any) -> list[Piece]:
        """The bytes of an item.

        Raises
        ------
        BadValue : something in it cannot be written; the path says what
        """
        if not isinstance(table, dict):
            raise BadValue("no item", expected="an object", found=what(table))
        make = self._kinds.get(text(table, "kind"))
        if make is None:
            raise BadValue(
                "unknown item", path=["kind"], expected=", ".join(self._kinds), found=table["kind"]
            )
        return make(table)

    def state(self, layout: Layout, state: Any) -> list[Piece]:
        """The payload of a device section."""
        writer = Writer(self._find)
        writer.write(layout, state)
        return writer.pieces

    def _payload(self, table: Table, key: str = "payload") -> list[Piece]:
        writer = Writer(self._find)
        try:
            writer.aside(table.get(key))
        except BadValue as error:
            error.under(key)
            raise
        return writer.pieces

    def _configuration(self, table: Table) -> list[Piece]:
        try:
            machine = text(table, "machine").encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise BadValue(
                "no name", path=["machine"], expected="text", found=what(table["machine"])
            ) from None
        out = bytes((SectionType.CONFIGURATION,)) + len(machine).to_bytes(4, "big") + machine
        for index, one in enumerate(_objects(table, "subsections")):
            try:
                out += _subsection(one)
            except BadValue as error:
                error.under(f"subsections[{index}]")
                raise
        return [out]

    def _section(self, table: Table) -> list[Piece]:
        kind = SectionType[table["kind"].upper()]
        section_id = number(table, "section_id", 32)
        if kind in {SectionType.START, SectionType.FULL}:
            name = _name(table)
            instance_id, version_id = (number(table, k, 32) for k in ("instance_id", "version_id"))
            head = write.named_header(kind, section_id, name, instance_id, version_id)
        else:
            head = write.numbered_header(kind, section_id)
        inside = self._device(table) if "state" in table else self._payload(table)
        footer: list[Piece] = []
        if "footer" in table:
            footer = [write.footer(number(table, "footer", 32))]
        return [head, *inside, *footer]

    def _device(self, table: Table) -> list[Piece]:
        key = text(table, "name"), number(table, "instance_id", 32)
        turn = number(table, "turn", 32) if "turn" in table else 0
        try:
            return self.state(self._layout(key, turn, table), table["state"])
        except BadValue as error:
            error.under(f"{key[0]}[{key[1]}]")
            raise

    def _layout(self, key: Key, turn: int, table: Table) -> Layout:
        """By the description, or by it and the bytes that the device had."""
        device = self._layouts.find(key, turn)
        layout: Layout | None
        if (key, turn) in self._layouts.fitted:
            layout = self._layouts.fitted[key, turn]
        elif device is not None and "base" in table:
            layout = fit_device(device, memoryview(_joined(self._payload(table, "base"))))
        else:
            layout = self._layouts.compiled(key, turn)
        if layout is None:
            raise BadValue(
                "not described",
                expected="a device of the description",
                found=f"{key[0]}[{key[1]}]",
                hint="`migstream rename` changes the name of a device and the description with it",
            )
        return layout

    def _command(self, table: Table) -> list[Piece]:
        named = table.get("command")
        if isinstance(named, str) and named in write.NUMBERS:
            command = write.NUMBERS[named].to_bytes(2, "big")
        else:
            command = _number(table, "command", 16)
        inside: list[Piece] = []
        if "payload" in table:
            payload = self._payload(table)
        elif named == "PACKAGED":
            inside = self._packaged(table)
            payload = [_size(inside, 32)]
        else:
            payload = [_command_value(str(named), table)]
        return [bytes((SectionType.COMMAND,)) + command + _size(payload, 16), *payload, *inside]

    def _packaged(self, table: Table) -> list[Piece]:
        """What a package holds; a reader takes no package inside of one in a package."""
        if self._depth >= MAX_NESTED:
            raise BadValue("a package inside a package", path=["command"])
        self._depth += 1
        try:
            return self._inside(table)
        finally:
            self._depth -= 1

    def _inside(self, table: Table) -> list[Piece]:
        out: list[Piece] = []
        for index, one in enumerate(_objects(table, "items")):
            try:
                out += self.pieces(one)
            except BadValue as error:
                error.under(f"items[{index}]")
                raise
        return out

    def _description(self, _: Table) -> list[Piece]:
        described = self._described()
        return [bytes((SectionType.VMDESCRIPTION,)) + _size([described], 32), described]

    def _trailer(self, table: Table) -> list[Piece]:
        if "zeros" in table:
            return [Zeros(number(table, "zeros", 62))]
        return self._payload(table)


def _size(pieces: Sequence[Piece], bits: int) -> bytes:
    """How many bytes the pieces have, as the number before them."""
    size = sum(map(size_of, pieces))
    return number({"size": size}, "size", bits).to_bytes(bits // 8, "big")


def _joined(pieces: Sequence[Piece]) -> bytes:
    """The bytes themselves: of one device, whose layout depends on them."""
    out = bytearray()
    for piece in pieces:
        if isinstance(piece, Bulk):
            for part in piece.pieces():
                out += part
        elif isinstance(piece, bytes):
            out += piece
    return bytes(out)
