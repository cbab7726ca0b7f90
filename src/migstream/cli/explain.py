"""`migstream explain`."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import click

from migstream.cli.common import guarded
from migstream.render.text import Palette

__all__ = ["command"]

CODE = re.compile(r"MS\d{3}", re.IGNORECASE)
MOST = 16 << 20  # characters of a log
UNKNOWN = 1


def _emit(table: Any) -> None:
    from migstream.render.shape import to_json

    sys.stdout.write(to_json(table, pretty=True).decode() + "\n")


def _page(code: str, palette: Palette, *, as_json: bool) -> None:
    from migstream.analysis.pages import page
    from migstream.errors import NoSuchPath
    from migstream.render.findings import page_lines

    one = page(code)
    if one is None:
        raise NoSuchPath(
            f"no rule and no error has the code {code}", hint="--list shows every code"
        )
    if as_json:
        _emit({"code": one.code, "title": one.title, "severity": one.severity, "text": one.text})
    else:
        sys.stdout.write("\n".join(page_lines(one, palette)) + "\n")


def _list(*, as_json: bool) -> None:
    from migstream.analysis.pages import pages

    rows = [{"code": p.code, "severity": p.severity, "title": p.title} for p in pages()]
    if as_json:
        _emit(rows)
    else:
        for row in rows:
            sys.stdout.write(f"{row['code']}  {row['severity']:<7}  {row['title']}\n")


def _said(text: str, stream: str | None, palette: Palette, *, as_json: bool, verbose: bool) -> None:
    from migstream.analysis.explain import explain
    from migstream.render.explanation import explanation_lines, explanation_table
    from migstream.stream import open_stream

    if stream is None:
        one = explain(text)
    else:
        with open_stream(stream) as opened:
            one = explain(text, opened)
    if as_json:
        _emit(explanation_table(one))
    else:
        lines = explanation_lines(one, stream or "", palette, verbose=verbose)
        sys.stdout.writelines(f"{line}\n" for line in lines)
    if not one.said:
        sys.stdout.flush()
        click.echo("migstream: no message of QEMU's load side is in this text", err=True)
        sys.exit(UNKNOWN)


@click.command("explain")
@click.argument("text", nargs=-1)
@click.option("--stream", type=click.Path(), metavar="STREAM", help="The stream it is about.")
@click.option("--list", "listed", is_flag=True, help="Every code of rules and errors.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colour; auto: on a terminal, unless NO_COLOR is set.",
)
@click.option("-v", "--verbose", is_flag=True, help="Lines that only say where, too.")
def command(
    text: tuple[str, ...],
    stream: str | None,
    listed: bool,
    as_json: bool,
    color: str,
    verbose: bool,
) -> None:
    """What QEMU's error message means; with --stream, which bytes it is about.

    TEXT is a message, or a code such as MS103, whose page is printed. Without TEXT, or with -, a
    log is read from standard input. Exit status: 0 explained, 1 no message of QEMU's is in it.
    """
    on = color == "always" or (
        color == "auto" and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    )
    palette = Palette(on)

    def work() -> None:
        said = " ".join(text)
        if listed:
            _list(as_json=as_json)
        elif CODE.fullmatch(said.strip()):
            _page(said.strip().upper(), palette, as_json=as_json)
        else:
            if said in {"", "-"}:
                said = sys.stdin.buffer.read(MOST).decode("utf-8", "replace")
            _said(said, stream, palette, as_json=as_json, verbose=verbose)

    guarded(work, stream or "explain")
