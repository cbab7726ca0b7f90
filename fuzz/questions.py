"""What the library is asked, and what must hold of the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import migstream
from fuzz.guard import Broken
from fuzz.live import return_path
from fuzz.scene import MANY, Scene, pipe, same
from migstream.errors import MigstreamError, NoSuchPath
from migstream.stream import Stream, open_anything
from migstream.wire.model import Command, Item, Section, SectionType

__all__ = ["QUESTIONS"]

Question = Callable[[Scene], None]
QUESTIONS: dict[str, tuple[int, Question]] = {}
CHUNK = 1 << 20


def question(weight: int) -> Callable[[Question], Question]:
    """Enter a function into the table; `weight` is how often it is chosen, against others."""

    def enter(function: Question) -> Question:
        QUESTIONS[function.__name__] = weight, function
        return function

    return enter


def covers(items: Sequence[Item], start: int, stop: int) -> None:
    """Every byte inside exactly one item; those of a package lie inside theirs."""
    at = start
    for item in items:
        if item.span.start != at or item.span.stop < at:
            raise Broken("a byte in no item, or in two", f"{at:#x}: {item!r:.300}")
        at = item.span.stop
        if isinstance(item, Command) and item.items:
            covers(item.items, item.payload.stop, item.span.stop)
    if at != stop:
        raise Broken("the items end elsewhere", f"{at:#x} of {stop:#x}")


def plain(ask: Callable[[], Any]) -> Any:
    """An answer, or the error that came instead."""
    try:
        return ask()
    except MigstreamError as error:
        return error.code, getattr(error, "at", None), error.message


def damage(stream: Stream) -> list[Any]:
    return [(error.code, error.at, error.message) for error in stream.damage]


def items(stream: Stream) -> list[Any]:
    """What each item is, as far as it can be compared."""
    return [
        (
            item.label, item.span, getattr(item, "name", None), getattr(item, "payload", None), getattr(item, "how", None),
            getattr(item, "reason", None), getattr(item, "value", None), repr(getattr(item, "content", None)),
        )
        for item in stream.items
    ]  # fmt: skip


def devices(stream: Stream) -> list[Any]:
    return [(d.path, d.section.span, d.described, plain(d.value.plain)) for d in stream.devices]


def answers(stream: Stream) -> dict[str, Any]:
    """What every way of reading has to agree in."""
    return {
        "damage": damage(stream),
        "items": items(stream),
        "devices": devices(stream),
        "machine": [stream.machine, stream.capabilities, stream.configuration],
        "description": stream.description_span,
        "setup": stream.ram_setup,
        "size": stream.size,
    }


# --- ways to read ----------------------------------------------------------------------------------------


@question(6)
def walked(scene: Scene) -> None:
    """Items cover the source, damage has places in it; a good stream has none."""
    with scene.open() as stream:
        covers(stream.items, 0, scene.size)
        for error in stream.damage:
            if error.at is None:
                raise Broken("damage without a place", repr(error))
            if not 0 <= error.at <= scene.size:
                raise Broken("damage outside of the source", str(error))
        if scene.whole and stream.damage:
            raise Broken("a good stream is damaged", str(stream.damage[0]))


@question(8)
def piped(scene: Scene) -> None:
    """A pipe gives the answers that the file gives."""
    with scene.open() as file, open_anything(_pipe(scene)) as piped:
        one, other = answers(file), answers(piped)
    for name, answer in one.items():
        same(f"a pipe's {name}", answer, other[name])


def _pipe(scene: Scene) -> BinaryIO:
    return pipe(scene.data, scene.random if scene.random.random() < 0.3 else None)


@question(2)
def compressed(scene: Scene) -> None:
    """A compressed file gives the answers that the file gives."""
    _kind, packed = scene.compressed()
    path = scene.folder / "packed"
    path.write_bytes(packed)
    with scene.open() as file, open_anything(path) as other_way:
        one, other = answers(file), answers(other_way)
    for name, answer in one.items():
        same(f"a compressed file's {name}", answer, other[name])


@question(2)
def spooled(scene: Scene) -> None:
    """A pipe that is spooled is a file."""
    with scene.open() as file, open_anything(pipe(scene.data), spool=True) as whole:
        one, other = answers(file), answers(whole)
        for name, answer in one.items():
            same(f"a spooled pipe's {name}", answer, other[name])
        same("a spooled pipe's memory", memory(file), memory(whole))


@question(2)
def container_damaged(scene: Scene) -> None:
    """A compressed file that is cut, or damaged."""
    _kind, packed = scene.compressed()
    random = scene.random
    at = random.randrange(len(packed))
    if random.random() < 0.5:
        packed = packed[:at]
    else:
        packed = packed[:at] + bytes((packed[at] ^ 1 << random.randrange(8),)) + packed[at + 1 :]
    path = scene.folder / "packed"
    path.write_bytes(packed)
    with open_anything(path) as stream:
        plain(lambda: answers(stream))
    with open_anything(path, spool=True) as stream:
        plain(lambda: answers(stream))
        plain(lambda: memory(stream))


@question(6)
def tail_first(scene: Scene) -> None:
    """Devices found from the tail are those of the walk, where nothing is wrong."""
    with scene.open() as late, scene.open() as early:
        from_tail = [(d.path, d.section.span, d.section.payload) for d in late.devices]
        if early.damage:
            return
        found = [s for s in early.sections if s.type is SectionType.FULL]
        same("devices from the tail", from_tail, [(s.path, s.span, s.payload) for s in found])
        same("values from the tail", devices(late), devices(early))


# --- values -----------------------------------------------------------------------------------------------


@question(6)
def values(scene: Scene) -> None:
    """Every value: its bytes lie in its parent's, its text is text."""
    with scene.open() as stream:
        for device in stream.devices:
            section = device.section
            if (
                not 0
                <= section.span.start
                <= section.payload.start
                <= section.payload.stop
                <= section.span.stop
            ):
                raise Broken("a payload outside of its section", repr(section))
            plain(device.value.plain)
            for leaf in islice(device.value.leaves(), MANY):
                if (
                    not section.payload.start
                    <= leaf.span.start
                    <= leaf.span.stop
                    <= section.payload.stop
                ):
                    raise Broken("a value outside of its device", f"{leaf} in {section.payload}")
                plain(
                    lambda: (
                        leaf.text,
                        leaf.value,
                        leaf.hex,
                        leaf.path,
                        bytes(leaf.raw[:64]),
                    )
                )


