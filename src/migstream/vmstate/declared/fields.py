"""One entry of a VMState, and how its elements are written and read.

Rules: QEMU, migration/vmstate.c (vmstate_save_vmsd_v, vmstate_load_vmsd).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import msgspec

from migstream.errors import BadSection, ParseError
from migstream.qemu.words import say
from migstream.vmstate.declared.written import Entry, JSONWriter, Release
from migstream.wire.cursor import Cursor

__all__ = ["Codec", "Count", "Field", "Out", "amount", "check_count"]

MAX_EMPTY = 1 << 16  # elements of no bytes that an array may have
NULL, VALID = 0x30, 0x31  # VMS_MARKER_PTR_NULL, VMS_MARKER_PTR_VALID

Count = int | str | Callable[[Any], int]


class Out:
    """Bytes being written, and their description beside them.

    `json` is None where nothing is described: by the caller's wish, or since an element before
    speaks for all of its array.
    """

    def __init__(self, release: Release, json: JSONWriter | None = None) -> None:
        self.data = bytearray()
        self.release = release
        self.json = json


class Codec:
    """How one element is written and read: VMStateInfo, or what QEMU does by flags.

    `type` is the name in the description. `described` says whether a nested VMState stands under
    the key `struct`, and `compressible` whether that never comes and goes in parts.
    """

    type: str = "unknown"
    described: ClassVar[bool] = False

    @property
    def compressible(self) -> bool:
        """Whether all elements have the same fields (vmsd_can_compress)."""
        return True

    def initial(self, owner: Any) -> Any:
        """The value of an object that nobody has set yet."""
        raise NotImplementedError

    def save(self, out: Out, value: Any, owner: Any) -> None:
        """Append the element's bytes; raises ValueError where the value cannot be written."""
        raise NotImplementedError

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:
        """Read an element and return it; `current` is the value that it replaces."""
        raise NotImplementedError

    def ordered(self, value: Any) -> Any:
        """A value of several parts in the order in which they are written; as it is where that is
        not known.
        """
        return value

    def save_all(self, out: Out, values: Sequence[Any], owner: Any) -> None:
        """Append elements that the description says nothing of."""
        for value in values:
            self.save(out, value, owner)

    def load_all(self, cur: Cursor, count: int, current: Sequence[Any], owner: Any) -> list[Any]:
        """Read `count` elements; missing ones of `current` are made."""
        loaded: list[Any] = []
        for index in range(count):
            old = current[index] if index < len(current) else self.initial(owner)
            try:
                before = cur.offset
                loaded.append(self.load(cur, old, owner))
                if cur.offset == before and count > MAX_EMPTY:
                    raise BadSection(f"{count} elements without bytes", at=before)
            except ParseError as error:
                error.under(f"[{index}]")
                raise
        return loaded


def amount(what: Count, owner: Any) -> int:
    """A count or size: a number, the name of the attribute that holds it, or a function of the object."""
    if isinstance(what, int):
        return what
    return int(getattr(owner, what) if isinstance(what, str) else what(owner))


