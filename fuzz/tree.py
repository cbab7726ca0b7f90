"""JSON as a tree that keeps what a dictionary would lose: names that come twice, and their order."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

__all__ = ["Pairs", "damage", "dump", "get", "load", "put"]


class Pairs(list[tuple[str, Any]]):
    """An object: its names and values, in their order."""


def load(text: bytes | str) -> Any:
    """The tree of a JSON text."""
    return json.loads(text, object_pairs_hook=Pairs)


def dump(tree: Any) -> bytes:
    """The text of a tree; lone surrogates and control characters become escapes."""
    out: list[str] = []
    _write(tree, out)
    return "".join(out).encode("utf-8", "surrogatepass")


class Raw(str):
    """Text that is written as it is."""

    __slots__ = ()


def _write(tree: Any, out: list[str]) -> None:
    if isinstance(tree, Pairs):
        out.append("{")
        for at, (name, value) in enumerate(tree):
            out.append(f"{', ' if at else ''}{json.dumps(name)}: ")
            _write(value, out)
        out.append("}")
    elif isinstance(tree, list):
        out.append("[")
        for at, value in enumerate(tree):
            if at:
                out.append(", ")
            _write(value, out)
        out.append("]")
    else:
        out.append(tree if isinstance(tree, Raw) else json.dumps(tree))


def get(tree: Any, name: str) -> Any:
    """What an object has under a name, None where it has nothing."""
    return next((v for k, v in tree if k == name), None) if isinstance(tree, Pairs) else None


def put(tree: Pairs, name: str, value: Any) -> None:
    """Give an object another value under a name."""
    for at, (key, _) in enumerate(tree):
        if key == name:
            tree[at] = name, value
            return
    tree.append((name, value))


# --- damage ------------------------------------------------------------------------------------------

NAMES = [
    "", " ", "\ud800", "a\udcffb", "\x1b[31mred", "\x1b]0;title\x07", "a\rb", "a\nb", "\x9b2J", "\u202eabc", "\u2066",
    "\x00", "x" * 255, "x" * 256, "x" * 5000, "a/b", "a[0]", "[", "]", "*", "**", "@0x10", "..", "../../etc", "/", "=",
    "ram", "ram/x", "name", "cpu", "timer", "unused", "é", "日本", "\U0001f600", "\u2028", "\ufeff", "-o", "--json", "%s",
    "{}", "'", '"', "\\", "\x7f", "configuration", "subsections", "fields", "\xad", "\u200b", "a" * 60 + "/" + "b" * 60,
]  # fmt: skip
NUMBERS: list[Any] = [
    0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 255, 256, 4095, 4096, 65535, 65536, 1 << 20, (1 << 31) - 1, 1 << 31,
    (1 << 32) - 1, 1 << 32, 1 << 52, 1 << 62, (1 << 63) - 1, 1 << 63, 1 << 64, 10**40, -1, -8, -(1 << 63),
]  # fmt: skip
ODD: list[Any] = [
    None, True, False, 4.0, 1e308, -0.0, 0.5, "4", "", [], Pairs(), [[]], [Pairs()], "0x10", Raw("NaN"), Raw("1e999"),
    Raw("-Infinity"), Raw("00"), Raw('"\\ud800"'), Raw('"\\u0000"'),
]  # fmt: skip
TYPES = [
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "bool", "buffer", "unused_buffer",
    "struct", "timer", "bitmap", "qtailq", "gtree", "qlist", "QTAILQ", "str", "tmp", "nullptr", "ptr-marker", "CPU_Double_U",
    "CPUDouble", "fdecimal", "uint8 equal", "int32 equal", "pci config", "virtio", "pci irq state", "uint64 equal",
    "variable_length", "no such type", "vmstate_info_fpreg", "fpreg", "ppc pte", "queue", "pixelformat", "uuid",
]  # fmt: skip
KEYS = [
    "name", "type", "size", "array_len", "index", "instance_id", "vmsd_name", "version", "fields", "struct", "subsections",
    "devices", "page_size", "configuration", "key", "val", "entries", "version_id", "vmsdescription",
]  # fmt: skip


def _places(tree: Any) -> list[tuple[Any, int]]:
    """Every place below the top: its container and its index there."""
    found: list[tuple[Any, int]] = []
    left = [tree]
    while left:
        one = left.pop()
        for at, entry in enumerate(one):
            found.append((one, at))
            value = entry[1] if isinstance(one, Pairs) else entry
            if isinstance(value, list):
                left.append(value)
    return found


def _value(container: Any, at: int) -> Any:
    return container[at][1] if isinstance(container, Pairs) else container[at]


def _replace(container: Any, at: int, value: Any) -> None:
    container[at] = (container[at][0], value) if isinstance(container, Pairs) else value


def _odd(random: Random) -> Any:
    """One of ODD, a copy: what is done to it later stays in its own tree."""
    return copy.deepcopy(random.choice(ODD))


def _wrong(old: Any, random: Random) -> Any:
    """Something else in the place of a value, mostly of its own type."""
    if random.random() < 0.25:
        return _odd(random)
    if isinstance(old, str):
        return random.choice(TYPES) if random.random() < 0.5 else random.choice(NAMES)
    if isinstance(old, bool) or not isinstance(old, int):
        return random.choice([_odd(random), *NUMBERS])
    return random.choice([*NUMBERS, old + 1, old - 1, old * 2, -old, old << 8])


def _deep(value: Any, random: Random) -> Raw:
    """A value, nested many times more; as text, since no tree of ours is so deep."""
    before, after = random.choice(
        [
            ("[", "]"),
            ('{"x": ', "}"),
            (
                '{"name": "d", "type": "struct", "size": 1, "struct": {"vmsd_name": "d", "version": 1, "fields": [',
                "]}}",
            ),
        ]
    )
    depth = random.choice([2, 30, 63, 64, 65, 200, 2000])
    return Raw(before * depth + dump(value).decode() + after * depth)


def nothing_many_times(random: Random) -> Pairs:
    """Arrays of structs of no bytes, one inside the other: endless to spell out, nothing to send."""
    count = random.choice([2, 16, 256, 1 << 20, (1 << 31) - 1])
    value = Pairs([("name", "z"), ("type", "uint8"), ("array_len", count), ("size", 0)])
    for depth in range(random.choice([1, 3, 20])):
        inner = Pairs([("vmsd_name", f"n{depth}"), ("version", 1), ("fields", [value])])
        value = Pairs(
            [("name", f"a{depth}"), ("type", "struct"), ("array_len", count), ("size", 0), ("struct", inner)]
        )  # fmt: skip
    return value


def damage(tree: Any, random: Random) -> Any:
    """A tree with one thing wrong; the given one is changed, or another is returned."""
    places = _places(tree) if isinstance(tree, list) else []
    if not places:
        return _odd(random)
    container, at = random.choice(places)
    # A place by what it is called, too: most places are names and types of fields.
    wanted = random.choice(KEYS)
    named = [p for p in places if isinstance(p[0], Pairs) and p[0][p[1]][0] == wanted]
    if named and random.random() < 0.5:
        container, at = random.choice(named)
    value = _value(container, at)
    what = random.randrange(12)
    if what <= 3:
        _replace(container, at, _wrong(value, random))
    elif what == 4:
        del container[at]
    elif what == 5:
        container.insert(random.randrange(len(container) + 1), copy.deepcopy(container[at]))
    elif what == 6:
        other = random.randrange(len(container))
        container[at], container[other] = container[other], container[at]
    elif what == 7:
        _replace(container, at, copy.deepcopy(_value(*random.choice(places))))
    elif what == 8:
        _replace(container, at, _deep(value, random))
    elif what == 9 and isinstance(container, Pairs):
        container[at] = random.choice(KEYS + NAMES), value
    elif what == 10 and isinstance(container, Pairs):
        container.append((random.choice(KEYS), _wrong(value, random)))
    else:
        many = random.choice([2, 3, 17, 300])
        if isinstance(container, Pairs):
            container.extend([container[at]] * (min(20, many)))
        elif len(dump(value)) * many < 1 << 17:
            container.extend(copy.deepcopy(value) for _ in range(many))
    return tree
