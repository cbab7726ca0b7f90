"""A description compiled to a layout: where each value of a device section lies.

Offsets are in bytes from the start of the enclosing struct, so that one node serves all elements
of an array. Rules and their exceptions: QEMU, migration/vmstate.c (vmstate_save_state_v,
vmsd_desc_field_start).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from migstream.vmstate.description import Device, Field, Group

__all__ = ["Layout", "Node", "compile_device", "fit_device", "subsection_header"]

MARKER = "ptr-marker"
LISTS = {"qtailq", "qlist"}
MAX_LIST = 1 << 16


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

    def child(self, name: str) -> Node | None:
        return next((c for c in self.children if c.name == name), None)


class Layout(msgspec.Struct, frozen=True):
    """Layout of one device section's payload: `size` bytes in all.

    `version` is None for old-style devices, whose description has none.
    `exact` is false where the description is known not to say how long something is; such a
    section's end is found by its footer.
    """

    vmsd_name: str
    version: int | None
    size: int
    children: tuple[Node, ...]
    exact: bool = True


def subsection_header(name: str) -> int:
    """Bytes of a subsection before its fields: type, counted name, version (vmstate_subsection_save)."""
    return 1 + 1 + len(name.encode("utf-8", "surrogateescape")) + 4


class _Compiler:
    """Compiles groups. With `data` (the payload) subsections count only where the bytes show them."""

    def __init__(self, data: memoryview | None = None) -> None:
        self.data = data
        self.exact = True

    def _present(self, name: str, at: int) -> bool:
        if self.data is None:
            return True
        raw = name.encode("utf-8", "surrogateescape")
        head = bytes((5, len(raw) & 0xFF)) + raw
        return bytes(self.data[at : at + len(head)]) == head

    def group(self, group: Group, base: int) -> tuple[tuple[Node, ...], int]:
        """Nodes of a VMState whose first byte is at `base` of the payload, and its size."""
        nodes: list[Node] = []
        at = 0
        for run in _runs(group.fields):
            node = self._run(run, base, at)
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

    def _run(self, run: Sequence[tuple[Field, int]], base: int, at: int) -> Node:
        """Entries of one name: a single one stays itself, several are the elements of an array."""
        if len(run) == 1:
            field, count = run[0]
            return self._entry(field, field.array_len, count, base, at)
        elements: list[Node] = []
        inner = 0
        pending: Node | None = None
        for field, count in run:
            whole = self._entry(field, count if count > 1 else None, count, base + at, inner)
            inner += whole.size
            if field.type == MARKER and count == 1:
                if pending is not None:
                    elements.append(pending)
                pending = whole
            elif pending is not None:
                elements.append(_marked(pending, whole))
                pending = None
            else:
                elements.append(whole)
        if pending is not None:
            elements.append(pending)
        name = run[0][0].name
        kinds = [f.type for f, _ in run if f.type not in {MARKER, "nullptr"}]
        return Node(
            name=name,
            type=kinds[0] if kinds else run[0][0].type,
            kind="sequence",
            offset=at,
            size=inner,
            count=sum(e.count or 1 for e in elements),
            children=tuple(elements),
        )

    def _entry(self, field: Field, count: int | None, n: int, base: int, at: int) -> Node:
        kind, stride = "leaf", field.size
        if not stride and n > MAX_LIST:
            # elements of no bytes bound nothing: an array of them is as long as somebody says
            self.exact = False
            count = n = MAX_LIST
        children: tuple[Node, ...] = ()
        if field.struct is not None:
            kind = "struct"
            children, stride = self._nested(field, field.struct, base + at)
        elif field.inline and n == 1:
            children = self._inline(field, base + at)
            kind = "struct" if children else "leaf"
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


def _runs(fields: Iterable[Field]) -> list[list[tuple[Field, int]]]:
    """Fields grouped by name where they follow each other, each with its true element count.

    QEMU 10.0 gives the whole array's length to the first run of an array of pointers when that
    run is not null (vmsd_desc_field_start): the true length is what the later runs leave.
    """
    runs: list[list[tuple[Field, int]]] = []
    for field in fields:
        if not runs or runs[-1][0][0].name != field.name:
            runs.append([])
        runs[-1].append((field, 1 if field.array_len is None else field.array_len))
    for run in runs:
        first, count = run[0]
        rest = sum(n for _, n in run[1:])
        nulls = any(f.type == "nullptr" for f, _ in run[1:])
        if nulls and first.type != "nullptr" and count > rest:
            run[0] = (first, count - rest)
    return runs


def compile_device(device: Device) -> Layout:
    """The layout of a device section, from its description alone."""
    compiler = _Compiler()
    children, size = compiler.group(device.group, 0)
    if device.size is not None and device.size != size:
        compiler.exact = False
    version = device.group.version if device.size is None else None
    return Layout(device.group.vmsd_name, version, size, children, compiler.exact)


def fit_device(device: Device, payload: memoryview) -> Layout | None:
    """The layout of a payload that another stream's description describes (`--like`).

    Subsections count where the bytes announce them. None when the bytes do not fit.
    """
    compiler = _Compiler(payload)
    children, size = compiler.group(device.group, 0)
    if size != len(payload):
        return None
    return Layout(device.group.vmsd_name, device.group.version, size, children)
