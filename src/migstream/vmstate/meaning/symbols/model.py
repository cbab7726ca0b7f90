"""What a symbol is, and the forms in which tables of them are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = [
    "Bits",
    "Symbol",
    "Symbols",
    "Table",
    "address",
    "beside",
    "bits",
    "called",
    "date",
    "elements",
    "enumeration",
    "labelled",
    "listed",
    "neighbour",
    "number_in_path",
    "numbers",
    "text",
    "top",
    "words",
]

SILENT, UNNAMED = ".", "-"


class Symbol(msgspec.Struct, frozen=True):
    """A name for a value, in the words of its specification, and what it means; either may be empty."""

    name: str = ""
    description: str = ""


# Of what a value holds, and the value itself: where it stands can say more.
Symbols = Callable[[Any, "Value"], Symbol]
# By the path from the device or blob, without indices; `*/name` for a field wherever it stands.
Table = Mapping[str, Symbols]


class Bits:
    """Symbols of a number whose bits have names of their own.

    Attributes
    ----------
    name : of one bit, by its number, of a value; empty where it has none
    parts : those with a name, the lowest first; empty where this depends on the value
    """

    def __init__(
        self,
        of: Symbols,
        name: Callable[[int, Value], str],
        parts: Callable[[], tuple[Part, ...]] = tuple,
    ) -> None:
        self._of = of
        self.name = name
        self.parts = parts

    def __call__(self, value: Any, at: Value, /) -> Symbol:
        return self._of(value, at)


class Part(msgspec.Struct, frozen=True):
    """Bits that have one name."""

    name: str
    shift: int
    width: int


def bits(spec: str, first: int = 0) -> Bits:
    """Names of bits from `first` on, the lowest first; bits below are not looked at.

    `NAME` is one bit, `NAME:3` a number of three bits (said as `NAME=5` where it is not 0); `-` has no
    name and is said by its number, as is what stands behind the last; `.` says nothing (`-:4`, `.:4` for four).
    """

    def of(value: Any, _: Value) -> Symbol:
        if not isinstance(value, int):
            return Symbol()
        if value < 0:
            value &= (1 << 64) - 1
        parts = _parts(spec, first)
        end = parts[-1].shift + parts[-1].width if parts else first
        said: list[str] = []
        for part in parts:
            field = value >> part.shift & (1 << part.width) - 1
            if not field or part.name == SILENT:
                continue
            if part.name == UNNAMED:
                said += _numbered(field, part.shift)
            else:
                said.append(part.name if part.width == 1 else f"{part.name}={field}")
        return Symbol(" ".join([*said, *_numbered(value >> end, end)]))

    def called(bit: int, _: Value) -> str:
        for part in _parts(spec, first):
            if part.shift <= bit < part.shift + part.width and part.name not in {SILENT, UNNAMED}:
                return part.name if part.width == 1 else f"{part.name}.{bit - part.shift}"
        return ""

    def named() -> tuple[Part, ...]:
        return tuple(p for p in _parts(spec, first) if p.name not in {SILENT, UNNAMED})

    return Bits(of, called, named)


@cache
def _parts(spec: str, first: int) -> tuple[Part, ...]:
    """Taken apart when a value is looked at: a table has many, and few are."""
    parts, at = [], first
    for token in spec.split():
        name, _, width = token.partition(":")
        parts.append(Part(name, at, int(width or 1)))
        at += int(width or 1)
    return tuple(parts)


def _numbered(field: int, shift: int) -> list[str]:
    return [f"bit {shift + n}" for n in range(field.bit_length()) if field >> n & 1]


def enumeration(known: Mapping[int, str | tuple[str, str]]) -> Symbols:
    """Names of numbers, some with a description."""

    def of(value: Any, _: Value) -> Symbol:
        said = known.get(value, "") if isinstance(value, int) else ""
        return Symbol(said) if isinstance(said, str) else Symbol(*said)

    return of


def words(known: Mapping[str, str]) -> Symbols:
    """Descriptions of words that stand in a buffer, with a NUL behind them."""

    def of(value: Any, _: Value) -> Symbol:
        if not isinstance(value, bytes):
            return Symbol()
        word = value.partition(b"\0")[0].decode("ascii", "replace")
        return Symbol(word, known[word]) if word in known else Symbol()

    return of


def text(*, swapped: bool = False) -> Symbols:
    """What a buffer says in letters, up to its first NUL and without blanks around it.

    Parameters
    ----------
    swapped : of each two letters the second comes first
    """

    def of(value: Any, _: Value) -> Symbol:
        if not isinstance(value, bytes):
            return Symbol()
        if swapped:
            pairs = (value[n : n + 2][::-1] for n in range(0, len(value), 2))
            value = b"".join(pairs)
        said = value.partition(b"\0")[0].decode("latin-1").strip()
        return Symbol(said) if said.isascii() and said.isprintable() else Symbol()

    return of


def elements(names: Sequence[str], known: Mapping[int, Symbols] | None = None) -> Symbols:
    """What each element of an array is, by its number, and what it holds where `known` has that."""

    def of(value: Any, at: Value) -> Symbol:
        number = number_in_path(at)
        if number is None or not at.path.endswith("]"):
            return Symbol()
        name = names[number] if number < len(names) else ""
        inner = known[number](value, at) if known and number in known else Symbol()
        return Symbol(" ".join(filter(None, (name, inner.name))), inner.description)

    return of


def address(spec: str, low: int) -> Bits:
    """Flags in the bits below `low`, and an address above them: `ENABLED at 0x7ffe000`."""
    flags = bits(spec)

    def of(value: Any, at: Value) -> Symbol:
        if not isinstance(value, int) or not value:
            return Symbol()
        mask = (1 << low) - 1
        where = f"at {value & ~mask:#x}" if value & ~mask else ""
        return Symbol(" ".join(filter(None, (flags(value & mask, at).name, where))))

    return Bits(of, lambda bit, at: flags.name(bit, at) if bit < low else "")


def date(unit: int = 1) -> Symbols:
    """A time since 1970, `unit` of which are a second, as a date of UTC."""

    def of(value: Any, _: Value) -> Symbol:
        from datetime import UTC, datetime

        if not isinstance(value, int) or value <= 0:
            return Symbol()
        try:
            when = datetime.fromtimestamp(value // unit, UTC)
        except (ValueError, OverflowError, OSError):
            return Symbol()
        return Symbol("", f"{when:%Y-%m-%d %H:%M:%S} UTC")

    return of


def neighbour(value: Value, name: str) -> int | None:
    """The number that is called so in the same struct or array, None where there is none."""
    found = None if value.above is None else next((v for v in value.above if v.name == name), None)
    single = found is not None and found.kind == "leaf" and found.count is None
    number = found.value if found is not None and single else None
    return number if isinstance(number, int) else None


def called(name: str, inner: Symbol) -> Symbol:
    """What a register is called, and then what it holds."""
    return Symbol(f"{name} {inner.name}".strip(), inner.description)


def labelled(names: str, inner: Symbols | None = None) -> Symbols:
    """Names of the elements of an array by number, `-` for none, and then what `inner` says of them."""

    def of(value: Any, at: Value) -> Symbol:
        said = Symbol() if inner is None else inner(value, at)
        number = number_in_path(at)
        known = names.split()
        if number is None or number >= len(known) or known[number] == UNNAMED:
            return said
        return called(known[number].upper(), said)

    return of


def listed(name: Callable[[int], str], width: int = 32) -> Bits:
    """Bits that are one long row over an array: the names of those that are set."""

    def of(value: Any, at: Value) -> Symbol:
        if not isinstance(value, int):
            return Symbol()
        first = width * (number_in_path(at) or 0)
        return Symbol(" ".join(name(first + n) for n in range(width) if value >> n & 1))

    return Bits(of, lambda bit, at: name(width * (number_in_path(at) or 0) + bit))


def top(at: Value) -> Value:
    """The device that a value stands in."""
    while at.above is not None:
        at = at.above
    return at


def beside(at: Value, name: str, index: int | None = None) -> int | None:
    """The number that the device has under this name at its top, an element of it where it is an array."""
    found = next((one for one in top(at).children if one.name == name), None)
    if found is None or found.kind not in {"leaf", "sequence"}:
        return None
    if index is not None:
        if not 0 <= index < (found.count or 0):
            return None
        found = found.element(index)
    held = found.value if found.kind == "leaf" and found.count is None else None
    return held if isinstance(held, int) else None


def numbers(inside: Value, *names: str) -> list[int] | None:
    """The numbers that a struct has under these names; None where it lacks one, or one is something else."""
    held = {
        one.name: one.value
        for one in inside
        if one.name in names and one.kind == "leaf" and one.count is None
    }
    found = [one for name in names if isinstance(one := held.get(name), int)]
    return found if len(found) == len(names) else None


def number_in_path(value: Value) -> int | None:
    """The last index in a value's path: which element it is."""
    _, bracket, rest = value.path.rpartition("[")
    number = rest.partition("]")[0]
    return int(number) if bracket and number.isdigit() else None