@question(4)
def meant(scene: Scene) -> None:
    """What values mean is said of a device, or its bytes are left; without names the values are the same."""
    from migstream.vmstate.meaning.told import told

    with scene.open() as stream:
        for device in islice(stream.devices, MANY):
            told_of, as_is = plain(partial(told, device.value)), plain(device.value.plain)
            if isinstance(told_of, tuple) != isinstance(as_is, tuple):
                raise Broken(
                    "a meaning fails where the value does not", f"{device.path}: {told_of!r:.300}"
                )


@question(3)
def owners(scene: Scene) -> None:
    """The value that owns a byte holds it; a path leads back to its value."""
    with scene.open() as stream:
        for device in islice(stream.devices, 20):
            payload = device.section.payload
            if payload.size:
                at = scene.random.randrange(payload.start, payload.stop)
                owner = plain(lambda: stream.at(at))
                if hasattr(owner, "span") and at not in owner.span:
                    raise Broken("the owner of a byte does not hold it", f"{at:#x}: {owner}")
        for path in scene.random.sample(scene.paths, min(4, len(scene.paths))):
            plain(lambda: [v.text for v in islice(stream.find(path), MANY)])


@question(2)
def nowhere(scene: Scene) -> None:
    """Paths that name nothing."""
    random = scene.random
    with scene.open() as stream:
        path = random.choice(scene.paths)
        at = random.randrange(len(path) + 1)
        path = path[:at] + random.choice(
            ["", "/", "[", "[*]", "**", "*", "]", "[-1]", "@", "\ud800", "[999999999999]"]
        )
        try:
            list(islice(stream.find(path), MANY))
        except NoSuchPath as error:
            str(error).encode("utf-8", "surrogatepass")


# --- memory -------------------------------------------------------------------------------------------------


def memory(stream: Stream) -> Any:
    """Kinds and contents of all blocks."""
    ram = stream.ram
    if not ram:
        return None
    found = []
    for name in ram:
        block = ram[name]
        runs = plain(lambda: list(islice(block.runs(), 1000)))
        stop = min(block.size, CHUNK)
        found.append((name, block.size, runs, plain(lambda: block.read(0, stop))))
    return found


