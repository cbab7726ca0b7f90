"""Codecs: what an element of a declared field is on the wire.

QEMU, migration/vmstate-types.c; widths and byte order come from the one table of
`migstream.vmstate.types`.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from migstream.errors import BadSection, ParseError
from migstream.qemu.words import say
from migstream.vmstate.declared.fields import Codec, Count, Out, amount, check_count
from migstream.vmstate.declared.interpreter import VMStateDescription
from migstream.vmstate.types import TYPES, WireType
from migstream.wire.cursor import Cursor

__all__ = [
    "AtMost",
    "Bitmap",
    "Equal",
    "Info",
    "Nested",
    "Nothing",
    "Queue",
    "Raw",
    "Scalar",
    "Struct",
    "Tmp",
    "Tree",
    "Unused",
    "VStruct",
    "scalar",
]

ZEROS = {"float": 0.0, "bool": False, "bytes": b"", "text": "", "marker": None}


class Scalar(Codec):
    """A type of the table whose width is known, or which says its own length."""

    def __init__(self, wire: WireType) -> None:
        self.wire = wire
        self.type = wire.name

    def initial(self, owner: Any) -> Any:  # noqa: ARG002 - as every codec
        if self.wire.words:
            return self.wire.decode(memoryview(bytes(self.wire.size or 0)))
        return ZEROS.get(self.wire.kind, 0)

    def save(self, out: Out, value: Any, owner: Any) -> None:  # noqa: ARG002
        out.data += self.wire.encode(value)

    def save_all(self, out: Out, values: Sequence[Any], owner: Any) -> None:  # noqa: ARG002
        out.data += self.wire.encode_all(values)

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        return self.wire.decode(self._take(cur))

    def load_all(self, cur: Cursor, count: int, current: Sequence[Any], owner: Any) -> list[Any]:
        if type(self) is Scalar and self.wire.size:
            return self.wire.bulk(cur.take(count * self.wire.size), count)
        return super().load_all(cur, count, current, owner)

    def _take(self, cur: Cursor) -> memoryview:
        if self.wire.size is not None:
            return cur.take(self.wire.size)
        head = bytes(cur.take(1 if self.wire.kind == "text" else 4))
        return memoryview(head + bytes(cur.take(int.from_bytes(head, "big"))))


class Equal(Scalar):
    """Both sides must have the same value (vmstate_info_uint32_equal and its kind)."""

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:
        at = cur.offset
        value = super().load(cur, current, owner)
        if value != current:
            mask = (1 << 8 * (self.wire.size or 8)) - 1
            raise BadSection(
                say("equal", received=current & mask, local=value & mask),
                at=at,
                expected=current,
                found=value,
                hint="a size or number that is fixed when the machine is built",
            )
        return value


class AtMost(Scalar):
    """The value must be from 0 to that of this side (vmstate_info_int32_le)."""

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:
        at = cur.offset
        value = super().load(cur, current, owner)
        if not 0 <= value <= current:
            raise BadSection(
                say("positive", value=value, limit=current),
                at=at,
                expected=f"0 to {current}",
                found=value,
            )
        return value


def scalar(name: str) -> Codec:
    """The codec of a type of the table; raises ValueError for a name that is not in it, or has no
    length of its own.
    """
    wire = TYPES.get(name)
    own_length = wire is not None and (
        wire.size is not None or name in {"capability", "GByteArray"}
    )
    if wire is None or not own_length:
        raise ValueError(f"{name!r} is not a wire type that has a length of its own")
    if name.endswith(" equal"):
        return Equal(wire)
    return AtMost(wire) if name == "int32 le" else Scalar(wire)


class Raw(Codec):
    """Bytes whose number both sides know: `buffer`, `pci config`, ..."""

    def __init__(self, type_: str, size: Count, make: Callable[[bytes], Any] = bytes) -> None:
        self.type = type_
        self.size = size
        self.make = make

    def initial(self, owner: Any) -> Any:
        return self.make(bytes(amount(self.size, owner)))

    def save(self, out: Out, value: Any, owner: Any) -> None:
        size = amount(self.size, owner)
        if len(value) != size:
            raise ValueError(f"{len(value)} bytes, where {size} are written")
        out.data += value

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        size = check_count(amount(self.size, owner), cur, f"the size of a {self.type}")
        return self.make(bytes(cur.take(size)))


class Unused(Codec):
    """Padding: zeros that nobody reads (vmstate_info_unused_buffer)."""

    type = "unused_buffer"

    def __init__(self, size: Count) -> None:
        self.size = size

    def initial(self, owner: Any) -> Any:  # noqa: ARG002
        return None

    def save(self, out: Out, value: Any, owner: Any) -> None:  # noqa: ARG002
        out.data += bytes(amount(self.size, owner))

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        cur.take(check_count(amount(self.size, owner), cur, "the size of an unused_buffer"))


class Nothing(Codec):
    """The codec of a field that is a check and no value (VMSTATE_VALIDATE)."""

    def initial(self, owner: Any) -> Any:  # noqa: ARG002
        return None


class Bitmap(Codec):
    """Bits as one number, bit 0 the lowest; big-endian words of 64 bits, the lowest word first
    (put_bitmap).
    """

    type = "bitmap"

    def __init__(self, bits: Count) -> None:
        self.bits = bits

    def initial(self, owner: Any) -> Any:  # noqa: ARG002
        return 0

    def save(self, out: Out, value: Any, owner: Any) -> None:
        bits = amount(self.bits, owner)
        if value < 0 or value >> bits:
            raise ValueError(f"bitmap: {value:#x} has more than {bits} bits")
        out.data += _swapped(value.to_bytes(_words(bits), "little"))

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        bits = check_count(amount(self.bits, owner), cur, "the size of a bitmap")
        little = _swapped(bytes(cur.take(_words(bits))))
        return int.from_bytes(little, "little") & ((1 << bits) - 1)


def _swapped(words: bytes) -> bytes:
    """Words of 64 bits, the bytes of each in the other order."""
    swapped = array("Q", words)
    swapped.byteswap()
    return swapped.tobytes()


def _words(bits: int) -> int:
    """Bytes of a bitmap: whole words of 64 bits."""
    return (bits + 63) // 64 * 8


class Nested(Codec):
    """Elements are objects of their own."""

    def __init__(self, inner: VMStateDescription) -> None:
        self.inner = inner


class Struct(Nested):
    """A nested VMState at its own version, under the key `struct`."""

    type = "struct"
    described: ClassVar[bool] = True

    @property
    def compressible(self) -> bool:
        inner = self.inner
        return not self.described or (
            not inner.subsections and all(each.compressible for each in inner.fields)
        )

    def initial(self, owner: Any) -> Any:  # noqa: ARG002
        return self.inner.make()

    def save(self, out: Out, value: Any, owner: Any) -> None:  # noqa: ARG002
        self.inner.save(out, value)

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        subject = self.inner.make() if current is None else current
        self.inner.load(cur, subject)
        return subject


class VStruct(Struct):
    """A nested VMState at the version that the outer one fixes (VMS_VSTRUCT)."""

    type = "vstruct"
    described: ClassVar[bool] = False

    def __init__(self, inner: VMStateDescription, version: int) -> None:
        super().__init__(inner)
        self.version = version

    def save(self, out: Out, value: Any, owner: Any) -> None:  # noqa: ARG002
        self.inner.save(out, value, self.version)

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        subject = self.inner.make() if current is None else current
        self.inner.load(cur, subject, self.version)
        return subject


class Tmp(Nested):
    """A VMState of an object that lives for the transfer only; its `parent` is the owner
    (vmstate_info_tmp): `pre_save` fills it from there, `post_load` writes back.

    It is saved at its own version and loaded at that of the field, which no macro of QEMU sets
    (load_tmp, VMSTATE_WITH_TMP): `version`.
    """

    type = "tmp"

    def __init__(self, inner: VMStateDescription, version: int = 0) -> None:
        super().__init__(inner)
        self.version = version

    def initial(self, owner: Any) -> Any:  # noqa: ARG002
        return None

    def _made(self, owner: Any) -> Any:
        made = self.inner.make()
        made.parent = owner
        return made

    def save(self, out: Out, value: Any, owner: Any) -> None:  # noqa: ARG002
        self.inner.save(out, self._made(owner))

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        self.inner.load(cur, self._made(owner), self.version)


class Queue(Nested):
    """A list of any length: a byte 1 before each element, a byte 0 at the end (save_qtailq).

    Elements are saved at their own version and loaded at that of the field (load_qtailq,
    load_qlist): `version`, None where it is the elements' own.
    """

    def __init__(self, type_: str, inner: VMStateDescription, version: int | None = None) -> None:
        self.type = type_
        super().__init__(inner)
        self.version = version

    def initial(self, owner: Any) -> Any:  # noqa: ARG002
        return []

    def save(self, out: Out, value: Any, owner: Any) -> None:  # noqa: ARG002
        for element in value:
            out.data.append(1)
            self.inner.save(out, element)
        out.data.append(0)

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        _check_version(cur, self.inner, self.version)
        loaded: list[Any] = []
        while cur.u8():
            element = self.inner.make()
            _under(f"[{len(loaded)}]", self.inner, cur, element, self.version)
            loaded.append(element)
        return loaded


class Tree(Nested):
    """A search tree: the number of nodes, each after a byte 1, a byte 0 (save_gtree).

    A key is a number of 64 bits where `key` is None, else a VMState; the value is a dict or a list
    of pairs. It is written in the order of the keys, whatever the order here, for a GTree has no
    other. How a device compares keys that are VMStates is not part of their description: `order`
    makes of a key what is compared; without it, that is the key's fields, the first one first.

    Nodes are saved at their own version and loaded at that of the field (load_gtree): `version`,
    None where it is their own.
    """

    type = "gtree"

    def __init__(
        self,
        key: VMStateDescription | None,
        inner: VMStateDescription,
        version: int | None = None,
        order: Callable[[Any], Any] | None = None,
    ) -> None:
        self.key = key
        super().__init__(inner)
        self.version = version
        self.order = order

    def initial(self, owner: Any) -> Any:  # noqa: ARG002
        return [] if self.key else {}

    def _nodes(self, value: Any) -> list[tuple[Any, Any]]:
        pairs = value.items() if self.key is None else value
        rank = self.order or (partial(_fields, self.key) if self.key else None)
        try:
            return sorted(pairs, key=lambda pair: rank(pair[0]) if rank else pair[0])
        except TypeError as error:
            raise ValueError(f"keys of a tree that have no order: {error}") from None

    def ordered(self, value: Any) -> Any:
        try:
            nodes = self._nodes(value)
        except ValueError:
            return value
        return dict(nodes) if self.key is None else nodes

    def save(self, out: Out, value: Any, owner: Any) -> None:  # noqa: ARG002
        nodes = self._nodes(value)
        out.data += len(nodes).to_bytes(4, "big")
        for key, element in nodes:
            out.data.append(1)
            if self.key is None:
                out.data += TYPES["uint64"].encode(key)
            else:
                self.key.save(out, key)
            self.inner.save(out, element)
        out.data.append(0)

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        if self.key is not None:
            _check_version(cur, self.key, self.version)
        _check_version(cur, self.inner, self.version)
        at = cur.offset
        count = cur.u32()
        loaded: list[tuple[Any, Any]] = []
        while (more := bool(cur.u8())) and len(loaded) < count:
            key = cur.u64() if self.key is None else self.key.make()
            if self.key is not None:
                _under(f"key[{len(loaded)}]", self.key, cur, key, self.version)
            element = self.inner.make()
            _under(f"[{len(loaded)}]", self.inner, cur, element, self.version)
            loaded.append((key, element))
        if more or len(loaded) != count:
            raise BadSection(
                say("list-inconsistent", vmsd="gtree:"),
                at=at,
                expected=count,
                found=len(loaded) + more,
            )
        return dict(loaded) if self.key is None else loaded


def _fields(description: VMStateDescription, key: Any) -> tuple[Any, ...]:
    """What a key's fields hold, in their order, as something that can be compared."""
    return tuple(
        _fields(each.codec.inner, each.get(key))
        if isinstance(each.codec, Nested) and each.count is None
        else each.get(key)
        for each in description.fields
        if each.attribute is not None
    )


