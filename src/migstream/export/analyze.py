"""What QEMU's scripts/analyze-migration.py prints, from a Stream: the same JSON, the same files.

Where that script has a defect the bytes win: docs/analyze-migration.md lists each difference.
Device state comes from the tail of the file; guest memory is read for `memory` and `extract` only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from migstream.errors import SourceError, StreamError, Unsupported
from migstream.export.extract import block_plan, copy
from migstream.names import encoded, json_line
from migstream.ram.image import Block
from migstream.ram.model import RamSetup
from migstream.source.output import new_file
from migstream.stream import Device, Stream
from migstream.vmstate.layout import MARKER, Node
from migstream.wire.model import Section, SectionType, flat

__all__ = ["description_text", "encode", "extract", "memory_text", "safe_path", "state"]

# "int32 le" is big-endian too: "le" is "less or equal"
SIGNED = {"int8", "int16", "int32", "int32 equal", "int32 le", "int64"}
# "int64 equal" is what QEMU calls vmstate_info_uint64_equal (migration/vmstate-types.c)
UNSIGNED = {
    "uint8", "uint8 equal", "uint16", "uint16 equal", "uint32", "uint32 equal", "uint64",
    "int64 equal",
}  # fmt: skip
INDENT = "    "
_ascii = json.encoder.encode_basestring_ascii


def _quoted(text: str) -> str:
    quoted = _ascii(text)
    return json_line(text) if "\\" in quoted or "\x7f" in quoted else quoted


class _Plain(list[str]):
    """Strings of an array that need no escape in JSON, so that they are written at once."""


class _Pairs(dict[str, Any]):
    """A JSON object that keeps keys which occur more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


class _Ram(dict[str, Any]):
    """The value of RAM's own section: `memory` comes beside its sizes."""


# --- device state --------------------------------------------------------------------------------


def state(stream: Stream) -> dict[str, Any]:
    """Values of every section, as the script's `-d state` has them.

    Keys are "name (section id)" in the order of the stream. RAM is {"section sizes": {...}}; a
    live section that has no fields is "".
    """
    found: list[tuple[int, str, Any]] = [
        (section.span.start, _key(section), _live(section))
        for section in flat(stream.head)
        if isinstance(section, Section) and section.type == SectionType.START
    ]
    found += [
        (device.section.span.start, _key(device.section), _device(device, stream))
        for device in stream.devices
    ]
    found.sort(key=lambda entry: entry[0])
    return {key: value for _, key, value in found}


def _key(section: Section) -> str:
    return f"{section.name} ({section.section_id})"


def _live(section: Section) -> Any:
    if not isinstance(section.content, RamSetup):
        return ""
    sizes = {b.name: f"0x{b.used_length:016x}" for b in section.content.blocks}
    return _Ram({"section sizes": sizes})


def _device(device: Device, stream: Stream) -> dict[str, Any]:
    raw = bytes(stream.store.view(*device.section.payload))
    return _object(device.value.node.children, raw, 0)


def _object(children: tuple[Node, ...], raw: bytes, base: int) -> dict[str, Any]:
    """Entries of one name become a list; `base` is where their struct begins in `raw`."""
    lists: dict[str, list[Any]] = {}
    several: set[str] = set()
    for child in children:
        values = _values(child, raw, base + child.offset)
        if child.name in several:
            lists[child.name] += values
        elif child.name in lists:
            lists[child.name] = [*lists[child.name], *values]
            several.add(child.name)
        else:
            lists[child.name] = values
    return {name: values[0] if len(values) == 1 else values for name, values in lists.items()}


def _values(node: Node, raw: bytes, at: int) -> list[Any]:
    """The elements of a node that begins at `at`; a single value is one element."""
    if node.kind == "subsection":
        return [_object(node.children, raw, at)]
    if node.kind == "sequence":
        return [v for part in node.children for v in _values(part, raw, at + part.offset)]
    if node.children and node.children[0].type == MARKER:
        return _marked(node, raw, at)
    count = 1 if node.count is None else node.count
    size = node.size if node.count is None else node.stride
    if node.type == "struct" and (node.children or not size):
        return [_object(node.children, raw, at + i * size) for i in range(count)]
    return _leaves(node.type, raw[at : at + count * size], count, size)


def _marked(node: Node, raw: bytes, at: int) -> list[Any]:
    """A marker and what follows it: two entries of one name in the description (QEMU 11.1)."""
    marker, *inside = node.children
    values: list[Any] = [raw[at : at + marker.size].hex(" ")]
    if len(inside) == 1 and inside[0].name == "value" and node.type != "struct":
        return values + _values(inside[0], raw, at + inside[0].offset)
    if inside or node.type == "struct":
        values.append(_object(tuple(inside), raw, at))
    return values