@question(6)
def guest_memory(scene: Scene) -> None:
    """Runs cover a block; it reads the same in one piece and in several."""
    random = scene.random
    with scene.open(channels=scene.channels() if random.random() < 0.5 else ()) as stream:
        ram = stream.ram
        for name, block in ram.items():
            at = 0
            for run in islice(block.runs(), 5000):
                if run.start != at or run.stop <= run.start:
                    raise Broken("runs that do not follow each other", f"{run} after {at:#x}")
                at = run.stop
            coverage = block.coverage()
            if sum(coverage.values()) != block.size:
                raise Broken("a coverage that is not the block", f"{coverage} of {block.size:#x}")
            start = random.randrange(min(block.size, CHUNK) + 1)
            stop = min(block.size, start + random.choice([0, 1, 4096, 10_000]))
            whole = plain(lambda: block.read(0, stop))
            piece = plain(lambda: block.read(start, stop))
            if isinstance(whole, bytes) and piece != whole[start:stop]:
                raise Broken(
                    "memory that reads otherwise in pieces", f"{name} {start:#x}-{stop:#x}"
                )
            plain(lambda: list(islice(block.sent(), 50)))
        covers(stream.items, 0, scene.size)


@question(3)
def history(scene: Scene) -> None:
    """The last version of a page is the page."""
    with scene.open() as stream:
        blocks = stream.blocks
        ram = stream.ram
        if not blocks or not ram:
            return
        block = scene.random.choice(blocks)
        offset = scene.random.choice([0, 4096, 8192])
        versions = stream.history(block.name, offset)
        one = ram[block.name]
        now = plain(lambda: one.read(offset, min(offset + one.page, one.size)))
        if versions and isinstance(now, bytes) and versions[-1].data[: len(now)] != now:
            raise Broken("the last version of a page is not the page", f"{block.name}@{offset:#x}")


@question(2)
def machine(scene: Scene) -> None:
    """Registers, the map of physical memory, reading through it and through page tables."""
    with scene.open() as stream:
        plain(lambda: [(cpu.values, cpu.root) for cpu in stream.registers])
        ranges = plain(lambda: stream.memory.ranges)
        for one in islice(ranges, 20) if isinstance(ranges, tuple | list) else ():
            if hasattr(one, "start"):
                plain(lambda: stream.memory[one.start : one.start + 100])


@question(2)
def indexed(scene: Scene) -> None:
    """Memory by an index is the memory; a damaged index is refused, or right."""
    from migstream.ram.sidecar import SUFFIX

    path = scene.file()
    index = Path(path + SUFFIX)
    with open_anything(path) as stream, index.open("wb") as file:
        before = memory(stream)
        stream.write_index(file.fileno())
    raw = index.read_bytes()
    with open_anything(path) as stream:
        same("memory by the index", memory(stream), before)
    random = scene.random
    at = random.randrange(len(raw))
    index.write_bytes(
        raw[:at] + random.randbytes(random.choice([1, 8])) + raw[at + random.choice([0, 1, 8]) :]
    )
    with open_anything(path) as stream:
        plain(lambda: memory(stream))
    index.unlink()


# --- analysis -----------------------------------------------------------------------------------------------


@question(4)
def checked(scene: Scene) -> None:
    """Every rule; a good stream is complete."""
    with scene.open() as stream:
        report = migstream.check(stream)
        if scene.whole and not report.complete:
            raise Broken("a good stream is not complete", repr(report.findings[:2]))


@question(3)
def digest(scene: Scene) -> None:
    """A digest is the same each time; no line of it is two."""
    from migstream.analysis.digest import digest_lines

    with scene.open() as one, scene.open() as other:
        first = list(digest_lines(one, name="a"))
        same("a digest again", first, list(digest_lines(other, name="a")))
        for line in first:
            if any(ord(c) < 32 for c in line):
                raise Broken("a control character in a digest", repr(line[:200]))


@question(3)
def differences(scene: Scene) -> None:
    """Nothing differs from itself; from another stream anything may."""
    with scene.open() as one, scene.open() as again, open_anything(scene.other) as other:
        found = list(migstream.diff(one, again))
        if found:
            raise Broken("a stream differs from itself", repr(found[0])[:600])
        list(migstream.diff(one, other))


@question(2)
def compat(scene: Scene) -> None:
    """Whether it loads where another comes from, and the other way."""
    with scene.open() as one, open_anything(scene.other) as other:
        migstream.compat(one, migstream.Destination(stream=other))
    with scene.open() as one, open_anything(scene.other) as other:
        migstream.compat(other, migstream.Destination(stream=one))
    with scene.open() as one, scene.open() as again:
        migstream.compat(one, migstream.Destination(stream=again))


# --- writing -------------------------------------------------------------------------------------------------