def _check_version(cur: Cursor, inner: VMStateDescription, version: int | None) -> None:
    """Whether elements can be loaded at the field's version; asked of an empty list too."""
    if version is None or inner.minimum_version_id <= version <= inner.version_id:
        return
    raise BadSection(
        say(
            "list-version/new" if version > inner.version_id else "list-version/old",
            vmsd=inner.name,
        ),
        at=cur.offset,
        expected=f"{inner.minimum_version_id} to {inner.version_id}",
        found=version,
        hint="elements are loaded at the version of their field: see since=",
    )


def _under(
    step: str, inner: VMStateDescription, cur: Cursor, element: Any, version: int | None
) -> None:
    try:
        inner.load(cur, element, version)
    except ParseError as error:
        error.under(step)
        raise


class Info(Codec):
    """A type of one's own, by two functions (VMStateInfo).

    Parameters
    ----------
    type_ : its name in the description
    put : the bytes of a value
    get : reads a value
    initial : the value of an object that nobody has set yet
    """

    def __init__(
        self,
        type_: str,
        put: Callable[[Any], bytes],
        get: Callable[[Cursor], Any],
        initial: Any = None,
    ) -> None:
        self.type = type_
        self._put, self._get, self._initial = put, get, initial

    def initial(self, owner: Any) -> Any:  # noqa: ARG002
        return self._initial

    def save(self, out: Out, value: Any, owner: Any) -> None:  # noqa: ARG002
        out.data += self._put(value)

    def load(self, cur: Cursor, current: Any, owner: Any) -> Any:  # noqa: ARG002
        return self._get(cur)
