"""A stream for another release, another machine type, another way to hold memory: written, and proved.

    migstream.convert("guest.mig", "flat.mig", ram="linear")

`edit.reencode` writes guest memory in another encoding, `edit.between` gives devices the form that they
have elsewhere; where both are asked for, the first goes to a temporary file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import msgspec

from migstream.edit.shell import asked_shell, is_mapped
from migstream.edit.workbench import Change
from migstream.names import brief
from migstream.source.containers import NONE
from migstream.source.layers import telling
from migstream.stream import Stream, as_stream, open_stream

if TYPE_CHECKING:
    from migstream.ram.model import RamBlock
    from migstream.source.opened import Openable

__all__ = ["ENCODINGS", "Converted", "convert"]

ENCODINGS = ("same", "linear", "mapped")
SECTOR = 512  # of st_blocks

Tell = Callable[[int], None]


class Converted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a stream. Sizes are in bytes; `written` leaves out the holes.

    Parameters
    ----------
    ram : how guest memory is encoded, one of ENCODINGS
    before, size : of the source and of the result
    dropped : commands and other items that are not in the result
    resized : RAM blocks that have another size now
    lost : bytes of data (no zeros) that were cut off blocks which were made smaller, by block
    rules : the rules between releases that had something to do; None where none were asked
    changes : what they changed
    compared : bytes of guest memory that were found to be the same, by block; None where the result
        was not read again
    """

    ram: str
    before: int
    size: int
    written: int
    dropped: tuple[str, ...] = ()
    resized: dict[str, int] = {}
    lost: dict[str, int] = {}
    rules: tuple[str, ...] | None = None
    changes: tuple[Change, ...] = ()
    compared: dict[str, int] | None = None

    def __repr__(self) -> str:
        return brief("Converted", f"{self.ram}:", f"{self.before} -> {self.size} bytes")


def convert(
    stream: Stream | Openable,
    path: str | os.PathLike[str],
    *,
    ram: str = "same",
    description: bool = True,
    machine: str | None = None,
    release: tuple[int, ...] | str | None = None,
    sizes: Mapping[str, int] | None = None,
    verify: bool = True,
    force: bool = False,
    tell: Tell = lambda _: None,
    container: str = NONE,
    form: str | None = None,
    xml: str | None = None,
    image: Stream | Openable | None = None,
) -> Converted:
    """Write a stream with the same devices and the same memory in another way.

    The new file is there whole or not at all; before it gets its name it is read again, and its
    devices and its memory are held against the source's.

    Parameters
    ----------
    stream : a Stream, or whatever `open` takes
    path : the file to make
    ram : one of ENCODINGS: "linear" is each page once, as the smallest record, "mapped" is mapped-ram,
        "same" is as it is
    description : whether the result ends with the JSON description: the stream's own, or the one that
        it was opened with (`like`), if that fits
    machine : the machine type to name, and whose form devices get
    release : the QEMU that is to load it, such as "7.2" or (7, 2)
    sizes : of RAM blocks that are to have another one, in bytes; not with `ram="same"`
    verify : whether the result is read again
    force : whether a plain file that is there may be replaced; it keeps its mode and owner
    tell : called with the number of bytes of guest memory that are done since the last call, in
        writing as in reading again
    container : what the result is to stand in: "none", "libvirt" for a save image, or "gzip", "bzip2",
        "xz", "zstd", "lz4", "lzop"
    form : of a save image: "raw", one of those, or "sparse"
    xml : the domain's XML for a save image; by default that of `image`, or of the source
    image : another save image, from which XML and cookie are taken

    Raises
    ------
    ValueError : no such encoding, release, container or format; sizes where memory stays as it is
    Unsupported : damage, memory that is elsewhere, a form that cannot hold this stream
    SourceError : something is there already, or it cannot be written
    StreamError : the result does not say the same as the source
    """
    from migstream.qemu.release import parse
    from migstream.source.output import new_file

    if ram not in ENCODINGS:
        raise ValueError(f"{ram!r} is not one of {', '.join(ENCODINGS)}")
    if sizes and ram == "same":
        raise ValueError("RAM blocks get another size where guest memory is written anew")
    wanted = _Wanted(
        folder=Path(path).parent,
        ram=ram,
        description=description,
        machine=machine,
        release=parse(release) if isinstance(release, str) else release,
        sizes=dict(sizes or {}),
        verify=verify,
        tell=tell,
    )
    with ExitStack() as stack:
        source = stack.enter_context(as_stream(stream, spool=True))
        like = None if image is None else stack.enter_context(as_stream(image))
        mapped = ram == "mapped" or (ram == "same" and is_mapped(source))
        shell = asked_shell(source, container, form=form, xml=xml, image=like, mapped=mapped)
        fd = stack.enter_context(new_file(path, replace=force))
        with shell.around(fd, wanted.folder, source.watch) as inner:
            made = wanted.write(source, inner, shell.head)
        if not shell.packs:
            return made
        size = os.fstat(fd).st_size
        return msgspec.structs.replace(made, size=size, written=size)


