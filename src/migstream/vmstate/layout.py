"""A description compiled to a layout: where each value of a device section lies.

Offsets are in bytes from the start of the enclosing struct, so that one node serves all elements
of an array. Rules and their exceptions: QEMU, migration/vmstate.c (vmstate_save_state_v,
vmsd_desc_field_start).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise, product

import msgspec

from migstream.names import brief, encoded
from migstream.vmstate.description import Device, Field, Group
from migstream.wire import write

__all__ = [
    "Layout",
    "Node",
    "compile_device",
    "fit_device",
    "header_of",
    "step_to",
    "subsection_header",
]

MARKER = "ptr-marker"
NULLS = {MARKER, "nullptr"}
NULL, VALID = 0x30, 0x31
MOST_OPEN = 4  # arrays of pointers of one device that are tried in every way
LISTS = {"qtailq", "qlist"}
# Values without bytes that a description may tell of beyond those its bytes pay for, for each entry
# of the layout. QEMU has some: an array of structs whose fields were all left out.
FREE = 16


class Node(msgspec.Struct, frozen=True):
    """One entry of a layout.

    `kind` is "leaf" (a value, or `count` of them), "struct" (children; an array of `count` where
    given), "sequence" (elements described one by one: the children are the elements) or
    "subsection" (children after a header of 6 + len(name) bytes).
    `offset` counts from the enclosing struct, `stride` is the size of one element.
    """

    name: str
    type: str
    kind: str
    offset: int
    size: int
    count: int | None = None
    stride: int = 0
    version: int | None = None
    children: tuple[Node, ...] = ()

    def __repr__(self) -> str:
        many = "" if self.count is None else f"[{self.count}]"
        return brief("Node", self.name, f"{self.type}{many}", f"{self.size} at +{self.offset:#x}")

    def child(self, name: str) -> Node | None:
        return next((c for c in self.children if c.name == name), None)

    @property
    def repeats(self) -> bool:
        """Whether its children are those of each of `count` elements: an array that is not gone into.

        The elements of a sequence have been described one by one: they are its children.
        """
        return self.count is not None and self.kind != "sequence"

    def walk(self, base: int = 0, path: str = "") -> Iterator[tuple[Node, int, str]]:
        """Every node below this one, with its offset and path, parents first. Arrays are not gone into.

        Parameters
        ----------
        base : the offset of this node itself
        path : its path; the others begin with it
        """
        for child in () if self.repeats else self.children:
            at, here = base + child.offset, path + step_to(child.name)
            yield child, at, here
            yield from child.walk(at, here)


class Layout(msgspec.Struct, frozen=True):
    """Layout of one device section's payload: `size` bytes in all.

    `version` is None for old-style devices, whose description has none.
    `exact` is false where the description is known not to say how long something is; such a
    section's end is found by its footer. `certain` is false where the bytes have to tell which of
    an array's pointers are null: `fit_device` asks them. `beyond` is true where the description
    tells of more values without any bytes than anybody can look at (arrays of nothing, nested); the
    payload is one buffer then.
    """

    vmsd_name: str
    version: int | None
    size: int
    children: tuple[Node, ...]
    exact: bool = True
    certain: bool = True
    beyond: bool = False

    def walk(self, base: int = 0, path: str = "") -> Iterator[tuple[Node, int, str]]:
        """Every node of the payload, as `Node.walk` has them."""
        for child in self.children:
            at, here = base + child.offset, path + step_to(child.name)
            yield child, at, here
            yield from child.walk(at, here)

    def __repr__(self) -> str:
        return brief("Layout", self.vmsd_name, f"v{self.version}", f"{self.size} bytes")


class Reading(msgspec.Struct, frozen=True):
    """One way to understand the entries of an array of pointers: how many elements each of them
    speaks for, and an element behind them that none speaks for.
    """

    counts: tuple[int, ...]
    hidden: Field | None = None


def step_to(name: str) -> str:
    """What the path of something of this name has beyond the path of what it is in: an element of a list is no field."""
    return name if name.startswith("[") else f"/{name}"


def subsection_header(name: str) -> int:
    """Bytes of a subsection before its fields: type, counted name, version (vmstate_subsection_save)."""
    return 1 + 1 + len(encoded(name)) + 4


def header_of(node: Node) -> bytes:
    """These bytes of a node that is one, whatever its name is; without a version that is 0."""
    name = encoded(node.name)
    counted = bytes((len(name) & 0xFF,)) + name
    return write.subsection_header(counted, (node.version or 0) & 0xFFFFFFFF)


class _Compiler:
    """Compiles groups. With `data` (the payload) subsections count only where the bytes show them.

    `picks` says for each array that can be understood in several ways which one it is; `readings`
    is how many ways each has. `fits` tells whether the bytes agree.
    """

    def __init__(self, data: memoryview | None = None, picks: Sequence[int] = ()) -> None:
        self.data = data
        self.exact = self.certain = self.fits = True
        self.nothing = False
        self.picks = picks
        self.readings: list[int] = []

    def _present(self, name: str, at: int) -> bool:
        if self.data is None:
            return True
        raw = encoded(name)
        head = bytes((5, len(raw) & 0xFF)) + raw
        return bytes(self.data[at : at + len(head)]) == head

    def group(self, group: Group, base: int) -> tuple[tuple[Node, ...], int]:
        """Nodes of a VMState whose first byte is at `base` of the payload, and its size."""
        nodes: list[Node] = []
        at = 0
        for run in _runs(group.fields):
            field = run[0]
            if len(run) == 1 and field.type != MARKER:
                count = 1 if field.array_len is None else field.array_len
                node = self._entry(field, field.array_len, count, base, at)
            else:
                node = self._run(run, self._read(run), base, at)
            nodes.append(node)
            at += node.size
        for sub in group.subsections:
            if not self._present(sub.vmsd_name, base + at):
                continue
            head = subsection_header(sub.vmsd_name)
            children, size = self.group(sub, base + at + head)
            children = tuple(msgspec.structs.replace(c, offset=c.offset + head) for c in children)
            nodes.append(
                Node(
                    name=sub.vmsd_name,
                    type="subsection",
                    kind="subsection",
                    offset=at,
                    size=head + size,
                    version=sub.version,
                    children=children,
                )
            )
            at += head + size
        return tuple(nodes), at

    def _read(self, run: Sequence[Field]) -> Reading:
        """How the entries are to be understood: as they stand, or as `picks` has it."""
        readings = list(_readings(run))
        if _may_hide(run):
            self.exact = self.certain = False
        if len(readings) == 1:
            return readings[0]
        turn = len(self.readings)
        self.readings.append(len(readings))
        return readings[self.picks[turn] if turn < len(self.picks) else 0]

    def _run(self, run: Sequence[Field], reading: Reading, base: int, at: int) -> Node:
        """Entries of one name: a single one stays itself, several are the elements of an array."""
        if len(run) == 1 and reading.hidden is None:
            field = run[0]
            return self._entry(field, field.array_len, reading.counts[0], base, at)
        paired = self._paired(run, base + at)
        hidden = () if reading.hidden is None else (reading.hidden,)
        elements: list[Node] = []
        inner = 0
        counts = (*reading.counts, *(1 for _ in hidden))
        for field, count in zip((*run, *hidden), counts, strict=True):
            whole = self._entry(field, count if count > 1 else None, count, base + at, inner)
            inner += whole.size
            if paired and field.type != MARKER:
                elements[-1] = _marked(elements[-1], whole)
            else:
                elements.append(whole)
        self._check_markers(elements, base + at)
        kinds = [f.type for f in run if f.type not in NULLS]
        return Node(
            name=run[0].name,
            type=kinds[0] if kinds else run[0].type,
            kind="sequence",
            offset=at,
            size=inner,
            count=sum(e.count or 1 for e in elements),
            children=tuple(elements),
        )

    def _paired(self, run: Sequence[Field], at: int) -> bool:
        """Whether each pointer has a marker of its own (VMS_ARRAY_OF_POINTER_AUTO_ALLOC), and what it
        points to follows. Where null pointers and others alternate one by one, the entries of an
        array without markers look the same, and the bytes differ: a marker says what follows.
        """
        if not _marks_all(run):
            return False
        if any(a.type == b.type == MARKER for a, b in pairwise(run)):
            return True
        if self.data is None:
            self.certain = False
            return True
        return at < len(self.data) and self.data[at] == VALID

    def _check_markers(self, elements: Sequence[Node], base: int) -> None:
        """Whether the bytes have null pointers where these elements have them."""
        for node in elements if self.data is not None else ():
            marked = node.kind == "struct" and node.count is None and node.child(MARKER)
            if node.type == MARKER or marked:
                at = base + node.offset
                byte = VALID if marked else NULL
                found = bytes((self.data or b"")[at : at + (node.count or 1)])
                self.fits = self.fits and found == bytes((byte,)) * (node.count or 1)

    def _entry(self, field: Field, count: int | None, n: int, base: int, at: int) -> Node:
        kind, stride = "leaf", field.size
        children: tuple[Node, ...] = ()
        if field.struct is not None:
            kind = "struct"
            children, stride = self._nested(field, field.struct, base + at)
        elif field.inline and n == 1:
            children = self._inline(field, base + at)
            kind = "struct" if children else "leaf"
        self.nothing |= not stride
        return Node(
            name=field.name,
            type=field.type,
            kind=kind,
            offset=at,
            size=stride * n,
            count=count,
            stride=stride,
            version=None if field.struct is None else field.struct.version,
            children=children,
        )

    def _nested(self, field: Field, group: Group, base: int) -> tuple[tuple[Node, ...], int]:
        children, size = self.group(group, base)
        if self.data is not None:
            return children, size
        if size != field.size:
            self.exact = False
            children = ()
        elif not group.fields and field.size == 1 and (field.array_len or 1) > 1:
            # element 0 is a null pointer, and that is all that QEMU up to 9.x says of the array
            self.exact = False
        return children, field.size

    def _inline(self, field: Field, base: int) -> tuple[Node, ...]:
        """Nodes of VMStates put beside the entry's keys: tmp, vstruct, lists and trees."""
        if field.type in LISTS:
            return self._elements(field, base, lead=0, prefix=(0,))
        if field.type == "gtree":
            return self._tree(field, base)
        nodes, size = self.group(field.inline[0], base)
        return nodes if len(field.inline) == 1 and size == field.size else ()

    def _elements(
        self, field: Field, base: int, lead: int, prefix: Sequence[int], keys: int = 0
    ) -> tuple[Node, ...]:
        """{01, element}* 00 after `lead` bytes; `prefix` and `keys` serve the tree's variants."""
        nodes: list[Node] = []
        at = lead
        step = len(prefix)
        groups = field.inline
        for index in range(0, len(groups), step):
            nodes.append(_leaf(f"more[{index // step}]", "uint8", at, 1))
            at += 1
            if keys:
                nodes.append(_leaf(f"key[{index // step}]", "uint64", at, keys))
                at += keys
            for part, group in zip(
                ("key", "value") if step == 2 else ("",), groups[index:], strict=False
            ):
                children, size = self.group(group, base + at)
                name = f"{part}[{index // step}]"
                nodes.append(
                    Node(name, "struct", "struct", at, size, None, size, group.version, children)
                )
                at += size
        nodes.append(_leaf("end", "uint8", at, 1))
        return tuple(nodes) if at + 1 == field.size else ()

    def _tree(self, field: Field, base: int) -> tuple[Node, ...]:
        head = _leaf("nnodes", "uint32", 0, 4)
        for keys, prefix in ((8, (0,)), (0, (0, 1))):
            nodes = self._elements(field, base, lead=4, prefix=prefix, keys=keys)
            if nodes:
                return (head, *nodes)
        return ()