def check_count(count: int, cur: Cursor, what: str) -> int:
    """A count or size of bytes that came out of the stream, or an error."""
    if count < 0:
        raise BadSection(f"{what} is {count}", at=cur.offset, expected="0 or more", found=count)
    return count


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a VMState (VMStateField).

    Attributes
    ----------
    name : as in the description; several fields may share one
    attribute : where the value is kept in the object, None for one that is not kept
    codec : how an element is written
    count : elements of an array, None for a single value
    since : the version that has it first (version_id); ignored where `exists` is given
    exists : whether the field is there, of the object and the version in use (field_exists)
    pointers : elements may be None (VMS_ARRAY_OF_POINTER)
    marked : a marker byte comes before each of them (VMS_ARRAY_OF_POINTER_AUTO_ALLOC, 11.1)
    must_exist : nothing is written; `exists` must hold (VMSTATE_VALIDATE)
    default : the value, or that of each element, that nobody has set yet
    """

    name: str
    codec: Codec
    attribute: str | None = None
    count: Count | None = None
    since: int = 0
    exists: Callable[[Any, int], bool] | None = None
    pointers: bool = False
    marked: bool = False
    must_exist: bool = False
    default: Any = None

    def present(self, owner: Any, version: int) -> bool:
        """Whether the field is on the wire (vmstate_field_exists)."""
        return self.exists(owner, version) if self.exists else self.since <= version

    @property
    def compressible(self) -> bool:
        """Whether one element's description can speak for all (vmsd_can_compress)."""
        if self.exists is not None or self.must_exist or self.marked:
            return False
        return self.codec.compressible

    def initial(self, owner: Any) -> Any:
        """The value of an object that nobody has set yet."""
        if self.count is None:
            return self.codec.initial(owner) if self.default is None else copy.copy(self.default)
        if self.pointers:
            return [None] * amount(self.count, owner)
        count = amount(self.count, owner)
        if self.default is not None:
            return [copy.copy(self.default) for _ in range(count)]
        return [self.codec.initial(owner) for _ in range(count)]

    def get(self, owner: Any) -> Any:
        return None if self.attribute is None else getattr(owner, self.attribute)

    def written(self, owner: Any) -> Any:
        """The value in the order of the wire."""
        value = self.get(owner)
        return value if self.count is not None else self.codec.ordered(value)

    def set(self, owner: Any, value: Any) -> None:
        if self.attribute is None:
            return
        old = getattr(owner, self.attribute, None)
        if isinstance(old, list) and isinstance(value, list):
            old[:] = value  # whoever holds the list sees the new elements
        else:
            setattr(owner, self.attribute, value)

    # --- written -----------------------------------------------------------------------------

    def save(self, out: Out, owner: Any, label: str) -> None:
        """Append the value, or all elements; `label` is the name with its number, if it has one."""
        if self.count is None:
            self._save_one(out, self.get(owner), owner, label, Entry(True))
            return
        if self.marked:
            out.release.check_marked()
        values = self.get(owner)
        count = amount(self.count, owner)
        if len(values) != count:
            raise ValueError(f"{len(values)} elements, where {count} are written")
        if out.json is None and not self.pointers:
            self.codec.save_all(out, values, owner)
            return
        json, compressible = out.json, self.compressible
        nulls = [value is None for value in values] if self.pointers else None
        entries = out.release.entries(count, nulls, compressible=compressible, marked=self.marked)
        if nulls is None and compressible and count > 1:
            self._save_one(out, values[0], owner, label, next(iter(entries)))
            out.json = None
            self.codec.save_all(out, values[1:], owner)
        else:
            for value, entry in zip(values, entries, strict=True):
                out.json = json if entry.shown else None
                self._save_element(out, value, owner, label, entry)
        out.json = json

    def _save_element(self, out: Out, value: Any, owner: Any, label: str, entry: Entry) -> None:
        if self.marked:
            self._marker(out, label, entry, VALID if value is not None else NULL)
            if value is None:
                return
            entry = Entry(entry.shown, entry.key)
        elif value is None and self.pointers:
            self._marker(out, label, entry, NULL)
            return
        self._save_one(out, value, owner, label, entry)

    def _marker(self, out: Out, label: str, entry: Entry, byte: int) -> None:
        """One byte for a pointer. Its own entry knows no number: it is none of the fields."""
        own = f"{self.name}[-1]" if entry.marker and label != self.name else label
        start = len(out.data)
        self._open(out.json, own, entry)
        out.data.append(byte)
        self._end(out, start, entry)

    def _save_one(self, out: Out, value: Any, owner: Any, label: str, entry: Entry) -> None:
        start = len(out.data)
        self._open(out.json, label, entry)
        self.codec.save(out, value, owner)
        self._end(out, start, entry)

    def _open(self, json: JSONWriter | None, label: str, entry: Entry) -> None:
        if json is None:
            return
        json.start_object()
        json.string("name", label)
        if entry.key is not None:
            json.number(*entry.key)
        json.string("type", entry.marker or self.codec.type)
        if self.codec.described and entry.marker is None:
            json.start_object("struct")

    def _end(self, out: Out, start: int, entry: Entry) -> None:
        if out.json is None:
            return
        if self.codec.described and entry.marker is None:
            out.json.end_object()
        out.json.number("size", len(out.data) - start)
        out.json.end_object()

    # --- read --------------------------------------------------------------------------------

    def load(self, cur: Cursor, owner: Any) -> None:
        """Read the value, or all elements, into the object."""
        current = self.get(owner)
        if self.count is None:
            self.set(owner, self.codec.load(cur, current, owner))
            return
        count = check_count(amount(self.count, owner), cur, f"the number of {self.name}")
        if not self.pointers:
            self.set(owner, self.codec.load_all(cur, count, current, owner))
            return
        loaded = []
        for index in range(count):
            old = current[index] if index < len(current) else None
            loaded.append(self._load_pointer(cur, old, owner))
        self.set(owner, loaded)

    def _load_pointer(self, cur: Cursor, old: Any, owner: Any) -> Any:
        """An element that may be null. Without a marker before each, only this side's own shape
        says which are there (vmstate_load_next).
        """
        if old is not None and not self.marked:
            return self.codec.load(cur, old, owner)
        at = cur.offset
        byte = cur.u8()
        if byte == VALID and self.marked:
            return self.codec.load(cur, self.codec.initial(owner), owner)
        if byte != NULL:
            raise BadSection(
                say("null-pointer", value=byte),
                at=at,
                expected="30 or 31" if self.marked else "30",
                found=f"{byte:02x}",
                hint="the arrays of pointers have other shapes on the two sides",
            )
        return None
