"""`migstream check`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click

from migstream.cli.common import Run, verb
from migstream.cli.completed import completed
from migstream.cli.options import all_option, force_option
from migstream.cli.printing import warn
from migstream.render.findings import (
    FORMATS,
    SUFFIXES,
    Check,
    Found,
    render,
    report_parts,
)

__all__ = ["command"]


def _codes(texts: tuple[str, ...], option: str) -> list[str]:
    """What --select and --ignore name, checked: an unknown code would silently choose nothing."""
    given = [code.strip().upper() for text in texts for code in text.split(",") if code.strip()]
    if not given:
        return []
    from migstream.analysis.codes import pages

    known = [page.code for page in pages()]
    for code in given:
        if not any(one.startswith(code) for one in known):
            raise click.BadParameter(
                f"no code begins with {code}: `migstream explain --list` has all", param_hint=option
            )
    return given


def _form(path: str) -> str:
    """The format that a report's name says."""
    form = SUFFIXES.get(Path(path).suffix)
    if form is None:
        raise click.BadParameter(
            f"{path} ends with none of {', '.join(SUFFIXES)}", param_hint="--report"
        )
    return form


@verb(
    click.Option(
        ["--golden"],
        type=click.Path(),
        metavar="FILE",
        help="A digest: say what changed since it was made (MS58).",
    ),
    click.Option(
        ["--select", "chosen"],
        multiple=True,
        metavar="CODES",
        shell_complete=completed("codes"),
        help="Only these: codes or their beginnings, MS54,MS1.",
    ),
    click.Option(
        ["--ignore", "ignored"],
        multiple=True,
        metavar="CODES",
        shell_complete=completed("codes"),
        help="Not these.",
    ),
    click.Option(
        ["-f", "--format", "form"],
        type=click.Choice(["text", *FORMATS]),
        default="text",
        help="How to print what was found.",
    ),
    click.Option(
        ["--report", "reports"],
        type=click.Path(),
        multiple=True,
        metavar="FILE",
        help="Write it to a file, too, as its name ends: .json, .ndjson, .sarif, .xml (JUnit).",
    ),
    force_option("Replace reports that are there."),
    all_option("All findings, not the first twenty of a code."),
    spooled_for="golden",
    any_source=True,
    answers=(Check,),
    lines=(Found,),
)
def command(
    run: Run,
    golden: str | None,
    chosen: tuple[str, ...],
    ignored: tuple[str, ...],
    form: str,
    reports: tuple[str, ...],
    force: bool,
    everything: bool,
) -> None:
    """Everything that is wrong with a stream: framing, description, values, memory.

    With --golden also everything that changed since a digest was made (`migstream digest -o`), first
    things first; --select MS58 is that alone.

    Exit status: 0 nothing of severity error or warning, 1 something, 3 the stream cannot be read to
    its end. `migstream explain CODE` has a page on each code.
    """
    from migstream.analysis.check import check
    from migstream.source.output import new_file, write_at

    files = {path: _form(path) for path in reports}
    kept = None
    if golden is not None:
        from migstream.analysis.golden import load

        kept = load(golden)
    select, ignore = _codes(chosen, "--select"), _codes(ignored, "--ignore")
    with ExitStack() as stack:
        # what may not be written is said before everything is read
        out = {path: stack.enter_context(new_file(path, replace=force)) for path in files}
        report = check(run.stream, golden=kept, chosen=select, ignored=ignore)
        for path, kind in files.items():
            write_at(out[path], [render(report, kind)], 0)
    if form == "text" and (run.as_json or run.ndjson):
        form = "json" if run.as_json else "ndjson"
    if form == "text":
        shown = everything or run.verbose
        run.print(report_parts(report, verbose=run.verbose, everything=shown))
    else:
        run.write(render(report, form))
    sys.stdout.flush()
    if not report.complete:
        from migstream.render.text import escape

        errors = [f.code for f in report.findings if f.severity == "error"][:1]
        reason = "".join(f" [{code}]" for code in errors)
        warn(f"migstream: {escape(report.file)}: it could not be read to its end{reason}")
    sys.exit(report.exit_status)