def _leaf(name: str, type_: str, offset: int, size: int) -> Node:
    return Node(name=name, type=type_, kind="leaf", offset=offset, size=size, stride=size)


def _marked(marker: Node, element: Node) -> Node:
    """A pointer's marker byte (11.1) and what it announces, as one element."""
    if element.kind == "struct" and element.count is None:
        inside = tuple(msgspec.structs.replace(c, offset=c.offset + 1) for c in element.children)
    else:
        inside = (msgspec.structs.replace(element, offset=1, name="value"),)
    return Node(
        name=element.name,
        type=element.type,
        kind="struct",
        offset=marker.offset,
        size=1 + element.size,
        stride=1 + element.size,
        version=element.version,
        children=(msgspec.structs.replace(marker, offset=0, name=MARKER), *inside),
    )


def _runs(fields: Iterable[Field]) -> list[list[Field]]:
    """Fields grouped by name where they follow each other."""
    runs: list[list[Field]] = []
    for field in fields:
        if not runs or runs[-1][0].name != field.name:
            runs.append([])
        runs[-1].append(field)
    return runs


def _marks_all(run: Sequence[Field]) -> bool:
    """Whether the entries are, or look like, those of an array with a marker before each element:
    none has a count, and a marker comes before everything else.
    """
    return (
        run[0].type == MARKER
        and all(field.array_len is None for field in run)
        and all(MARKER in (one.type, next_.type) for one, next_ in pairwise(run))
    )


