"""`migstream find`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from migstream.analysis.find import Found
from migstream.cli.common import Out, Verb, guarded, progress, watching
from migstream.cli.options import (
    OFFSET,
    STDOUT,
    Option,
    force_option,
    output_option,
    output_options,
)
from migstream.cli.printing import warn
from migstream.cli.sending import no_folder, only_bytes, target
from migstream.errors import SourceError
from migstream.names import many
from migstream.render.find import Extracted, Find, FoundLine, find_parts
from migstream.render.text import escape

if TYPE_CHECKING:
    from migstream.source.layers import Opened
    from migstream.source.store import Store

__all__ = ["command"]

NOTHING = 1
MOST = 4096  # things that are listed at once
MOST_EXTRACTED = 2  # times the source: with --all one byte may be in many streams
ALL = "all"
KEY = re.compile(r"[1-9][0-9]{0,8}|0x[0-9a-f]{1,16}")


class _Which(click.ParamType):  # type: ignore[type-arg]
    """A number of the list, an offset, or all."""

    name = "which"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if text != ALL and not KEY.fullmatch(text):
            self.fail(
                f"{text!r} is not a number of the list, an offset such as 0x4000, or {ALL}",
                param,
                ctx,
            )
        return text


@click.command(
    "find",
    cls=Verb,
    answers=(Find,),
    lines=((FoundLine, Found),),
    params=[
        click.Argument(["source"], type=click.Path(allow_dash=True), metavar="FILE|DEVICE"),
        click.Option(
            ["--extract"],
            type=_Which(),
            metavar="N|OFFSET|all",
            help="Write this one, by its number or 0x…, to the file -o; all: to a folder.",
        ),
        output_option("The file or folder to make; - is standard output."),
        force_option(),
        Option(
            ["--nested", "everything"],
            also=["--all"],
            is_flag=True,
            help="Look inside of whole streams, too.",
        ),
        click.Option(
            ["--offset"], type=OFFSET, default=0, metavar="N", help="Where to begin to search."
        ),
        *output_options(lines=True),
    ],
)
def command(
    source: str,
    extract: str | None,
    output: str | None,
    force: bool,
    everything: bool,
    offset: int,
    **printing: Any,
) -> None:
    """Streams anywhere in a disk or its image, a dump of memory, a tar or core file.

    Each is read, as far as it goes. What libvirt's save images and qcow2 images hold is opened where
    they lie, as a stream is: info FILE --offset N. A pipe is copied to a temporary file. Streams that are
    compressed are not found. Exit status: 0 found, 1 there is none.
    """
    if output not in {None, STDOUT} and source != "-" and _same(source, output):
        raise click.UsageError("-o names what is searched: it would be lost")
    if (extract is None) != (output is None):
        raise click.UsageError("--extract and -o OUTPUT go together: which one, and where to")
    if extract == ALL:
        no_folder(output, "--extract all")
    out = Out(**printing)
    only_bytes(out, output)

    def work() -> None:
        from migstream.source.containers import NONE
        from migstream.source.opened import open_source

        opened = open_source(source, container=NONE, spool=True, watch=watching())
        try:
            _find(opened, out, offset, extract, output, force=force, everything=everything)
        finally:
            opened.close()

    guarded(work, source if source != "-" else "<stdin>")


def _same(source: str, output: str) -> bool:
    try:
        return Path(source).samefile(output)
    except (OSError, ValueError):
        return False


def _find(
    opened: Opened,
    out: Out,
    offset: int,
    extract: str | None,
    output: str | None,
    *,
    force: bool,
    everything: bool,
) -> None:
    from migstream.source.store import File, Sparing

    store = opened.store
    assert store is not None
    if output not in {None, STDOUT} and not force and Path(output).is_file():
        raise SourceError(f"{output} is there already", hint="--force replaces it")
    if isinstance(store, File):
        store = store.sparing()
    found, stopped, error = _search(opened.name, store, out, offset, everything=everything)
    files: list[Extracted] = []
    if extract is not None and output is not None and (found or extract != ALL):
        try:
            with target(out, output, store.size) as path:
                files = _extract(store, found, extract, path, output, force=force)
        except SourceError as failed:
            error = error or failed  # the list took long enough to be shown
    lost = store.lost() if isinstance(store, Sparing) else []
    out.show(
        lambda: Find(
            file=opened.name,
            size=store.size,
            found=found,
            stopped=stopped,
            unreadable=lost,
            output=output if files else None,
            extracted=files,
        ),
        find_parts(found, files),
    )
    sys.stdout.flush()
    if stopped is not None:
        warn(f"migstream: more than {MOST}: --offset {stopped:#x} goes on from here")
    if lost:
        size, (at, _) = sum(stop - start for start, stop in lost), lost[0]
        error = error or SourceError(
            f"{many(size, 'byte')} in {many(len(lost), 'place')} could not be read, the first at {at:#x}; all else was searched",
            hint="the device fails: copy it with ddrescue, and search the copy",
        )
    error = error or opened.cut
    if error is not None:
        raise error
    if not found:
        warn(f"migstream: {escape(opened.name)}: no stream begins in it{_packed(opened)}")
        sys.exit(NOTHING)


def _search(
    name: str, store: Store, out: Out, offset: int, *, everything: bool
) -> tuple[list[Found], int | None, SourceError | None]:
    """What was found, where the search stopped before the end, and why it could not go on.

    With --ndjson each is printed when it is found.
    """
    from migstream.analysis.find import find

    found: list[Found] = []
    with progress("searching", store.size) as tell:
        try:
            for one in find(store, start=offset, everything=everything, tell=tell):
                if len(found) == MOST:
                    return found, one.offset, None
                found.append(one)
                if out.ndjson:
                    out.lines([(FoundLine(file=name), one)])
        except SourceError as error:
            return found, None, error
    return found, None, None


def _packed(opened: Opened) -> str:
    """Why a stream may be in a compressed file and not be found."""
    from migstream.source import compressed

    for kind in (getattr(compressed, name) for name in compressed.__all__):
        if isinstance(kind, compressed.Kind) and opened.head(len(kind.magic)) == kind.magic:
            return f"; it is compressed: `{kind.name} -dc {escape(opened.name)} | migstream find -` searches what it holds"
    return ""


def _extract(
    store: Store, found: list[Found], which: str, path: str, output: str, *, force: bool
) -> list[Extracted]:
    """Write to `path` what is told to be in `output`: of standard output the file is another."""
    from migstream.export.carve import carve, carve_all
    from migstream.wire.model import Span

    chosen = [one for one in found if one.size and one.kind == "stream"]
    if which != ALL:
        chosen = [_one(found, which)]
    if not chosen:
        raise SourceError(
            "none of it can be extracted", hint="info FILE --offset N opens what is listed"
        )
    spans = [Span(one.offset, one.offset + (one.size or 0)) for one in chosen]
    total = sum(span.size for span in spans)
    if total > MOST_EXTRACTED * store.size:
        raise SourceError(
            f"{len(spans)} streams that lie in one another have {total:#x} bytes together, their source {store.size:#x}",
            hint="extract those that are meant, one by one",
        )
    with progress("writing", total) as tell:
        if which == ALL:
            names = carve_all(store, spans, path, force=force, tell=tell)
        else:
            carve(store, spans[0], path, force=force, tell=tell)
            names = [output]
    return [
        Extracted(file=name, offset=span.start, size=span.size)
        for name, span in zip(names, spans, strict=True)
    ]


def _one(found: list[Found], which: str) -> Found:
    """The one of this number in the list, or at this offset."""
    number = int(which, 0)
    if which.startswith("0x"):
        one = next((one for one in found if one.offset == number), None)
    else:
        one = found[number - 1] if number <= len(found) else None
    if one is None:
        raise click.UsageError(
            f"--extract {which}: there is no such one; {many(len(found), 'thing')} found"
        )
    if one.kind != "stream" or not one.size:
        raise click.UsageError(
            f"--extract {which}: where that ends is not known; info --offset {one.offset:#x} opens it"
        )
    return one
