"""`migstream catalogue`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import click

from migstream.cli import matrix
from migstream.cli.binary import binary
from migstream.cli.common import Out, Verb, guarded
from migstream.cli.options import force_option, output_options
from migstream.cli.printing import warn
from migstream.render.catalogue import Catalogues, catalogue_parts, kept
from migstream.render.matrix.answer import Matrix, MatrixWritten

__all__ = ["command"]


def _build(qemus: tuple[str, ...], output: str, *, force: bool) -> list[Path]:
    """A catalogue of each; of several, `output` is the folder they go to."""
    from migstream.catalogue.build.make import build

    target = Path(output)
    made: list[Path] = []
    for qemu in qemus:
        words = binary(click.get_current_context(), click.Argument(["qemu"]), qemu) or ()
        if len(qemus) == 1:
            path = target
        else:
            target.mkdir(exist_ok=True)
            path = target / f"{Path(words[-1]).name}-{len(made)}.cat"
        build(words, path, warn, replace=force)
        made.append(path)
    return made


def _command(
    words: tuple[str, ...],
    output: str | None,
    folder: str | None,
    *,
    force: bool,
    as_json: bool,
    color: str,
    verbose: bool,
    **chosen: Any,
) -> None:
    """What migstream knows of QEMUs, for `compat --to RELEASE`: list it, or make more of it.

    `list` names the catalogues that there are. `build QEMU... -o FILE` makes one of a binary: it is asked what
    it has, and started some thousand times, standing still, so that it saves itself as each machine type and
    with each device. That takes ten minutes or so for each binary.
    """
    action, *qemus = words or ("list",)
    if action not in ("list", "build", "matrix"):
        raise click.UsageError("say list, matrix, or build QEMU... -o FILE")
    asked = matrix.Asked(**chosen)
    out = Out(as_json=as_json, color=color, verbose=verbose)
    if action == "matrix" and not qemus:
        guarded(lambda: matrix.matrix(out, asked, output, folder, force=force), "catalogue")
        return
    if asked.anything:
        raise click.UsageError("--from, --to, --machine, --device and --docs are for matrix")
    if (action == "build") != (output is not None) or (action == "build") != bool(qemus):
        raise click.UsageError("build takes QEMUs and -o FILE, list neither")

    def work() -> None:
        from migstream.catalogue.files import Catalogue
        from migstream.catalogue.shelf import on_shelf

        if output is not None:
            found = [kept(Catalogue(path)) for path in _build(tuple(qemus), output, force=force)]
        else:
            found = [kept(one) for one in on_shelf(folder)]
        out.show(lambda: Catalogues(catalogues=found), catalogue_parts(found))

    guarded(work, qemus[0] if qemus else "catalogue")


command = Verb(
    "catalogue",
    answers=(Catalogues, Matrix, MatrixWritten),
    callback=_command,
    help=inspect.cleandoc(_command.__doc__ or ""),
    params=[
        click.Argument(
            ["words"], nargs=-1, metavar="[list | matrix | build QEMU...]", required=False
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Path(),
            metavar="FILE",
            help="The catalogue to make, or of the matrix.",
        ),
        click.Option(
            ["--catalogue", "folder"],
            type=click.Path(),
            metavar="PATH",
            help="A catalogue, or a folder of them, before those of migstream.",
        ),
        *matrix.options(),
        force_option(),
        *output_options(),
    ],
)