def _readings(run: Sequence[Field]) -> Iterator[Reading]:
    """What an array's entries can mean, the most likely first (vmstate_save_vmsd_v).

    From QEMU 10.0 on the entries of an array of pointers are its runs of null pointers and of
    others. The first run has the whole array's length when it is not null: its own is what the
    later runs leave. In 11.1 a last element that is another kind of pointer than the run of
    several before it has no entry.
    """
    counts = tuple(1 if field.array_len is None else field.array_len for field in run)
    first, last = run[0], run[-1]
    nulls = {field.type for field in run} & NULLS
    whole = first.type not in NULLS and bool(nulls)
    left = counts[0] - sum(counts[1:])
    own = left if whole and left > 0 else counts[0]
    yield Reading((own, *counts[1:]))
    if not _may_hide(run) or (whole and own < 2):
        return
    marker = Field(name=last.name, type=MARKER, size=1)
    seen = [field for field in run if field.type != MARKER]
    for hidden in seen[:1] if last.type == MARKER else [marker]:
        yield Reading((own - whole, *counts[1:]), msgspec.structs.replace(hidden, array_len=None))


def _may_hide(run: Sequence[Field]) -> bool:
    """Whether an array may have one more element than its entries say, of another kind."""
    several = run[-1].array_len is not None and run[-1].array_len > 1
    return several and any(field.type == MARKER for field in run)


