"""`migstream catalogue`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from migstream.cli import matrix
from migstream.cli.binary import binary
from migstream.cli.common import Out, Verb, guarded
from migstream.cli.completed import completed
from migstream.cli.options import force_option, output_options
from migstream.cli.printing import warn
from migstream.render.catalogue import (
    Catalogue,
    Catalogues,
    catalogue_parts,
    kept,
    shown,
    shown_parts,
)
from migstream.render.matrix.answer import Matrix, MatrixWritten

__all__ = ["command"]

ACTIONS = ("list", "show", "matrix", "build")
NAME = re.compile(r"[a-z][a-z0-9._+-]*", re.IGNORECASE)  # what begins with a digit is a release


def _build(
    qemus: Sequence[str], output: str, names: Sequence[str], like: str | None, *, force: bool
) -> list[Path]:
    """A catalogue of each; of several, `output` is the folder they go to."""
    from migstream.catalogue.build.about import called
    from migstream.catalogue.build.make import build
    from migstream.catalogue.shelf import open_named

    target = Path(output)
    other = None if like is None else open_named(like)
    made: list[Path] = []
    for qemu in qemus:
        words = binary(click.get_current_context(), click.Argument(["qemu"]), qemu) or ()
        if len(qemus) == 1:
            path = target
        else:
            target.mkdir(exist_ok=True)
            path = target / f"{'-'.join(called(words))}.cat"
        build(words, path, warn, names, like=other, replace=force)
        made.append(path)
    return made


def _usage(
    action: str, names: Sequence[str], output: str | None, called: tuple[str, ...], like: str | None
) -> None:
    """Refuse words and options that do not go together."""
    if action not in ACTIONS:
        raise click.UsageError("say list, show CATALOGUE, matrix, or build QEMU... -o FILE")
    if (action == "build") != (output is not None) or (action == "list") == bool(names):
        raise click.UsageError("build takes QEMUs and -o FILE, show a catalogue, list neither")
    if action == "show" and len(names) > 1:
        raise click.UsageError("show takes one catalogue")
    if (called or like is not None) and action != "build":
        raise click.UsageError("--name and --base are for what is built")
    wrong = next((name for name in called if NAME.fullmatch(name) is None), None)
    if wrong is not None:
        raise click.BadParameter(
            f"{wrong!r}: a name begins with a letter and has letters, digits and . _ + - only",
            param_hint="--name",
        )


def _command(
    words: tuple[str, ...],
    output: str | None,
    folder: str | None,
    called: tuple[str, ...],
    like: str | None,
    *,
    force: bool,
    as_json: bool,
    color: str,
    verbose: bool,
    **chosen: Any,
) -> None:
    """What migstream knows of QEMUs, for `compat --to RELEASE`: list it, or make more of it.

    `list` names the catalogues that there are. `show CATALOGUE` tells of one, a file or its name, what it was made
    of: the binary, and every command line (-v). `build QEMU... -o FILE` makes one of a binary: it is asked what
    it has, and started some thousand times, standing still, so that it saves itself as each machine type and
    with each device. That takes ten minutes or so for each binary.

    `matrix` plays what each release saves of each machine type and of each device in each other release: a line for each
    pair, what breaks of one pair (--from, --to), or all of it (-o FILE.html, .md, .json, .csv, or a folder).
    """
    action, *names = words or ("list",)
    asked = matrix.Asked(**chosen)
    out = Out(as_json=as_json, color=color, verbose=verbose)
    if action == "matrix":
        if names or called or like is not None:
            raise click.UsageError("matrix takes no more words, and neither --name nor --base")
        guarded(lambda: matrix.matrix(out, asked, output, folder, force=force), "catalogue")
        return
    if asked.anything:
        raise click.UsageError(
            "--from, --to, --target, --machine, --device and --docs are for matrix"
        )
    _usage(action, names, output, called, like)

    def work() -> None:
        from migstream.catalogue import files
        from migstream.catalogue.shelf import on_shelf, open_named

        if action == "show":
            one = shown(open_named(names[0], folder))
            out.show(lambda: one, shown_parts(one, verbose=out.verbose))
            return
        if output is not None:
            made = _build(names, output, called, like, force=force)
            found = [kept(files.Catalogue(path)) for path in made]
        else:
            found = [kept(one) for one in on_shelf(folder)]
        out.show(lambda: Catalogues(catalogues=found), catalogue_parts(found))

    guarded(work, names[0] if names else "catalogue")


command = Verb(
    "catalogue",
    answers=(Catalogues, Catalogue, Matrix, MatrixWritten),
    callback=_command,
    help=inspect.cleandoc(_command.__doc__ or ""),
    params=[
        click.Argument(
            ["words"],
            nargs=-1,
            shell_complete=completed("catalogues"),
            metavar="[list | show CATALOGUE | matrix | build QEMU...]",
            required=False,
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Path(),
            metavar="FILE",
            help="The catalogue to make, or of the matrix.",
        ),
        click.Option(
            ["--name", "called"],
            multiple=True,
            metavar="NAME",
            help="What people call the QEMU, for `compat --to NAME`; several may be given.",
        ),
        click.Option(
            ["--base", "like"],
            metavar="CATALOGUE",
            help="The same release for another target, which this adds to: what is the same is not kept twice.",
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