def _leaves(type_: str, raw: bytes, count: int, size: int) -> list[Any]:
    """`count` plain values of `size` bytes, without an object for each on the way."""
    if not size:
        return [""] * count
    if not raw:
        return []
    if type_ in UNSIGNED:
        return _hex(raw, size)
    if type_ in SIGNED:
        return _signed(raw, size)
    if type_ == "bool":
        return [byte != 0 for byte in raw[::size]]
    if type_ == "nullptr":
        return _Plain("nullptr" if byte == 0x30 else f"{byte:02x}" for byte in raw[::size])
    if type_ == "capability":
        rows = [raw[i : i + size] for i in range(0, len(raw), size)]
        return [row[1 : 1 + row[0]].decode("utf-8", "surrogateescape") for row in rows]
    text = raw.hex(" ")
    step = 3 * size
    return _Plain(text[i : i + step - 1] for i in range(0, len(text), step))


def _hex(raw: bytes, size: int) -> _Plain:
    return _Plain(("0x" + raw.hex(" ", size).replace(" ", " 0x")).split(" "))


def _signed(raw: bytes, size: int) -> _Plain:
    values = _hex(raw, size)
    if max(raw[::size]) < 0x80:
        return values
    for i, first in enumerate(raw[::size]):
        if first >= 0x80:
            number = int.from_bytes(raw[i * size : (i + 1) * size], "big", signed=True)
            values[i] = f"{values[i]} ({number})"
    return values


# --- text ----------------------------------------------------------------------------------------


def encode(tree: Any) -> str:
    """JSON as the script writes it: four spaces, ASCII, "key": value."""
    out: list[str] = []
    _write(tree, "\n", out.append)
    return "".join(out)


def _write(tree: Any, line: str, put: Callable[[str], None]) -> None:
    """`line` is a line break and the indent of what encloses `tree`."""
    inner = line + INDENT
    if isinstance(tree, str):
        put(_quoted(tree))
    elif isinstance(tree, _Plain) and tree:
        put("[" + inner + '"' + f'",{inner}"'.join(tree) + '"' + line + "]")
    elif isinstance(tree, dict) and tree:
        lead = "{" + inner
        for key, value in tree.pairs if isinstance(tree, _Pairs) else tree.items():
            put(f"{lead}{_quoted(key)}: ")
            _write(value, inner, put)
            lead = "," + inner
        put(line + "}")
    elif isinstance(tree, list) and tree:
        lead = "[" + inner
        for value in tree:
            put(lead)
            _write(value, inner, put)
            lead = "," + inner
        put(line + "]")
    else:
        put(json_line(tree))


def description_text(stream: Stream) -> str:
    """The description, as the script's `-d desc` prints it; keys that occur twice are kept."""
    if stream.description is None:
        raise StreamError(
            f"{stream.name} has no description",
            hint="it was sent with suppress-vmdesc, by postcopy, or by a QEMU before 2.3",
        )
    text = stream.description.text.decode("utf-8", "surrogateescape")
    return encode(json.loads(text, object_pairs_hook=_pairs))


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else _Pairs(pairs)


# --- guest memory --------------------------------------------------------------------------------


def _blocks(stream: Stream) -> tuple[list[Block], list[Block]]:
    """The RAM blocks whose contents are in the stream, and the others."""
    blocks = list(stream.ram.values())
    return (
        [block for block in blocks if block.elsewhere is None],
        [block for block in blocks if block.elsewhere is not None],
    )


def _absent(blocks: list[Block]) -> None:
    """Say last what could not be printed or written."""
    if blocks:
        names = ", ".join(block.name for block in blocks)
        raise Unsupported(
            f"the contents of RAM block {names} are not in this stream",
            path=["ram"],
            hint=blocks[0].elsewhere or "",
        )


def memory_text(stream: Stream) -> Iterator[str]:
    """The text of `-d state -m`, piece by piece: memory is never held as a whole."""
    there, absent = _blocks(stream)
    lead = "{\n" + INDENT
    for key, value in state(stream).items():
        out: list[str] = []
        if isinstance(value, _Ram):
            yield f"{lead}{_quoted(key)}: {{\n{INDENT * 2}" + '"section sizes": '
            _write(value["section sizes"], "\n" + INDENT * 2, out.append)
            yield "".join(out) + f",\n{INDENT * 2}" + '"memory": '
            yield from _pages(there, "\n" + INDENT * 2)
            yield f"\n{INDENT}}}"
        else:
            _write(value, "\n" + INDENT, out.append)
            yield f"{lead}{_quoted(key)}: {''.join(out)}"
        lead = ",\n" + INDENT
    yield "{}" if lead.startswith("{") else "\n}"
    _absent(absent)