def compile_device(device: Device) -> Layout:
    """The layout of a device section, from its description alone."""
    compiler = _Compiler()
    children, size = compiler.group(device.group, 0)
    if device.size is not None and device.size != size:
        compiler.exact = False
    version = device.group.version if device.size is None else None
    return _layout(device, version, children, size, compiler)


def fit_device(device: Device, payload: memoryview) -> Layout | None:
    """The layout of a payload that another stream's description describes (`--like`), or that its
    own leaves open.

    Subsections count where the bytes announce them, and null pointers where they are. None when
    the bytes do not fit.
    """
    compiler = _Compiler(payload)
    children, size = compiler.group(device.group, 0)
    open_ = compiler.readings if len(compiler.readings) <= MOST_OPEN else []
    for picks in islice(product(*map(range, open_)), 1, None):
        if size == len(payload) and compiler.fits:
            break
        compiler = _Compiler(payload, picks)
        children, size = compiler.group(device.group, 0)
    if size != len(payload) or not compiler.fits:
        return None
    return _layout(device, device.group.version, children, size, compiler)


def _layout(
    device: Device, version: int | None, children: tuple[Node, ...], size: int, compiler: _Compiler
) -> Layout:
    name = device.group.vmsd_name
    if compiler.nothing and not _bounded(children, size):
        whole = Node("data", "buffer", "leaf", 0, size, stride=size)
        children = (whole,) if size else ()
        return Layout(name, version, size, children, compiler.exact, beyond=True)
    return Layout(name, version, size, children, compiler.exact, compiler.certain)


def _bounded(children: tuple[Node, ...], size: int) -> bool:
    """Whether looking at every value is work that the bytes and the description are worth."""
    entries, empty = _weights(children)
    return empty <= size + FREE * entries


def _weights(nodes: tuple[Node, ...]) -> tuple[int, int]:
    """How many entries there are, and how many values without bytes in all elements of all arrays."""
    entries = empty = 0
    for node in nodes:
        more, inside = _weights(node.children)
        entries += 1 + more
        if node.kind == "sequence":
            empty += inside
            continue
        count = 1 if node.count is None else node.count
        empty += count * (inside + (not (node.size if node.count is None else node.stride)))
    return entries, empty
