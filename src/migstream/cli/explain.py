"""`migstream explain`."""

from __future__ import annotations

import inspect
import re
import sys
from contextlib import ExitStack
from typing import Any

import click

from migstream.cli.common import Out, Verb, begun, guarded, output_options
from migstream.cli.destination import make_destination, options, parse_version
from migstream.cli.printing import warn
from migstream.render.codes import CodePage, Codes, code_page, code_parts, codes, page_parts
from migstream.render.explanation import Explained, explained, explanation_parts
from migstream.source.address import public
from migstream.stream import open_anything

__all__ = ["command"]

CODE = re.compile(r"[A-Z]{2,8}\d{3}", re.IGNORECASE)  # MS, or what another package's begin with
MOST = 16 << 20  # characters of a log
UNKNOWN = 1


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
    stream: str | None,
    schema: str | None,
    other: str | None,
    release: str | None,
    capabilities: tuple[str, ...],
    source: str | None,
) -> None:
    from migstream.analysis.explain.log import explain
    from migstream.vmstate.schema import open_schema

    with ExitStack() as stack:
        opened = None if stream is None else begun(stack.enter_context(open_anything(stream)))
        to = None
        if schema is not None or other is not None:
            to = make_destination(
                stack, schema, other, parse_version(release), capabilities=capabilities
            )
        one = explain(text, opened, to, None if source is None else open_schema(source))
        out.show(
            lambda: explained(one, None if stream is None else public(stream)),
            explanation_parts(one, public(stream or ""), verbose=out.verbose),
        )
    if not one.said:
        sys.stdout.flush()
        warn("migstream: no message of QEMU's load side is in this text")
        sys.exit(UNKNOWN)


def _run(
    text: tuple[str, ...],
    listed: bool,
    as_json: bool,
    color: str,
    verbose: bool,
    **given: Any,
) -> None:
    """What QEMU's error message means; with --stream, which bytes it is about.

    TEXT is a message, or a code such as MS103, whose page is printed. Without TEXT, or with -, a
    log is read from standard input: the destination's, the source's, or both. With --to and
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
            if said in {"", "-"}:
                said = sys.stdin.buffer.read(MOST).decode("utf-8", "replace")
            _said(said, out, **given)

    guarded(work, given["stream"] or "explain")


command = Verb(
    answers=(Explained, CodePage, Codes),
    name="explain",
    callback=_run,
    params=[
        click.Argument(["text"], nargs=-1),
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
