"""What a comparison of two streams found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, get_args

import msgspec

from migstream.analysis.diff.sides import Sides
from migstream.names import brief

__all__ = ["PARTS", "Change", "Diff", "Mark", "PartName", "Range"]

Mark = Literal["+", "-", "~"]
PartName = Literal["values", "schema", "memory"]
PARTS: tuple[PartName, ...] = get_args(PartName)


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Part [start, stop) of an array (elements), a buffer or guest memory (bytes) that differs.

    `old` and `new` are the elements, the bytes in hexadecimal, for memory what the pages are:
    "data", "zero", "absent", "unplugged". None where one side has no such elements.
    """

    start: int
    stop: int
    old: Any = None
    new: Any = None

    def __repr__(self) -> str:
        return brief("Range", f"{self.start}-{self.stop}")

    @property
    def texts(self) -> tuple[str, str]:
        """Both as people read them."""
        old, new = (
            " ".join(map(str, side)) if isinstance(side, list) else str(side)
            for side in (self.old, self.new)
        )
        return old, new


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference.

    `mark` is "+" (only in the second stream), "-" (only in the first) or "~". `part` is one of
    PARTS. `what` says what differs: machine, configuration, capability, header, device, order,
    version, vmsd, field, subsection, type, length, bytes, description, block, pages, section,
    commands. `device` is the path of the device concerned. `old` and `new` are as JSON has them,
    the texts as people read them. `ranges` says which elements, and the spans where, in each
    stream's own offsets. `page` is the size in bytes of the pages that changed. `sides` are the bytes
    of both: `change.sides.runs()` says which of them differ, `bits()` which bits. Of guest memory
    they are the first page that differs and that both streams have. `within` is what the element of an
    array that it is in is called: the queue whose index it is.
    """

    mark: Mark
    part: PartName
    what: str
    path: str
    device: str | None = None
    type: str = ""
    old: Any = None
    new: Any = None
    old_text: str = ""
    new_text: str = ""
    ranges: tuple[Range, ...] = ()
    page: int | None = None
    old_span: tuple[int, int] | None = None
    new_span: tuple[int, int] | None = None
    sides: Sides | None = None
    within: str = ""

    def __repr__(self) -> str:
        texts = " → ".join(filter(None, (self.old_text, self.new_text)))
        return brief("Change", self.mark, self.what, self.path, texts)

    @property
    def whole(self) -> bool:
        """Whether it has texts of its own, and not its ranges."""
        return not self.ranges or self.what == "length"

    def place(self, one: Range) -> str:
        """What one of its ranges is called behind the path: `[3]`, `[5..7]`, `[0x1000:0x2000]`."""
        if self.page is not None:
            return f"[{one.start:#x}:{one.stop:#x}]"
        return f"[{one.start}]" if one.stop == one.start + 1 else f"[{one.start}..{one.stop - 1}]"


class Diff(msgspec.Struct, frozen=True):
    """Every difference of two streams, and the paths of the devices that both have alike."""

    changes: tuple[Change, ...]
    alike: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.changes)

    def __repr__(self) -> str:
        return brief("Diff", self.summary)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def _repr_html_(self) -> str:
        from migstream.tables import html_table

        total = sum(len(change.ranges) or 1 for change in self.changes)
        return html_table(repr(self), self._told(), total=total)

    def _told(self) -> Iterator[dict[str, Any]]:
        """A row for each change, or for each of its ranges."""
        for change in self.changes:
            row = {"mark": change.mark, "what": change.what, "path": change.path}
            if change.whole:
                yield row | {"old": change.old_text, "new": change.new_text}
                continue
            for one in change.ranges:
                old, new = one.texts
                yield row | {"path": change.path + change.place(one), "old": old, "new": new}

    @property
    def summary(self) -> str:
        """One line: `3 devices changed (7 fields), 2 pages of pc.ram`."""
        return ", ".join(self._counts()) or "no difference"

    def _counts(self) -> Iterator[str]:
        whole = {"+": "added", "-": "removed"}
        devices = [c for c in self.changes if c.what == "device"]
        for mark, word in whole.items():
            count = sum(c.mark == mark for c in devices)
            if count:
                yield f"{_many(count, 'device')} {word}"
        inside = [c for c in self.changes if c.device is not None and c.what != "device"]
        if inside:
            changed = len({c.device for c in inside})
            fields = len({c.path for c in inside})
            yield f"{_many(changed, 'device')} changed ({_many(fields, 'field')})"
        others = Counter(
            c.what for c in self.changes if c.device is None and c.what not in {"device", "pages"}
        )
        yield from (f"{name} differs" if n == 1 else f"{n} × {name}" for name, n in others.items())
        for change in self.changes:
            if change.page is not None:
                pages = sum(-(-(r.stop - r.start) // change.page) for r in change.ranges)
                yield f"{_many(pages, 'page')} of {change.path.removeprefix('ram/')}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
