"""The description as QEMU writes it while it saves, and how each release groups arrays in it.

Arrays: migration/vmstate.c (vmsd_desc_field_start, vmsd_desc_field_end, vmstate_save_vmsd_v).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence

import msgspec

from migstream.qemu.release import parse
from migstream.vmstate.jsontext import Style, write_text

__all__ = ["RELEASES", "Entry", "JSONWriter", "Nulls", "Release", "release"]

ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}


class Nulls(enum.Enum):
    """What the description says of null pointers in an array."""

    FIRST = "an entry for element 0 alone, a null pointer or not"
    NULLPTR = "an entry for each run, `nullptr` for those of null pointers"
    MARKER = "an entry for each run, `ptr-marker` for those of null pointers"


class Entry(msgspec.Struct, frozen=True):
    """What the description says of one element of an array.

    `shown` is false for those that an entry before speaks for. `key` and `value` are the pair that
    tells an array, None without one. `marker` is the type's name where the entry is that of a
    marker byte, None where it is the element's own.
    """

    shown: bool
    key: tuple[str, int] | None = None
    marker: str | None = None


HIDDEN = Entry(False)


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between releases in what they write.

    Attributes
    ----------
    name : the first release that writes so
    style : of the description's text
    configuration : the description begins with the configuration
    nulls : how null pointers in arrays are described
    remaining : an array's length counts from the element on, so that the last has no key
    switchover_start : the command SWITCHOVER_START comes before the first END (machine types
        from 10.0 on)
    early_first : devices that are saved before guest memory come before its START
    """

    name: str
    style: Style = Style.COMPACT
    configuration: bool = False
    nulls: Nulls = Nulls.FIRST
    remaining: bool = False
    switchover_start: bool = False
    early_first: bool = False

    def entries(
        self, count: int, nulls: Sequence[bool] | None, *, compressible: bool, marked: bool = False
    ) -> Iterator[Entry]:
        """The entries of an array, one for each element.

        Parameters
        ----------
        count : number of elements
        nulls : for an array of pointers, which elements are null
        compressible : neither the field nor what is inside comes and goes, or is marked
        marked : a marker byte comes before every element (VMS_ARRAY_OF_POINTER_AUTO_ALLOC); its
            own entry, if the element is there, follows with the same key
        """
        if self.nulls is Nulls.FIRST or (nulls is None and self.nulls is Nulls.NULLPTR):
            yield from self._plain(count, compressible)
        elif self.nulls is Nulls.NULLPTR:
            yield from self._nullptr(count, nulls or (), compressible)
        else:
            yield from self._marker(count, nulls, compressible, marked)

    def check_marked(self) -> None:
        """Raises ValueError where no QEMU of this kind puts a marker before every element."""
        if self.nulls is not Nulls.MARKER:
            first = next(each.name for each in RELEASES if each.nulls is Nulls.MARKER)
            raise ValueError(
                f"QEMU writes a marker before each element from {first} on: "
                f'it takes SaveVM(..., release="{first}")'
            )

    def _plain(self, count: int, compressible: bool) -> Iterator[Entry]:
        for index in range(count):
            if compressible:
                first = Entry(True, ("array_len", count) if count > 1 else None)
                yield HIDDEN if index else first
                continue
            most = count - index if self.remaining else count
            yield Entry(True, ("index", index) if most > 1 else None)

    def _nullptr(self, count: int, nulls: Sequence[bool], compressible: bool) -> Iterator[Entry]:
        """Runs are told apart only where a null pointer begins or ends one: the first of others
        has the whole array's length (vmstate_save_state_v of 10.0: is_prev_null).
        """
        shown, before = True, False
        for index, null in enumerate(nulls):
            most = count - index
            if null != before:
                before, shown = null, True
                most = _run(nulls, index)
            key = "array_len" if compressible or null else "index"
            value = most if key == "array_len" else index
            marker = "nullptr" if null else None
            yield Entry(shown, (key, value) if most > 1 else None, marker)
            shown = shown and not compressible

    def _marker(
        self, count: int, nulls: Sequence[bool] | None, compressible: bool, marked: bool
    ) -> Iterator[Entry]:
        """As `_nullptr`, but an element that stands alone hides nobody, and nothing has an index
        (vmstate_save_vmsd_v of 11.1: max_elems).
        """
        shown, before = True, False
        for index in range(count):
            null = nulls is not None and nulls[index]
            most = count - index if compressible else 1
            if nulls is not None and most > 1 and null != before:
                before, shown = null, True
                most = _run(nulls, index)
            marker = "ptr-marker" if null or marked else None
            yield Entry(shown, ("array_len", most) if most > 1 else None, marker)
            shown = shown and most <= 1


def _run(nulls: Sequence[bool], start: int) -> int:
    """How many elements from `start` on are alike."""
    stop = start
    while stop < len(nulls) and nulls[stop] == nulls[start]:
        stop += 1
    return stop - start


RELEASES = (
    Release(name="2.3", style=Style.QJSON),
    Release(name="6.0"),
    Release(name="8.2", configuration=True),
    Release(
        name="10.0",
        configuration=True,
        nulls=Nulls.NULLPTR,
        remaining=True,
        switchover_start=True,
    ),
    Release(
        name="11.1",
        configuration=True,
        nulls=Nulls.MARKER,
        switchover_start=True,
        early_first=True,
    ),
)


def release(name: str) -> Release:
    """How QEMU `name` ("7.2", "10.0.13") writes; raises ValueError for one before 2.3.

    Releases between those of the table write as the one before them.
    """
    wanted = parse(name)[:2]
    known = [each for each in RELEASES if parse(each.name) <= wanted]
    if not known:
        raise ValueError(f"QEMU {name} writes no description: the first that does is 2.3")
    return known[-1]


class JSONWriter:
    """Writes the description's text, item after item, as QEMU's own writers do."""

    def __init__(self, style: Style = Style.COMPACT) -> None:
        self._parts: list[bytes] = []
        self._comma = False
        self._style = style
        inside, colon, _ = style.value
        self._inside, self._colon = inside.encode(), colon.encode()

    def _item(self, key: str | None) -> None:
        if self._comma:
            self._parts.append(b", ")
        self._comma = True
        if key is not None:
            self._parts += (write_text(key, self._style), self._colon)

    def _open(self, bracket: bytes, key: str | None) -> None:
        self._item(key)
        self._parts += (bracket, self._inside)
        self._comma = False

    def _close(self, bracket: bytes) -> None:
        self._parts += (self._inside, bracket)
        self._comma = True

    def start_object(self, key: str | None = None) -> None:
        self._open(b"{", key)

    def end_object(self) -> None:
        self._close(b"}")

    def start_array(self, key: str | None = None) -> None:
        self._open(b"[", key)

    def end_array(self) -> None:
        self._close(b"]")

    def number(self, key: str, value: int) -> None:
        self._item(key)
        self._parts.append(b"%d" % value)

    def string(self, key: str, value: str) -> None:
        self._item(key)
        self._parts.append(write_text(value, self._style))

    def getvalue(self) -> bytes:
        """The text so far."""
        return b"".join(self._parts)
