"""Files of guest memory that were written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.render.answer import Answer
from migstream.render.missing import Missing
from migstream.render.shown import Part
from migstream.render.text import escape, size

if TYPE_CHECKING:
    from migstream.export.files import Extracted

__all__ = ["Extract", "extracted", "extracted_parts"]

WORDS = {"data": "of data", "zero": "of zeros", "absent": "absent", "unplugged": "not plugged in"}


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of memory: `format` is null where it is one RAM block, `block` where it is more.

    `written` is what of its `size` is no hole, `coverage` its bytes by kind (data, zero, absent,
    unplugged), `missing` the pieces that are absent or unplugged: `at` in the file, `size`, `kind`, and
    `offset` in `block`.
    """

    file: str
    format: str | None
    block: str | None
    size: int
    written: int
    coverage: dict[str, int]
    missing: list[dict[str, Any]]


class Extract(Answer, tag="extract", frozen=True, kw_only=True):
    """What was written to `output`, a file, or a folder with a file for each RAM block.

    `absent` are RAM blocks that were left out, `missing` what the stream lacks of the others;
    `remarks` tell what else a reader of the files might expect and not find.
    """

    output: str
    files: list[File]
    absent: tuple[str, ...]
    missing: list[Missing]
    remarks: tuple[str, ...]


def extracted(made: Extracted, output: str, missing: list[Missing]) -> Extract:
    """The answer."""
    return Extract(
        output=output,
        files=[
            File(
                file=one.file,
                format=one.format,
                block=one.block,
                size=one.size,
                written=one.written,
                coverage=one.coverage,
                missing=one.missing,
            )
            for one in made.files
        ],
        absent=made.absent,
        missing=missing,
        remarks=made.remarks,
    )


def extracted_parts(made: Extracted) -> Iterator[Part]:
    """A line for each file, and what its holes are where not all of them are zeros."""
    for one in made.files:
        yield f"{escape(one.file)}  {size(one.size)}, {size(one.written)} written"
        kinds = one.coverage
        if kinds["absent"] or kinds["unplugged"]:
            told = ", ".join(f"{size(kinds[kind])} {WORDS[kind]}" for kind in kinds if kinds[kind])
            yield f"  {told}"