def _pages(blocks: list[Block], line: str) -> Iterator[str]:
    inner = line + INDENT
    lead = "{" + inner
    for block in blocks:
        name = _quoted(block.name)[:-1]
        for address, data in block.sent():
            text = f"Filled with 0x{data:02x}" if isinstance(data, int) else data.hex(" ")
            yield f'{lead}{name} (0x{address:016x})": "{text}"'
            lead = "," + inner
    yield "{}" if lead.startswith("{") else line + "}"


# --- files ---------------------------------------------------------------------------------------


def safe_path(name: str) -> tuple[str, ...]:
    """Components of a file name for a block, below the current directory whatever `name` says.

    A slash separates folders, and one at the start means nothing, as in the script. `%`, control
    and undecodable bytes, and components that are empty, `.` or `..` are percent-encoded.
    """
    return tuple(_component(part) for part in name.removeprefix("/").split("/"))


def _component(part: str) -> str:
    raw = encoded(part)
    if part in {"", ".", ".."}:
        return "%2E" * len(part) or "%"
    text = re.sub(r"[\x00-\x1f\x7f%\ud800-\udfff]", _percent, part)
    if len(text.encode()) > 255:
        text = text[:50] + "%" + hashlib.sha256(raw).hexdigest()[:32]
    return text


def _percent(match: re.Match[str]) -> str:
    raw = encoded(match[0])
    return "".join(f"%{byte:02X}" for byte in raw)


def _paths(names: list[str]) -> dict[str, tuple[str, ...]]:
    """A path of its own for every block: in turn with folders, without, with a digest."""
    taken: set[tuple[str, ...]] = {("desc.json",), ("state.json",)}
    folders: set[tuple[str, ...]] = set()
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        flat = _component(name).replace("/", "%2F")
        digest = hashlib.sha256(encoded(name)).hexdigest()
        for path in (safe_path(name), (flat,), (f"block%{digest}",)):
            above = {path[:i] for i in range(1, len(path))}
            if path not in taken | folders and not above & taken and len(path[-1]) <= 255:
                taken.add(path)
                folders |= above
                found[name] = path
                break
    return found


def extract(stream: Stream, folder: Path) -> Iterator[str]:
    """Write `-x`'s files into `folder`; yields each one's name when it is about to be written.

    Files that exist are overwritten, as by the script; links are never followed. Pages that were
    never sent, and pages of zeros, are holes.
    """
    there, absent = _blocks(stream)
    if stream.description is not None:
        yield "desc.json"
        with _writing(stream, folder, ("desc.json",)) as fd, os.fdopen(os.dup(fd), "wb") as file:
            file.write(description_text(stream).encode())
    paths = _paths([block.name for block in there])
    for block in there:
        path = paths.get(block.name)
        if path is None:
            continue
        written = "/".join(path)
        shown = block.name.encode("utf-8", "backslashreplace").decode()
        yield shown if written == block.name.removeprefix("/") else f"{written} for block {shown!r}"
        with _writing(stream, folder, path) as fd:
            copy(stream.ram, block_plan(block), fd)
    yield "state.json"
    with _writing(stream, folder, ("state.json",)) as fd, os.fdopen(os.dup(fd), "wb") as file:
        file.write(encode(state(stream)).encode())
    _absent(absent)


@contextmanager
def _writing(stream: Stream, folder: Path, path: tuple[str, ...]) -> Iterator[int]:
    """A new file below `folder` to write to, in place of one that is there."""
    try:
        with ExitStack() as stack:
            here = _below(folder, path[:-1], stack)
            with suppress(FileNotFoundError):
                if _same(os.stat(path[-1], dir_fd=here, follow_symlinks=False), stream.name):
                    hint = "extract into another folder"
                    raise SourceError(f"{'/'.join(path)} is the stream itself", hint=hint)
            yield stack.enter_context(new_file(path[-1], replace=True, dir_fd=here))
    except SourceError:
        raise
    except OSError as error:
        message = f"{'/'.join(path)}: {error.strerror or error}"
        raise SourceError(message, hint="extract into an empty folder with room") from error


def _below(folder: Path, parts: tuple[str, ...], stack: ExitStack) -> int:
    """A folder, open; one component after another, so that no link leads out of `folder`."""
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    stack.callback(os.close, here)
    for part in parts:
        with suppress(FileExistsError):
            os.mkdir(part, 0o700, dir_fd=here)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        here = os.open(part, flags, dir_fd=here)
        stack.callback(os.close, here)
    return here


def _same(facts: os.stat_result, name: str) -> bool:
    try:
        return os.path.samestat(facts, Path(name).stat())
    except (OSError, ValueError):
        return False  # standard input, bytes: no file of that name
