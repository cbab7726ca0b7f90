"""Guest memory as files that other tools open: what `export.extract` plans, written whole or not at all.

migstream.extract("guest.mig", "guest.core")
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.export import EXPORTS
from migstream.export import extract as planned
from migstream.names import brief
from migstream.stream import Stream, as_stream

if TYPE_CHECKING:
    from migstream.export.extract import Plan
    from migstream.ram.image import Ram
    from migstream.source.opened import Openable

__all__ = ["Extracted", "Extraction", "File", "extract"]

RAW = "raw"

Path = str | os.PathLike[str]
Tell = Callable[[int], None]


class File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that was written.

    Parameters
    ----------
    file : its path; in a folder of RAM blocks its name there
    format : "raw" or one of `export.EXPORTS`; None of a RAM block
    block : the RAM block that it holds; None of a file of another format
    size, written : its bytes, and those of them that are no hole
    coverage : bytes of memory in it by kind: data, zero, absent, unplugged
    missing : the pieces that are absent or unplugged: `at` in the file, `size`, `kind`, `block`, `offset`
    """

    file: str
    format: str | None = None
    block: str | None = None
    size: int
    written: int
    coverage: dict[str, int]
    missing: list[dict[str, Any]]

    def __repr__(self) -> str:
        return brief("File", f"{self.file}:", f"{self.size} bytes,", f"{self.written} written")


class Extracted(msgspec.Struct, frozen=True, kw_only=True):
    """What was written.

    Parameters
    ----------
    blocks : RAM blocks of which something is in the files
    absent : RAM blocks that were left out, as their contents are not in the stream
    remarks : what else a reader of the files might expect and not find
    """

    files: tuple[File, ...]
    blocks: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = ", ".join(one.file for one in self.files)
        return brief("Extracted", f"{len(self.files)} files:", names)


class Extraction:
    """What is to be written of a stream, before anything is.

    Parameters
    ----------
    form : "raw", or one of `export.EXPORTS`
    blocks : RAM blocks of a folder ("raw"); all of them where none is named

    `size` is how many bytes of memory there are to go through.

    Raises
    ------
    ValueError : no such format
    NoSuchAddress : no such RAM block
    Unsupported : the stream has no guest memory, or none whose address is known
    """

    def __init__(self, stream: Stream, form: str = "elf", blocks: Sequence[str] = ()) -> None:
        if form != RAW and EXPORTS.find(form) is None:
            raise ValueError(f"{form!r} is not one of {', '.join([RAW, *EXPORTS.names()])}")
        self._form = form
        self._ram: Ram = planned.memory_of(stream)
        self._absent: tuple[str, ...] = ()
        if form == RAW:
            wanted = [self._ram[name] for name in blocks or self._ram]
            there = [block for block in wanted if block.elsewhere is None]
            self._absent = tuple(one.name for one in wanted if one.elsewhere is not None)
            self._plans = [planned.block_plan(block) for block in there]
            self.size = sum(block.size for block in there)
        else:
            self._plans = [planned.plan(stream, form)]
            self.size = sum(part.size for part in self._plans[0].parts)

    def write(self, path: Path, *, force: bool = False, tell: Tell = lambda _: None) -> Extracted:
        """Write everything; see `extract`."""
        files = (self._folder if self._form == RAW else self._file)(path, force, tell)
        absent = {name for made in self._plans for name in made.absent}.union(self._absent)
        return Extracted(
            files=tuple(files),
            blocks=tuple(dict.fromkeys(part.block for p in self._plans for part in p.parts)),
            absent=tuple(sorted(absent)),
            remarks=tuple(remark for made in self._plans for remark in made.remarks),
        )

    def _file(self, path: Path, force: bool, tell: Tell) -> list[File]:
        from migstream.source.output import new_file

        (made,) = self._plans
        with new_file(path, replace=force) as fd:
            written = planned.copy(self._ram, made, fd, tell)
        return [self._row(made, written, os.fspath(path), form=self._form)]

    def _folder(self, path: Path, force: bool, tell: Tell) -> list[File]:
        """One file for each block, and MANIFEST, which says whose it is."""
        from migstream.names import json_text
        from migstream.source.output import MANIFEST, new_file, new_folder

        rows = []
        with new_folder(path, replace=force) as folder:
            for number, made in enumerate(self._plans):
                block = made.parts[0].block
                name = planned.file_name(block, number)
                with new_file(folder / name) as fd:
                    written = planned.copy(self._ram, made, fd, tell)
                rows.append(self._row(made, written, name, block=block))
            (folder / MANIFEST).write_bytes(json_text(rows, pretty=True) + b"\n")
        return rows

    def _row(
        self,
        made: Plan,
        written: int,
        file: str,
        *,
        form: str | None = None,
        block: str | None = None,
    ) -> File:
        what = planned.contents(self._ram, made)
        return File(file=file, format=form, block=block, size=made.size, written=written, **what)


def extract(
    stream: Stream | Openable,
    path: Path,
    *,
    form: str = "elf",
    blocks: Sequence[str] = (),
    force: bool = False,
    tell: Tell = lambda _: None,
) -> Extracted:
    """Write guest memory as files that other tools open. Zeros, and what is not in the stream, are holes.

    What is made is there whole or not at all.

    Parameters
    ----------
    stream : a Stream, or whatever `open` takes
    path : the file to make; the folder with "raw"
    form : "elf" is a core file with registers, "elf-virtual" one by virtual addresses, "raw" a folder with a file for each RAM block, "phys"
        guest-physical memory from address 0, "lime" its ranges, each behind a header
    blocks : with "raw", only these
    force : whether a plain file, or a folder that was made by this, may be replaced
    tell : called with the number of bytes of memory that are done since the last call

    Raises
    ------
    ValueError : no such format
    NoSuchAddress : no such RAM block
    Unsupported : the stream has no guest memory, or none whose address is known
    SourceError : something else is there already, or it cannot be written
    ParseError : a page cannot be unpacked
    """
    with as_stream(stream, spool=True) as source:
        return Extraction(source, form, blocks).write(path, force=force, tell=tell)
