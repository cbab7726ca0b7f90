"""`migstream explain`."""

from __future__ import annotations

import errno
import inspect
import re
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Any, cast

import click

from migstream.cli.common import Out, Verb, begun, guarded, progress, watching
from migstream.cli.completed import completed
from migstream.cli.destination import make_destination, options, parse_version, schema_at
from migstream.cli.options import output_options
from migstream.cli.printing import warn
from migstream.render.codes import CodePage, Codes, code_page, code_parts, codes, page_parts
from migstream.render.explanation import Explained, explained, explanation_parts
from migstream.render.text import escape
from migstream.source.address import public
from migstream.stream import open_anything

__all__ = ["command"]

CODE = re.compile(r"[A-Z]{2,8}\d{3}", re.IGNORECASE)  # MS, or what another package's begin with
UNKNOWN = 1
LOG = "LOG"  # what a log without a name is called


def _page(code: str, out: Out) -> None:
    from migstream.analysis.codes import page
    from migstream.errors import NoSuchPath

    one = page(code)
    if one is None:
        raise NoSuchPath(
            f"no rule and no error has the code {code}", hint="--list shows every code"
        )
    told = code_page(one)
    out.show(lambda: told, page_parts(told))


def _list(out: Out) -> None:
    from migstream.analysis.codes import pages

    told = codes(pages())
    out.show(lambda: told, code_parts(told))


def _said(
    text: str,
    out: Out,
    *,
    log: str,
    stream: str | None,
    schema: str | None,
    other: str | None,
    release: str | None,
    capabilities: tuple[str, ...],
    source: str | None,
) -> None:
    from migstream.analysis.explain.log import explain

    with ExitStack() as stack:
        opened = (
            None
            if stream is None
            else begun(stack.enter_context(open_anything(stream, watch=watching())))
        )
        to = None
        if schema is not None or other is not None:
            to = make_destination(
                stack, schema, other, parse_version(release), capabilities=capabilities
            )
        one = explain(text, opened, to, None if source is None else schema_at(source), log=log)
        out.show(
            lambda: explained(one, None if stream is None else public(stream)),
            explanation_parts(one, public(stream or ""), verbose=out.verbose),
        )
    if not one.said:
        sys.stdout.flush()
        warn("migstream: no message of QEMU's or libvirt's that is known is in this text")
        if text and not any(map(str.isspace, text)):
            warn(f"  hint: if {escape(text)} is to be a file, there is none of this name here")
        sys.exit(UNKNOWN)


def _log(said: str) -> str:
    """What is to be explained: standard input, a file, the logs of a folder, or the words themselves."""
    if said in {"", "-"}:
        if said == "" and sys.stdin.isatty():
            context = click.get_current_context()
            click.echo(context.get_help(), color=context.color)
            context.exit(2)
        from migstream.analysis.explain.sift import sift

        return sift(BufferedReader(cast("RawIOBase", sys.stdin.buffer)))
    path = Path(said)
    try:
        if path.is_dir():
            return _folder(one for one in path.iterdir() if one.is_file())
        return _read(path) if path.is_file() else said
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno != errno.ENAMETOOLONG:
            raise
        return said


def _folder(logs: Iterable[Path]) -> str:
    """Logs in the order in which they were written; the last failure is in the newest, so of many those are read."""
    from migstream.analysis.explain.sift import MOST

    found: list[str] = []
    for one in sorted(logs, key=lambda one: (one.stat().st_mtime, one), reverse=True):
        found.append(_read(one))
        if sum(map(len, found)) > MOST:
            break
    return "\n".join(reversed(found))


def _read(path: Path) -> str:
    from migstream.analysis.explain.sift import sift

    with path.open("rb") as file, progress(f"reading {path.name}", path.stat().st_size) as tell:
        return sift(file, tell)


def _run(
    text: tuple[str, ...],
    listed: bool,
    as_json: bool,
    color: str,
    verbose: bool,
    **given: Any,
) -> None:
    """What QEMU's error message means; with --stream, which bytes it is about.

    TEXT is a message, a code such as MS103, whose page is printed, or a log: a file, a folder of
    them, or - for standard input; the destination's, the source's, or both, as they come (JSON lines,
    journald, libvirt's errors, escapes). Of several failures the last is explained. With --to and
    --to-stream too, the difference between the two sides that caused it; --from and --to do
    without streams. Exit status: 0 explained, 1 no message of QEMU's is in it.
    """
    out = Out(as_json=as_json, color=color, verbose=verbose)

    def work() -> None:
        said = " ".join(text)
        if listed:
            _list(out)
        elif CODE.fullmatch(said.strip()):
            _page(said.strip().upper(), out)
        else:
            told = _log(said)
            _said(told, out, log=LOG if said in {"", "-", told} else said, **given)

    guarded(work, given["stream"] or "explain")


command = Verb(
    answers=(Explained, CodePage, Codes),
    name="explain",
    callback=_run,
    params=[
        click.Argument(["text"], nargs=-1, shell_complete=completed("messages")),
        click.Option(
            ["--stream"], type=click.Path(), metavar="STREAM", help="The stream it is about."
        ),
        *options(),
        click.Option(
            ["--from", "source"],
            type=click.Path(),
            metavar="SCHEMA",
            help="The source's -dump-vmstate.",
        ),
        click.Option(["--list", "listed"], is_flag=True, help="Every code of rules and errors."),
        *output_options(),
    ],
    help=inspect.cleandoc(_run.__doc__ or ""),
)
