"""VMStateDescription: what a device saves, and the interpreter that saves and loads it.

One pass writes the bytes and their description. Rules: QEMU, migration/vmstate.c
(vmstate_save_vmsd_v, vmstate_load_vmsd, vmstate_subsection_save, vmstate_subsection_load).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from migstream.errors import BadSection, ParseError
from migstream.qemu.words import opening, say
from migstream.vmstate.declared.written import Entry, JSONWriter, Release
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType

__all__ = ["Codec", "Field", "Out", "Subsection", "VMStateDescription", "check_count"]

MAX_EMPTY = 1 << 16  # elements of no bytes that an array may have
NO_TEXT = -22  # EINVAL: what a hook of QEMU's returns that has nothing to say
NULL, VALID = 0x30, 0x31  # VMS_MARKER_PTR_NULL, VMS_MARKER_PTR_VALID

Count = int | str | Callable[[Any], int]


class HookFailed(ValueError):
    """A hook's own refusal to save; every field around it is named in QEMU's words."""


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

    `type` is the name in the description. `inner` is a nested VMState; `described` says whether it
    stands under the key `struct`.
    """

    type: str = "unknown"
    inner: VMStateDescription | None = None
    described: ClassVar[bool] = False

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


@dataclass(frozen=True, kw_only=True)
class Field:
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
        inner = self.codec.inner if self.codec.described else None
        return inner is None or (
            not inner.subsections and all(each.compressible for each in inner.fields)
        )

    def initial(self, owner: Any) -> Any:
        """The value of an object that nobody has set yet."""
        if self.default is not None:
            return copy.copy(self.default)
        if self.count is None:
            return self.codec.initial(owner)
        if self.pointers:
            return [None] * amount(self.count, owner)
        return [self.codec.initial(owner) for _ in range(amount(self.count, owner))]

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


@dataclass(frozen=True, kw_only=True)
class Subsection:
    """A VMState that follows the fields of another where it is needed.

    `attribute` is where its own object is kept; None where it describes more of the same object.
    An attribute that is None is not needed, and becomes an object when a stream has it.
    """

    description: VMStateDescription
    attribute: str | None = None
    optional: bool = False
    needed: Callable[[Any], bool] | None = None

    def subject(self, owner: Any) -> Any:
        return owner if self.attribute is None else getattr(owner, self.attribute)

    def wanted(self, owner: Any) -> bool:
        """Whether it is written (vmstate_section_needed)."""
        if self.needed is not None:
            return self.needed(owner)
        subject = self.subject(owner)
        return subject is not None and self.description.is_needed(subject)