@question(4)
def there_and_back(scene: Scene) -> None:
    """What is decoded and encoded again is the same, byte for byte."""
    from migstream.document.folder import decode, encode

    folder, path = scene.folder / "folder", scene.folder / "again"
    with scene.open() as stream:
        decode(stream, folder)
    try:
        encode(folder, path)
    except MigstreamError as error:
        raise Broken("what was decoded cannot be encoded", str(error)) from error
    if path.read_bytes() != scene.data:
        raise Broken("decoded and encoded is not the same")


@question(3)
def converted(scene: Scene) -> None:
    """Memory in another encoding is the memory."""
    from migstream.edit.reencode import reencode

    path = scene.folder / "converted"
    ram = scene.random.choice(["linear", "mapped"])
    with scene.open(channels=scene.channels()) as stream, path.open("w+b") as file:
        reencode(stream, file.fileno(), ram=ram)
        before = devices(stream)
        if scene.whole:
            with open_anything(path) as made:
                if made.damage:
                    raise Broken(f"converted to {ram}, damaged", str(made.damage[0]))
                same(
                    "devices of what was converted",
                    [d[:1] + d[3:] for d in devices(made)],
                    [d[:1] + d[3:] for d in before],
                )
                sides = [
                    [(name, size, data) for name, size, _, data in memory(one) or ()]
                    for one in (made, stream)
                ]
                # a block of which nothing but zeros was sent, and not all, may be multifd's: both refuse to guess
                there = [[isinstance(d, bytes) for _, _, d in side] for side in sides]
                both = [all(pair) for pair in zip(*there, strict=True)]
                kept = [[s for s, ok in zip(side, both, strict=True) if ok] for side in sides]
                same("memory of what was converted", kept[0], kept[1])


@question(2)
def rewritten(scene: Scene) -> None:
    """An edit that changes nothing gives the same bytes."""
    from migstream.edit.change import Edit

    path = scene.folder / "rewritten"
    with scene.open() as stream, path.open("wb") as file:
        Edit(stream).write(file.fileno())
    if path.read_bytes() != scene.data:
        raise Broken("nothing was changed, and the bytes are others")


# --- other recordings -------------------------------------------------------------------------------------------


def _damaged(scene: Scene, data: bytes) -> bytes:
    from fuzz.change import bytes_changed

    for _ in range(scene.random.randrange(4)):
        data, _what = bytes_changed(data, scene.random)
    return data


@question(1)
def recordings(scene: Scene) -> None:
    """Multifd channels that are damaged; a return path."""
    scene.recordings = [_damaged(scene, recording) for recording in scene.recordings]
    if scene.recordings:
        with scene.open(channels=scene.channels()) as stream:
            plain(lambda: memory(stream))
            plain(lambda: stream.damage)
            plain(lambda: [item for channel in stream.channels for item in channel.items()])
    from migstream.render.recorded import recorded_rows

    path = scene.folder / "back"
    path.write_bytes(_damaged(scene, return_path(scene.random)))
    with open_anything(path) as stream:
        plain(lambda: recorded_rows(stream))


@question(1)
def loaded(scene: Scene) -> None:
    """A machine made of Python takes it, or refuses it."""
    from migstream.savevm import SaveVM
    from migstream.savevm.ram import Block, GuestRam

    with scene.open() as stream:
        sections = [i for i in stream.items if isinstance(i, Section)]
        recorded = [
            name for name in stream.capabilities if name in {"mapped-ram", "x-ignore-shared"}
        ]
        vm = SaveVM(stream.machine or "none", release="7.2", capabilities=recorded)
        if any(block.used_length > CHUNK for block in stream.blocks):
            return
        for section in sections:
            try:
                if section.type is SectionType.START and section.name == "ram":
                    blocks = [Block(b.name, bytearray(b.used_length)) for b in stream.blocks]
                    vm.register_live(
                        "ram", GuestRam(blocks, mapped="mapped-ram" in stream.capabilities)
                    )
            except ValueError:
                return
        cut = scene.random.randrange(scene.size + 1)
        pieces = scene.random.random() < 0.5
        vm.load(iter([scene.data[:cut], scene.data[cut:]]) if pieces else scene.data)


@question(1)
def gone(scene: Scene) -> None:
    """A file that becomes shorter while it is open."""
    path = Path(scene.file("shrinks.mig"))
    with open_anything(path) as stream:
        _ = stream.machine
        maps = Path("/proc/self/maps")
        if not maps.exists() or path.name in maps.read_text():
            return  # reading behind the end of what is mapped would end the process
        path.write_bytes(scene.data[: scene.random.randrange(scene.size + 1)])
        plain(lambda: answers(stream))
        plain(lambda: memory(stream))
