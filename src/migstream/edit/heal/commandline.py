"""A QEMU's arguments as they are changed: each option keeps its place and its text until a step asks for another."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from migstream.catalogue.arguments import ALONE, READERS, SILENT, SWITCHES

__all__ = ["CommandLine", "Entry", "Step", "parse_line"]

Do = Literal["add", "remove", "set", "unset"]
VALUED = frozenset(READERS) | SILENT


class Entry(msgspec.Struct, frozen=True):
    """One option with its value (None of a switch, or of a word that is not understood); `number` names it in steps."""

    number: int
    flag: str
    value: str | None = None

    @property
    def name(self) -> str:
        """The option without its dashes; empty for a word that is none."""
        return self.flag.lstrip("-") if self.flag.startswith("-") else ""

    def words(self) -> list[str]:
        return [self.flag] if self.value is None else [self.flag, self.value]

    # --- properties: `first,key=value,…`, or a JSON object -----------------------------------------

    @property
    def head(self) -> str:
        """What stands first: a device's driver, a machine's type."""
        if self._json is not None:
            return str(self._json.get("driver", ""))
        first = self._parts()[0] if self.value else ""
        return first if "=" not in first else ""

    def get(self, key: str) -> str | None:
        """The value of a property as it is written."""
        if self._json is not None:
            return None if key not in self._json else _written(self._json[key])
        return dict(self.pairs()).get(key)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Properties and their values, without what stands first."""
        if self._json is not None:
            yield from ((k, _written(v)) for k, v in self._json.items() if k != "driver")
            return
        for number, part in enumerate(self._parts() if self.value else ()):
            key, equals, value = part.partition("=")
            if equals:
                yield key, value.replace(",,", ",")
            elif number:
                yield key, "on"

    def put(self, key: str, value: str | None) -> Entry:
        """With a property of another value, or (None) without it; with the key "" it is what stands first."""
        if self._json is not None:
            table = {k: v for k, v in self._json.items() if k != (key or "driver")}
            if value is not None:
                table[key or "driver"] = value
            return Entry(self.number, self.flag, json.dumps(table))
        parts = self._parts() if self.value else []
        if not key:
            rest = parts[1:] if parts and "=" not in parts[0] else parts
            return Entry(self.number, self.flag, ",".join([value or "", *rest]))
        made = [] if value is None else [f"{key}={value.replace(',', ',,')}"]
        place = next((n for n, part in enumerate(parts) if _key(part, n) == key), len(parts))
        others = [p for n, p in enumerate(parts) if n != place and _key(p, n) != key]
        others[place:place] = made
        return Entry(self.number, self.flag, ",".join(others))

    @property
    def _json(self) -> dict[str, Any] | None:
        if self.value is None or not self.value.startswith("{"):
            return None
        try:
            return msgspec.json.decode(self.value, type=dict[str, Any])
        except msgspec.DecodeError:
            return None

    def _parts(self) -> list[str]:
        """What stands between commas; two of them are one that is meant."""
        text = (self.value or "").replace(",,", "\0").split(",")
        return [part.replace("\0", ",,") for part in text]


def _key(part: str, number: int) -> str:
    key, equals, _ = part.partition("=")
    return key if equals or number else ""


def _written(value: Any) -> str:
    return ("off", "on")[value] if isinstance(value, bool) else str(value)


class Step(msgspec.Struct, frozen=True):
    """One change of a command line.

    "add" puts an option at the end, "remove" takes one away, "set" and "unset" change one of its
    properties (`key`; empty: what stands first). `number` is the option's.
    """

    do: Do
    number: int
    key: str = ""
    value: str | None = None


class CommandLine(msgspec.Struct, frozen=True):
    """Options in their order."""

    entries: tuple[Entry, ...]

    def words(self) -> list[str]:
        """As a shell would hand them over."""
        return [word for entry in self.entries for word in entry.words()]

    def named(self, *names: str) -> list[Entry]:
        """The options of these names."""
        return [entry for entry in self.entries if entry.name in names]

    def changed(self, steps: Iterable[Step]) -> CommandLine:
        """After these steps; one about an option that is not there does nothing."""
        entries = {entry.number: entry for entry in self.entries}
        for step in steps:
            if step.do == "add":
                entries[step.number] = Entry(step.number, step.key, step.value)
            elif step.number not in entries:
                continue
            elif step.do == "remove":
                del entries[step.number]
            else:
                value = step.value if step.do == "set" else None
                entries[step.number] = entries[step.number].put(step.key, value)
        return CommandLine(tuple(entries.values()))


def parse_line(words: Sequence[str]) -> CommandLine:
    """Arguments, option by option."""
    entries: list[Entry] = []
    left = list(words)
    while left:
        flag = left.pop(0)
        name = flag.lstrip("-") if flag.startswith("-") else ""
        alone = name in ALONE or name in SWITCHES or name not in VALUED
        value = None if alone or not left else left.pop(0)
        entries.append(Entry(len(entries), flag, value))
    return CommandLine(tuple(entries))