class _Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the result is to be like; `folder` is where it will be."""

    folder: Path
    ram: str
    description: bool
    machine: str | None
    release: tuple[int, ...] | None
    sizes: dict[str, int]
    verify: bool
    tell: Tell

    def write(self, stream: Stream, fd: int, head: bytes) -> Converted:
        """Write, with `head` before the stream, and compare."""
        from migstream.edit.verify import compare

        changed: set[str] = set()
        if self.machine is None and self.release is None:
            made = self._encode(stream, fd, head)
        elif not self._encoded(stream):
            bare = Converted(ram=self.ram, before=stream.size, size=0, written=0)
            made, changed = self._rule(stream, fd, bare, head)
        else:
            with TemporaryFile(dir=self.folder) as between:
                half = self._encode(stream, between.fileno(), b"")
                with open_stream(between, watch=stream.watch) as source:
                    made, changed = self._rule(source, fd, half, head)
        if not self.verify:
            return made
        same = compare(stream, fd, changed=changed, sizes=self.sizes, tell=self.tell)
        return msgspec.structs.replace(made, compared=same)

    def _encoded(self, stream: Stream) -> bool:
        """Whether anything else than rules is asked for."""
        borrowed = stream.description_span is None and stream.description is not None
        return self.ram != "same" or not self.description or borrowed

    def _encode(self, stream: Stream, fd: int, head: bytes) -> Converted:
        from migstream.edit.reencode import reencode

        ram = self.ram
        if ram == "same" and any(_moves(block, len(head)) for block in stream.blocks):
            ram = "mapped"  # the offsets in it are those of the file
        made = reencode(
            stream,
            fd,
            ram=ram,
            description=self.description,
            sizes=self.sizes,
            tell=self.tell,
            head=head,
        )
        return Converted(
            ram=self.ram,
            before=stream.size,
            size=made.size,
            written=made.written,
            dropped=made.dropped,
            resized=self.sizes,
            lost=made.lost,
        )

    def _rule(
        self, stream: Stream, fd: int, half: Converted, head: bytes
    ) -> tuple[Converted, set[str]]:
        """Apply the rules, and say so; also the devices that they change."""
        from migstream.edit.between import apply, touched
        from migstream.edit.workbench import Workbench
        from migstream.source.pieces import write

        bench = Workbench(stream)
        rules = apply(bench, self.machine, self.release)
        pieces = chain([head], bench.settled(len(head)).pieces())
        with telling(stream.watch, "writing", stream.size) as tell:
            size = write(pieces, fd, stream.store, tell)
        made = msgspec.structs.replace(
            half,
            rules=tuple(rules),
            changes=tuple(bench.changes()),
            size=size,
            written=min(size, os.fstat(fd).st_blocks * SECTOR),
        )
        return made, touched(bench)


def _moves(block: RamBlock, base: int) -> bool:
    """Whether a block's mapped-ram part counts from another place than the result does."""
    mapped = block.mapped
    return mapped is not None and mapped.bitmap_offset - mapped.bitmap.start != base
