"""`migstream fleet query`, `metrics`, `report`, `compact`: what is done with a fleet that is there."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

import click

from migstream.cli.common import Out
from migstream.cli.sending import only_bytes, target
from migstream.fleet.dataset import Dataset, arrow
from migstream.fleet.query import Fleet, csv_text, moment
from migstream.fleet.query import metrics as metric_lines
from migstream.fleet.questions import QUESTIONS
from migstream.fleet.scan import release_text
from migstream.render.fleet import (
    asked_parts,
    compacted_answer,
    compacted_parts,
    question_parts,
    rows_answer,
)
from migstream.source.output import new_file, write_at

__all__ = ["compact", "metrics", "query", "report"]


def query(
    out: Out,
    names: list[str],
    *,
    to: tuple[str, ...],
    form: str,
    output: str | None,
    exit_code: bool,
    catalogue: str | None,
    force: bool,
    **_: Any,
) -> None:
    """Answer a question."""
    folder, *asked = names or [""]
    if not folder or len(asked) > 2:
        raise click.UsageError(
            "query takes a fleet, a question or a SELECT, and a time where one is asked for"
        )
    if not asked:
        out.print(question_parts())
        return
    if form == "parquet" and output is None:
        raise click.UsageError("-f parquet needs -o FILE")
    try:
        with Fleet(Dataset.open(folder)) as fleet:
            given = {
                "to": release_text(to[0], catalogue) if to else None,
                "since": moment(asked[1]) if len(asked) > 1 else None,
                "catalogue": catalogue,
            }
            known = QUESTIONS.get(asked[0])
            found = fleet.ask(asked[0], given) if known is None else fleet.answer(known, given)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if output is not None:
        _write(out, found, output, form, force=force)
    elif form == "csv":
        for line in csv_text(found):
            sys.stdout.write(line)
    else:
        out.show(lambda: rows_answer(found), asked_parts(found))
    if exit_code and found.num_rows:
        sys.stdout.flush()
        sys.exit(1)


def _write(out: Out, found: Any, output: str, form: str, *, force: bool) -> None:
    if form == "table":
        raise click.UsageError("-o needs -f csv or -f parquet")
    if form == "csv":
        _text(out, output, "".join(csv_text(found)), force=force)
        return
    with target(out, output) as path, new_file(path, replace=force) as fd:
        arrow().parquet.write_table(found, f"/dev/fd/{fd}", compression="zstd")


def _text(out: Out, output: str | None, text: str, *, force: bool) -> None:
    if output is None or output == "-":
        sys.stdout.write(text)
        return
    with target(out, output) as path, new_file(path, replace=force) as fd:
        write_at(fd, [text.encode()], 0)


def metrics(out: Out, names: list[str], *, output: str | None, **_: Any) -> None:
    """What Prometheus' node exporter reads from a text file, which is replaced."""
    with Fleet(Dataset.open(_one(names))) as fleet:
        text = "".join(f"{line}\n" for line in metric_lines(fleet))
    _text(out, output, text, force=True)


def compact(out: Out, names: list[str], **_: Any) -> None:
    """Make few files of many."""
    from migstream.fleet.compact import compact as compacted

    answer = compacted_answer(_one(names), compacted(Dataset.open(_one(names))))
    out.show(lambda: answer, compacted_parts(answer))


def report(out: Out, names: list[str], *, output: str | None, force: bool, **_: Any) -> None:
    """A page for the browser."""
    from migstream.render.report.fleet import fleet_page

    if output is None:
        raise click.UsageError("report needs -o FILE")
    only_bytes(out, output)
    with ExitStack() as stack:
        path = stack.enter_context(target(out, output))
        fleet = stack.enter_context(Fleet(Dataset.open(_one(names))))
        with new_file(path, replace=force) as fd:
            write_at(fd, [fleet_page(fleet, _one(names))], 0)


def _one(names: list[str]) -> str:
    if len(names) != 1:
        raise click.UsageError("say which fleet: one folder")
    return names[0]
