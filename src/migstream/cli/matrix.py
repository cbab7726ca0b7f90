"""`migstream catalogue matrix`: what one release saves and another one loads, printed or written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from migstream.cli.common import Out, watching
from migstream.errors import Unsupported

if TYPE_CHECKING:
    from migstream.analysis.compat.matrix import Transition
    from migstream.qemu.release import Version
    from migstream.render.matrix.answer import Release

__all__ = ["Asked", "matrix", "options"]

NAME = "matrix"


class Asked(NamedTuple):
    """Which part of the matrix; all of it where nothing is said."""

    source: str | None
    destination: str | None
    targets: tuple[str, ...]
    machines: tuple[str, ...]
    devices: tuple[str, ...]
    docs: str | None

    @property
    def anything(self) -> bool:
        return any(self)


def options() -> list[click.Option]:
    """What chooses of the matrix; the values make an `Asked`."""
    return [
        click.Option(["--from", "source"], metavar="RELEASE", help="matrix: of this release only."),
        click.Option(
            ["--to", "destination"], metavar="RELEASE", help="matrix: to this release only."
        ),
        click.Option(
            ["--target", "targets"],
            multiple=True,
            metavar="NAME",
            help="matrix: of binaries for this target only (x86_64).",
        ),
        click.Option(
            ["--machine", "machines"],
            multiple=True,
            metavar="GLOB",
            help="matrix: these machine types only.",
        ),
        click.Option(
            ["--device", "devices"],
            multiple=True,
            metavar="GLOB",
            help="matrix: these device types only.",
        ),
        click.Option(
            ["--docs"],
            metavar="URL",
            help="matrix: where the pages of the documentation are, for links.",
        ),
    ]


def matrix(out: Out, asked: Asked, output: str | None, folder: str | None, *, force: bool) -> None:
    """Print what breaks, or write it to a file or a folder."""
    from migstream.analysis.compat.matrix import transitions
    from migstream.catalogue.shelf import on_shelf
    from migstream.render.matrix.answer import matrix as document
    from migstream.render.matrix.answer import releases
    from migstream.render.matrix.parts import summary_parts, transition_parts

    writers = _writers(output)
    source, destination = _release(asked.source), _release(asked.destination)
    catalogues = [
        one for one in on_shelf(folder) if not asked.targets or one.index.target in asked.targets
    ]
    watch = watching("pairs of releases")
    found = [
        *transitions(
            catalogues,
            asked.machines,
            asked.devices,
            wanted=lambda one, other: source in (None, one) and destination in (None, other),
            done=lambda done, total: watch and watch("playing", done, total),
        )
    ]
    if not found:
        raise Unsupported(
            f"no pair of catalogues from {asked.source or 'any'} to {asked.destination or 'any'}",
            hint="`migstream catalogue list` names those that there are",
        )
    known = releases(catalogues, found)
    if output is not None:
        _write(out, writers, known, found, asked.docs, force=force)
    elif source is not None and destination is not None:
        parts = (part for one in found for part in transition_parts(one, verbose=out.verbose))
        out.show(lambda: document(known, found), parts)
    else:
        out.show(lambda: document(known, found), summary_parts(found))


def _release(name: str | None) -> Version | None:
    from migstream.catalogue.shelf import release_named

    if name is None:
        return None
    release = release_named(name)
    if not isinstance(release, tuple):
        raise click.UsageError(f"{name} names no release, as 10.0 and debian-13 do")
    return release


Make = Callable[["Sequence[Release]", "Sequence[Transition]", "str | None"], bytes]


def _json(known: Sequence[Release], found: Sequence[Transition], _: str | None) -> bytes:
    from migstream.names import json_text
    from migstream.render.matrix.answer import matrix as document

    return json_text(document(known, found), pretty=False) + b"\n"


def _csv(_: Sequence[Release], found: Sequence[Transition], _docs: str | None) -> bytes:
    from migstream.render.matrix.values import values

    return values(found).encode()


def _markdown(known: Sequence[Release], found: Sequence[Transition], docs: str | None) -> bytes:
    from migstream.render.matrix.markdown import markdown

    return markdown(known, found, docs).encode()


def _html(known: Sequence[Release], found: Sequence[Transition], docs: str | None) -> bytes:
    from migstream.render.matrix.page import page

    return page(known, found, docs)


FORMS: dict[str, Make] = {".html": _html, ".json": _json, ".csv": _csv, ".md": _markdown}


def _writers(output: str | None) -> dict[Path, Make]:
    """What is made for each file; of a folder, one in each form."""
    if output is None:
        return {}
    path = Path(output)
    if path.suffix in FORMS:
        return {path: FORMS[path.suffix]}
    if path.suffix and not path.is_dir():
        raise click.UsageError(
            f"{output}: the matrix is written as {', '.join(FORMS)}, or to a folder"
        )
    return {path / f"{NAME}{suffix}": make for suffix, make in FORMS.items()}


def _write(
    out: Out,
    writers: dict[Path, Make],
    known: Sequence[Release],
    found: Sequence[Transition],
    docs: str | None,
    *,
    force: bool,
) -> None:
    from migstream.render.matrix.answer import MatrixWritten
    from migstream.render.text import escape, size
    from migstream.source.output import new_file, write_at

    made = {path: make(known, found, docs) for path, make in writers.items()}
    for path, data in made.items():
        path.parent.mkdir(exist_ok=True)
        with new_file(path, replace=force) as fd:
            write_at(fd, [data], 0)
    names, sizes = [str(path) for path in made], [len(data) for data in made.values()]
    lines = (f"{escape(name)}  {size(bytes_)}" for name, bytes_ in zip(names, sizes, strict=True))
    out.show(lambda: MatrixWritten(files=names, sizes=sizes), lines)
