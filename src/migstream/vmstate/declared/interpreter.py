"""VMStateDescription: what a device saves, and the interpreter that saves and loads it.

One pass writes the bytes and their description. Rules: QEMU, migration/vmstate.c
(vmstate_save_vmsd_v, vmstate_load_vmsd, vmstate_subsection_save, vmstate_subsection_load).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from migstream.errors import BadSection, ParseError
from migstream.qemu.words import opening, say
from migstream.vmstate.declared.fields import Field, Out
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType

__all__ = ["Subsection", "VMStateDescription"]

NO_TEXT = -22  # EINVAL: what a hook of QEMU's returns that has nothing to say
MAX_EMPTY = 1 << 16  # elements of no bytes that an array may have
NO_TEXT = -22  # EINVAL: what a hook of QEMU's returns that has nothing to say
NULL, VALID = 0x30, 0x31  # VMS_MARKER_PTR_NULL, VMS_MARKER_PTR_VALID

Count = int | str | Callable[[Any], int]


class HookFailed(ValueError):
    """A hook's own refusal to save; every field around it is named in QEMU's words."""


class Subsection(msgspec.Struct, frozen=True, kw_only=True):
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


class VMStateDescription(msgspec.Struct, frozen=True, kw_only=True):
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
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [each.name for each in self.fields]
        labels = tuple(
            f"{name}[{names[:index].count(name)}]" if names.count(name) > 1 else name
            for index, name in enumerate(names)
        )
        msgspec.structs.force_setattr(self, "labels", labels)

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
