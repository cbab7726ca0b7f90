"""Items of a stream as JSON (`document.encode` has the way back). Layouts: QEMU, migration/savevm.c.

`Tables` makes the object of each item. Each is tried when it is made: one that would not give its
own bytes again is kept as bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from migstream.document.bulk import FILE, Aside
from migstream.document.encode import EOF, Encoder, Key, Layouts, Table
from migstream.document.text import DESCRIPTION
from migstream.document.values import LARGE, Reader
from migstream.errors import BadValue
from migstream.source.pieces import Bulk, Piece, size_of
from migstream.source.store import Store
from migstream.vmstate.layout import Layout, fit_device
from migstream.wire import write
from migstream.wire.model import (
    Command,
    Configuration,
    End,
    FileHeader,
    Item,
    Opaque,
    Section,
    SectionType,
    Span,
    Trailer,
    VMDescription,
)

__all__ = ["BULK", "RAM", "Tables"]

RAM, BULK = "ram.bin", "bulk.bin"
SHORT = 64  # bytes of a payload up to which its digits stand in the document


def _listed(value: Any) -> Any:
    """The same with lists for tuples."""
    if isinstance(value, dict):
        return {name: _listed(inner) for name, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, tuple | list) else value


def _placeholder(reference: Table) -> Bulk:
    """A reference's bytes while a trial asks for their number only."""
    return Bulk(-1, 0, reference["size"])


class Tables:
    """Makes the object of each item; to be asked for them in the order of the stream.

    Parameters
    ----------
    store : the stream's bytes
    description : where the text is that lies beside the document as DESCRIPTION
    """

    def __init__(
        self, store: Store, layouts: Layouts, aside: Aside, description: Span | None
    ) -> None:
        self._store = store
        self._layouts = layouts
        self._aside = aside
        self._description = description
        self._turns: dict[Key, int] = {}
        self._trial = Encoder(_placeholder, layouts, lambda: _placeholder({"size": self._length}))

    @property
    def _length(self) -> int:
        return 0 if self._description is None else self._description.size

    def table(self, item: Item) -> Table:
        """The object of an item."""
        table = self._plain(item)
        if table is not None and self._same(lambda: self._trial.pieces(table), item.span):
            return table
        reason = item.reason if isinstance(item, Opaque) else f"no plain {_kind(item)}"
        return {"kind": "opaque", "reason": reason, "payload": self._bytes(item.span, BULK)}

    def _same(self, encode: Callable[[], Sequence[Piece]], span: Span) -> bool:
        """Whether an object gives the bytes that it was made of."""
        at = span.start
        try:
            pieces = encode()
        except BadValue:
            return False
        for piece in pieces:
            size = size_of(piece)
            if at + size > span.stop:
                return False
            if isinstance(piece, bytes) and self._store.view(at, at + size) != piece:
                return False
            at += size
        return at == span.stop

    def _bytes(self, span: Span, file: str, most: int = SHORT) -> Any:
        """Bytes as digits, or put aside where they are many."""
        if span.size > most:
            return self._aside.keep(span, file)
        return self._store.view(*span).hex()

    def _plain(self, item: Item) -> Table | None:
        match item:
            case FileHeader():
                return {"kind": "fileheader", "version": item.version}
            case Configuration():
                return _configuration(item)
            case Section():
                return self._section(item)
            case Command():
                return self._command(item)
            case End():
                return {"kind": EOF}
            case VMDescription() if item.text == self._description:
                return {"kind": "description", FILE: DESCRIPTION}
            case Trailer() if item.zeros:
                return {"kind": "trailer", "zeros": item.span.size}
            case Trailer():
                return {"kind": "trailer", "payload": self._bytes(item.span, BULK)}
        return None

    def _command(self, item: Command) -> Table:
        table: Table = {"kind": "command", "command": item.name}
        if item.command == write.NUMBERS["PACKAGED"]:
            return table | {"items": [self.table(inner) for inner in item.items]}
        if item.value is not None and item.payload.size:
            table["value"] = _listed(item.value)
        if self._same(lambda: self._trial.pieces(table), item.span):
            return table
        payload = self._bytes(item.payload, BULK)
        return {"kind": "command", "command": item.command, "payload": payload}

    def _section(self, item: Section) -> Table:
        table: Table = {"kind": item.label, "section_id": item.section_id, "name": item.name}
        if item.type in {SectionType.START, SectionType.FULL}:
            table |= {"instance_id": item.instance_id, "version_id": item.version_id}
        if item.type == SectionType.FULL:
            table |= self._device(item)
        else:
            table["payload"] = self._bytes(item.payload, RAM if item.name == "ram" else BULK)
        if item.footer is not None:
            footer = self._store.view(item.footer.start + 1, item.footer.stop)
            table["footer"] = int.from_bytes(footer, "big")
        return table

    def _device(self, item: Section) -> Table:
        """What a device's object says of its payload."""
        turn = self._turns.get(item.key, 0)
        self._turns[item.key] = turn + 1
        view = self._store.view(*item.payload)
        layout = self._layouts.compiled(item.key, turn)
        fitted = layout is None or layout.size != len(view) or not layout.certain
        if fitted:
            device = self._layouts.find(item.key, turn)
            fits = device is not None and item.how != "damage"
            layout = fit_device(device, view) if device is not None and fits else None
            if layout is not None:
                self._layouts.fitted[item.key, turn] = layout
        if layout is not None:
            start = item.payload.start
            reader = Reader(
                view, lambda low, high: self._aside.keep(Span(start + low, start + high), BULK)
            )
            state = reader.read(layout)
            known: Layout = layout
            if self._same(lambda: self._trial.state(known, state), item.payload):
                table: Table = {"turn": turn} if turn else {}
                if fitted:
                    table["base"] = self._bytes(item.payload, BULK, LARGE)
                return table | {"state": state}
        return {"payload": self._bytes(item.payload, BULK, LARGE)}


def _configuration(item: Configuration) -> Table:
    return {
        "kind": "configuration",
        "machine": item.machine,
        "subsections": [
            {"name": one.name, "version": one.version, "value": _listed(one.value)}
            for one in item.subsections
        ],
    }


def _kind(item: Item) -> str:
    return EOF if isinstance(item, End) else item.label
