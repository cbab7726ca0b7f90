"""`migstream check`."""

from __future__ import annotations

import sys

import click

from migstream.cli.common import Run, verb

__all__ = ["command"]


def _codes(texts: tuple[str, ...]) -> list[str]:
    return [code.strip().upper() for text in texts for code in text.split(",") if code.strip()]


@verb(
    click.Option(
        ["--select", "chosen"],
        multiple=True,
        metavar="CODES",
        help="Only these: codes or their beginnings, MS54,MS1.",
    ),
    click.Option(["--ignore", "ignored"], multiple=True, metavar="CODES", help="Not these."),
    click.Option(
        ["-f", "--format", "form"],
        type=click.Choice(["text", "json", "ndjson", "sarif", "junit"]),
        default="text",
        help="How to print what was found.",
    ),
)
def command(run: Run, chosen: tuple[str, ...], ignored: tuple[str, ...], form: str) -> None:
    """Everything that is wrong with a stream: framing, description, values, memory.

    Exit status: 0 nothing of severity error or warning, 1 something, 3 the stream cannot be read to
    its end. `migstream explain CODE` has a page on each code.
    """
    from migstream.analysis.check import check
    from migstream.render.findings import render, report_lines

    report = check(run.stream, chosen=_codes(chosen), ignored=_codes(ignored))
    if run.as_json and form == "text":
        form = "json"
    if form == "text":
        run.print(report_lines(report, run.palette, verbose=run.verbose))
    else:
        run.write(render(report, form))
    sys.stdout.flush()
    if not report.complete:
        from migstream.render.text import escape

        codes = [f.code for f in report.findings if f.severity == "error"][:1]
        reason = "".join(f" [{code}]" for code in codes)
        click.echo(
            f"migstream: {escape(report.file)}: it could not be read to its end{reason}", err=True
        )
    sys.exit(report.exit_status)