@dataclass(frozen=True, kw_only=True)
class VMStateDescription:
    """What a device saves (VMStateDescription of include/migration/vmstate.h).

    Hooks are functions of the object. A loading hook that raises ValueError refuses the stream;
    `post_load` gets the version that was loaded.

    Attributes
    ----------
    name, version_id, minimum_version_id : as there
    fields, subsections : in the order of the wire
    priority : a device with a higher one is saved earlier (MigrationPriority)
    early_setup : saved before guest memory
    factory : makes an object; needed where a list or a pointer grows while loading
    """

    name: str
    version_id: int = 0
    minimum_version_id: int = 0
    fields: tuple[Field, ...] = ()
    subsections: tuple[Subsection, ...] = ()
    priority: int = 0
    early_setup: bool = False
    factory: Callable[[], Any] | None = None
    needed: Callable[[Any], bool] | None = None
    pre_save: Callable[[Any], None] | None = None
    post_save: Callable[[Any], None] | None = None
    pre_load: Callable[[Any], None] | None = None
    post_load: Callable[[Any, int], None] | None = None
    labels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = [each.name for each in self.fields]
        labels = tuple(
            f"{name}[{names[:index].count(name)}]" if names.count(name) > 1 else name
            for index, name in enumerate(names)
        )
        object.__setattr__(self, "labels", labels)

    def is_needed(self, subject: Any) -> bool:
        """Whether the section or subsection is written."""
        return self.needed is None or bool(self.needed(subject))

    # --- written -----------------------------------------------------------------------------

    def save(self, out: Out, subject: Any, version: int | None = None) -> None:
        """Append the state of `subject` and describe it.

        Raises
        ------
        ValueError : a value that its type cannot hold; the message begins with its path. Or what a
            hook had against it, in QEMU's words
        """
        version = self.version_id if version is None else version
        if self.pre_save:
            self._before(self.pre_save, subject)
        try:
            self._save(out, subject, version)
        finally:
            if self.post_save:
                self.post_save(subject)

    def _before(self, hook: Callable[[Any], object], subject: Any) -> None:
        try:
            hook(subject)
        except ValueError as error:
            said = say("source-save/hook", vmsd=self.name, why=str(error))
            raise HookFailed(said if str(error) else say("source-save", vmsd=self.name)) from error

    def _save(self, out: Out, subject: Any, version: int) -> None:
        json = out.json
        if json:
            json.string("vmsd_name", self.name)
            json.number("version", version)
            json.start_array("fields")
        for each, label in zip(self.fields, self.labels, strict=True):
            present = each.present(subject, version)
            if each.must_exist:
                if not present:
                    raise ValueError(f"Output state validation failed: {self.name}/{each.name}")
            elif present:
                try:
                    each.save(out, subject, label)
                except HookFailed as error:
                    raise HookFailed(
                        say("source-save", vmsd=self.name, field=each.name, why=str(error))
                    ) from error
                except ValueError as error:
                    raise ValueError(f"{self.name}/{each.name}: {error}") from None
        if json:
            json.end_array()
        self._save_subsections(out, subject)

    def _save_subsections(self, out: Out, subject: Any) -> None:
        json, any_yet = out.json, False
        for sub in self.subsections:
            if not sub.wanted(subject):
                continue
            if json:
                if not any_yet:
                    json.start_array("subsections")
                json.start_object()
            any_yet = True
            name = sub.description.name.encode("utf-8", "surrogateescape")
            out.data += bytes((SectionType.SUBSECTION, len(name))) + name
            out.data += sub.description.version_id.to_bytes(4, "big")
            sub.description.save(out, sub.subject(subject))
            if json:
                json.end_object()
        if json and any_yet:
            json.end_array()

    # --- read --------------------------------------------------------------------------------

    def load(self, cur: Cursor, subject: Any, version: int | None = None) -> None:
        """Read state into `subject`, which after an error is half changed: see `snapshot`.

        Raises
        ------
        ParseError : what QEMU would refuse, in its words
        """
        version = self.version_id if version is None else version
        self._check_version(cur, version)
        if self.pre_load:
            self._hook(cur, "pre", partial(self.pre_load, subject))
        for each, label in zip(self.fields, self.labels, strict=True):
            present = each.present(subject, version)
            if each.must_exist:
                if not present:
                    raise self._invalid(cur, each)
            elif present:
                self._load_field(cur, each, label, subject)
        self._load_subsections(cur, subject)
        if self.post_load:
            self._hook(cur, "post", partial(self.post_load, subject, version))

    def _check_version(self, cur: Cursor, version: int) -> None:
        if version > self.version_id:
            raise BadSection(
                say("too-new", vmsd=self.name, received=version, local=self.version_id),
                at=cur.offset,
                expected=self.version_id,
                found=version,
                hint="the stream was written by a newer device",
            )
        if version < self.minimum_version_id:
            raise BadSection(
                say("too-old", vmsd=self.name, received=version, local=self.minimum_version_id),
                at=cur.offset,
                expected=self.minimum_version_id,
                found=version,
                hint="the stream was written by an older device",
            )

    def _hook(self, cur: Cursor, when: str, hook: Callable[[], object]) -> None:
        """In QEMU's words, which name the version of the description and not the one that is loaded
        (migration/vmstate.c: vmstate_pre_load, vmstate_post_load). QEMU up to 10.1 has none.
        """
        try:
            hook()
        except ParseError:
            raise
        except ValueError as error:
            values: dict[str, int | str] = {
                "when": when,
                "vmsd": self.name,
                "version": self.version_id,
                "minimum": self.minimum_version_id,
            }
            if not str(error):
                values["error"] = NO_TEXT
            said = say(f"hook/{when}", **values)
            raise BadSection(f"{said}: {error}" if str(error) else said, at=cur.offset) from error

    def _invalid(self, cur: Cursor, each: Field) -> BadSection:
        return BadSection(
            say("validation", vmsd=self.name, field=each.name, version=self.version_id),
            at=cur.offset,
            hint="a value that this device does not allow",
        )

    def _load_field(self, cur: Cursor, each: Field, label: str, subject: Any) -> None:
        try:
            each.load(cur, subject)
        except ParseError as error:
            if not error.message.startswith(
                opening("field")
            ):  # the innermost field is the one to name
                said = say("field", vmsd=self.name, field=each.name)
                error.message = f"{said}: {error.message}"
            error.under(label)
            raise

    def _load_subsections(self, cur: Cursor, subject: Any) -> None:
        own = self.name.encode("utf-8", "surrogateescape")
        while cur.peek(1) == bytes((SectionType.SUBSECTION,)):
            start = cur.offset
            head = cur.peek(2)
            length = head[1] if len(head) == 2 else 0
            name = cur.peek(2 + length)[2:]
            if length < len(own) + 1 or len(name) != length or not name.startswith(own):
                return  # it belongs to a VMState around this one, or is no subsection at all
            text = name.decode("utf-8", "surrogateescape")
            sub = next((s for s in self.subsections if s.description.name == text), None)
            if sub is None:
                raise BadSection(
                    say("subsection-missing/vm", subsection=text, vmsd=self.name),
                    at=start,
                    found=text,
                    hint="the stream comes from a newer device, or one with other features",
                )
            cur.take(2 + length)
            version = cur.u32() & 0xFF  # the loader keeps it in eight bits
            try:
                sub.description.load(cur, self._subject(sub, subject), version)
            except ParseError as error:
                error.under(text)
                raise

    def _subject(self, sub: Subsection, owner: Any) -> Any:
        subject = sub.subject(owner)
        if subject is None and sub.attribute is not None:
            subject = sub.description.make()
            setattr(owner, sub.attribute, subject)
        return subject

    def make(self) -> Any:
        """A new object of this kind."""
        if self.factory is None:
            raise TypeError(f"{self.name} has no factory to make an object with")
        return self.factory()
