"""Values: views of a device's bytes through its layout. Nothing is decoded until asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.errors import MigstreamError
from migstream.names import brief, prose
from migstream.vmstate.layout import Layout, Node, step_to
from migstream.vmstate.plain import plain
from migstream.vmstate.types import WireType, wire_type
from migstream.wire.model import Span

if TYPE_CHECKING:
    import numpy as np

    from migstream.vmstate.meaning.symbols import Symbol

__all__ = ["Fetch", "Root", "Value", "root"]

Fetch = Callable[[int, int], memoryview]

SHORT = 64  # bytes of the longest value that a repr shows
MOST_NAMES = 1000  # that are offered to complete a key
LONGEST = 1024  # bytes of a value that a table shows


class Root(msgspec.Struct, frozen=True):
    """The device in which values stand, and where their bytes come from.

    `device` is its section's name, `vmsd` that of its VMState, `path` the path to it. `described`
    is false where no description says what the bytes are, `machine` None where the stream names none.
    `now` tells the guest's virtual time in ns when it was saved, None where the stream does not say.
    `meaning` is false where nothing but the description is to say what values are. `big_endian` tells
    the guest's CPUs are of an architecture that is. `fields` are the names of what stands at its top.
    """

    fetch: Fetch
    path: str
    device: str
    vmsd: str
    version: int | None
    machine: str | None
    described: bool
    now: Callable[[], int | None] = lambda: None
    meaning: bool = True
    big_endian: Callable[[], bool] = lambda: False
    fields: Callable[[], frozenset[str]] = frozenset


class Value:
    """One value, struct, array or subsection, and the bytes that are its own.

    `name`, `type` and `kind` are the description's; `path` leads here; `span` is absolute.
    """

    __slots__ = ("_named", "_parts", "above", "device", "node", "path", "span")

    def __init__(
        self, node: Node, start: int, path: str, device: Root, above: Value | None = None
    ) -> None:
        self.node = node
        self.span = Span(start, start + node.size)
        self.path = path
        self.device = device
        self.above = above
        self._parts: tuple[Node, ...] | None = (
            None  # what is inside of a blob, once it was asked for
        )
        self._named: str | None = None  # the same of `name_inside`

    def __repr__(self) -> str:
        many = "" if self.count is None else f"[{self.count}]"
        return brief("Value", self.path, f"{self.type}{many}", self._said(), f"at {self.span}")

    def _said(self) -> str:
        """A single short value, if it can be read."""
        if self.kind != "leaf" or self.count is not None or self.span.size > SHORT:
            return ""
        try:
            return f"= {self.text}"
        except MigstreamError:  # damage, or the stream is closed: not for a repr to tell
            return "= unreadable"

    def _row_(self) -> dict[str, object]:
        single = self.kind == "leaf" and self.count is None
        return {
            "path": self.path,
            "type": self.type,
            "count": self.count,
            "value": self.value if single else None,
            "span.start": self.span.start,
            "span.stop": self.span.stop,
        }

    def _repr_html_(self) -> str:
        """What is inside, with short values."""
        from migstream.tables import html_table

        inside = islice(self, MOST_NAMES)
        shown = (
            {"name": one.name, "type": one.type, "value": _cell(one), "bytes": one.span}
            for one in inside
        )
        return html_table(repr(self), shown, total=self._how_many())

    def _how_many(self) -> int:
        """How many iterating gives, which may be more than anybody wants to count one by one."""
        if self.count is not None:
            return self.count
        return sum(1 for _ in self.children)

    def __index__(self) -> int:
        """A single integer, also as `int(value)`; raises TypeError where it is not one."""
        found = self.value if self.kind == "leaf" and self.count is None else None
        if isinstance(found, int):
            return int(found)
        raise TypeError(f"{self._what()} is not an integer")

    def __bytes__(self) -> bytes:
        """The bytes as they are in the stream, copied."""
        return bytes(self.raw)

    def _what(self) -> str:
        many = "" if self.count is None else f"[{self.count}]"
        return f"{prose(self.path)} ({prose(self.type)}{many})"

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def type(self) -> str:
        """QEMU's word: "uint32", "struct", "timer"."""
        return self.node.type

    @property
    def kind(self) -> str:
        """One of leaf, struct, sequence, subsection."""
        return self.node.kind

    @property
    def count(self) -> int | None:
        """Number of elements of an array, None for a single value."""
        return self.node.count

    @property
    def wire(self) -> WireType:
        return wire_type(self.node.type, self.node.stride)

    @property
    def raw(self) -> memoryview:
        """The bytes as they are in the stream, uncopied."""
        return self.device.fetch(*self.span)

    @property
    def value(self) -> Any:
        """What the bytes mean.

        A number, bool, bytes or None for a single value; a NumPy array (big-endian, a view of
        the stream's bytes) for an array of plain values; a dict or a list for what has children.
        """
        if self.kind != "leaf":
            return self.plain()
        return self.wire.decode(self.raw) if self.count is None else _view(self)

    def array(self) -> np.ndarray[Any, Any]:
        """An array of numbers as NumPy, pandas and Arrow compute with it: in the order of this machine.

        Shape (count,), or (count, words) where each element is several numbers; a copy. `value`
        is the view without a copy, in the order of the stream.

        Raises
        ------
        TypeError : it is not an array, or its elements are not numbers of one type
        Truncated : the bytes end too early
        """
        import numpy as np

        runs: list[Value] = []
        if self.count is not None and self.kind in {"leaf", "sequence"}:
            runs = [self] if self.kind == "leaf" else list(self.children)
        if not all(r.kind == "leaf" and r.wire.numeric for r in runs) or (
            len({run.type for run in runs}) != 1
        ):
            raise TypeError(
                f"{self._what()} is not an array of numbers of one type:"
                " `.value` has it as Python objects, `.raw` its bytes"
            )
        views = [_view(run) for run in runs]
        whole = views[0] if len(views) == 1 else np.concatenate(views)
        return np.array(whole, whole.dtype.newbyteorder("="), order="C")

    @property
    def text(self) -> str:
        """The value as a person reads it; for what has children, a word on what it is.

        A number, then its symbol and description, where it has them; bytes, which may be many,
        stand behind those.
        """
        if self.kind == "leaf" and self.count is None:
            actual = self.wire.text(self.wire.decode(self.raw), self.node.size)
            named = self._symbol
            if named is None:
                return actual
            more = f"({named.description})" if named.description else ""
            said = " ".join(filter(None, (named.name, more)))
            if self.wire.kind == "bytes":
                return f"{said}, {actual}" if said else actual
            return f"{actual} {said}".rstrip()
        if self.count is not None:
            return f"{self.type}[{self.count}]"
        return self.symbol

    @property
    def symbol(self) -> str:
        """What a single value is called: names of bits that are set, or of the number; empty if nothing.

        A struct has one where it is one of several that have names: `transmitq1` of `queues[1]`.
        """
        named = self._symbol
        return "" if named is None else named.name

    @property
    def description(self) -> str:
        """What a single value means, in a few words, where its symbol does not say it; else empty."""
        named = self._symbol
        return "" if named is None else named.description

    @property
    def _symbol(self) -> Symbol | None:
        single = self.kind in {"leaf", "struct"} and self.count is None
        if not single or not self.device.meaning:
            return None
        from migstream.vmstate.meaning.symbols import symbol

        return symbol(self)

    @property
    def name_around(self) -> str:
        """What the innermost struct that has a name, and in which this stands, is called; else empty.

        That is an element of an array: `transmitq1` of what stands in `queues[1]`.
        """
        return "" if self.above is None else self.above.name_inside

    @property
    def name_inside(self) -> str:
        """The `name_around` of what stands in this."""
        if self._named is None:
            self._named = (self.symbol if self.kind == "struct" else "") or self.name_around
        return self._named

    @property
    def hex(self) -> str:
        """A single value in hexadecimal: `0x` and the full width, raw bytes for buffers."""
        return self.wire.hex(self.wire.decode(self.raw), self.node.size)

    # --- children ----------------------------------------------------------------------------

    @property
    def children(self) -> Iterator[Value]:
        """What this consists of, made one at a time: fields of a struct, elements of an array."""
        if self.node.repeats:
            if self.kind == "struct":
                yield from (self.element(i) for i in range(self.count or 0))
            return
        if self.kind == "sequence":
            index = 0
            for node in self.node.children:
                span = (
                    f"[{index}]" if node.count is None else f"[{index}..{index + node.count - 1}]"
                )
                yield self._child(msgspec.structs.replace(node, name=span), span)
                index += node.count or 1
            return
        for node in self.node.children or self._inside():
            yield self._child(node, step_to(node.name))

    def _child(self, node: Node, step: str) -> Value:
        return self.laid(node, self.span.start + node.offset, self.path + step)

    def laid(self, node: Node, start: int, path: str) -> Value:
        """A value that stands in this one: what `node` says of the bytes from `start` of the stream on."""
        return Value(node, start, path, self.device, self)

    def _inside(self) -> tuple[Node, ...]:
        """Parts of a composite value that the description shows as one blob (`virtio`, ...)."""
        if (
            self.kind != "leaf"
            or self.count is not None
            or self.wire.code
            or not self.device.meaning
        ):
            return ()
        if self._parts is None:
            from migstream.vmstate.meaning.decoders import inside

            self._parts = inside(self)
        return self._parts

    def element(self, index: int) -> Value:
        """Element `index` of an array; raises IndexError."""
        count = self.count
        if count is None or not 0 <= index < count:
            raise IndexError(f"{self.path} has {count or 0} elements")
        if self.kind == "sequence":
            at = 0
            for node in self.node.children:
                here = node.count or 1
                if index < at + here:
                    if node.count is None:
                        return self._child(
                            msgspec.structs.replace(node, name=f"[{index}]"), f"[{index}]"
                        )
                    return self._child(node, "").labelled(index - at, index)
                at += here
        return self.labelled(index, index)

    def labelled(self, index: int, label: int) -> Value:
        """Element `index` under the number `label`: a run of a longer array counts on."""
        stride = self.node.stride
        node = msgspec.structs.replace(
            self.node, name=f"[{label}]", offset=0, size=stride, count=None
        )
        return self.laid(node, self.span.start + index * stride, f"{self.path}[{label}]")

    def elements(self) -> Iterator[Value]:
        """All elements of an array, one at a time."""
        if self.kind != "sequence":
            return (self.element(i) for i in range(self.count or 0))
        return self._in_turn()

    def _in_turn(self) -> Iterator[Value]:
        at = 0
        for node in self.node.children:
            if node.count is None:
                yield self._child(msgspec.structs.replace(node, name=f"[{at}]"), f"[{at}]")
            else:
                run = self._child(node, "")
                yield from (run.labelled(i, at + i) for i in range(node.count))
            at += 1 if node.count is None else node.count

    def __getitem__(self, path: str | int) -> Value:
        """The value that `path` names under this one; raises NoSuchPath (also a KeyError)."""
        from migstream.vmstate.paths import find_one

        return self.element(path) if isinstance(path, int) else find_one(self, path)

    def __contains__(self, path: object) -> bool:
        """Whether `path` names anything under this value. Raises TypeError for what is not a path."""
        from migstream.vmstate.paths import find

        if not isinstance(path, str):
            raise TypeError(
                f"a path is looked for in {prose(self.path)}, not {type(path).__name__} {path!r}:"
                " what an array holds is in its `.value`"
            )
        return next(find(self, path), None) is not None

    def _ipython_key_completions_(self) -> list[str]:
        if self.count is not None:
            return []
        return [child.name for child in islice(self.children, MOST_NAMES)]

    def __iter__(self) -> Iterator[Value]:
        return self.elements() if self.count is not None else self.children

    def leaves(self) -> Iterator[Value]:
        """Every value under this one that has bytes of its own, in the order of the stream."""
        children = iter(self.children)
        first = next(children, None)
        if first is None:
            yield self
            return
        yield from first.leaves()
        for child in children:
            yield from child.leaves()

    def owner(self, offset: int) -> Value:
        """The innermost value that owns the byte at an absolute offset inside this one."""
        if self.node.repeats and self.node.stride:
            return self.element((offset - self.span.start) // self.node.stride).owner(offset)
        for child in self.children:
            if offset in child.span:
                return child.owner(offset)
        return self

    # --- plain data --------------------------------------------------------------------------

    def plain(self) -> Any:
        """As JSON has it: numbers, booleans, null, hex strings for bytes, lists and objects."""
        return plain(self.node, self.raw, 0)


def _cell(value: Value) -> str:
    """The value as a table has it: nothing long is made into text for that."""
    if value.kind == "leaf" and value.count is None and value.span.size > LONGEST:
        return f"{value.span.size} bytes"
    try:
        return value.text
    except MigstreamError:
        return "unreadable"


def _view(value: Value) -> np.ndarray[Any, Any]:
    """Elements of an array of plain values as a NumPy view, shape (count,), no copy."""
    count = 1 if value.count is None else value.count
    return value.wire.array(value.raw, count, value.node.stride)


def root(
    layout: Layout,
    payload: Span,
    path: str,
    fetch: Fetch,
    *,
    device: str | None = None,
    machine: str | None = None,
    described: bool = True,
    now: Callable[[], int | None] = lambda: None,
    meaning: bool = True,
    big_endian: Callable[[], bool] = lambda: False,
) -> Value:
    """The whole of a device section as one value.

    Parameters
    ----------
    path : what the paths of its values begin with
    device : the section's name; `path` where it is not given
    machine : the machine type, where the stream names one
    described : whether `layout` is the description's; if not, the payload is one buffer
    now : the guest's virtual time in ns
    meaning : whether blobs are gone into, and numbers have names
    big_endian : whether the guest's architecture is
    """
    node = Node(
        name=path,
        type=layout.vmsd_name,
        kind="struct",
        offset=0,
        size=payload.size,
        stride=payload.size,
        version=layout.version,
        children=layout.children,
    )
    where = Root(
        fetch,
        path,
        path if device is None else device,
        layout.vmsd_name,
        layout.version,
        machine,
        described,
        now,
        meaning,
        big_endian,
        cache(lambda: frozenset(child.name for child in layout.children)),
    )
    return Value(node, payload.start, path, where)
