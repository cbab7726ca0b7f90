"""`migstream fleet`."""

from __future__ import annotations

import inspect
from typing import Any

import click

from migstream.cli.common import Out, Verb, guarded
from migstream.cli.options import force_option, output_options
from migstream.render.fleet import FleetCompacted, FleetRows, FleetRun

__all__ = ["command"]

ACTIONS = {
    "scan": ("migstream.cli.fleet_scan", "scan"),
    "query": ("migstream.cli.fleet_query", "query"),
    "metrics": ("migstream.cli.fleet_query", "metrics"),
    "report": ("migstream.cli.fleet_query", "report"),
    "compact": ("migstream.cli.fleet_query", "compact"),
}


def _command(
    words: tuple[str, ...], as_json: bool, color: str, verbose: bool, **given: Any
) -> None:
    """Thousands of saved guests: one table of them, and questions to it.

    `scan` looks at each of the files, folders, patterns, addresses and prefixes that are named (- is a list of them on
    standard input), and adds what it is to the folder of -o. It may be ended and started again: what did
    not change is not looked at twice. `query FOLDER` lists questions, `query FOLDER QUESTION` answers one, or any SELECT.
    `metrics` is for Prometheus, `report` a page for the browser, `compact` makes few files of many.
    """
    action, *names = words
    if action not in ACTIONS:
        raise click.UsageError(f"say {', '.join(ACTIONS)}, not {action!r}")
    out = Out(as_json=as_json, color=color, verbose=verbose)
    module, name = ACTIONS[action]

    def work() -> None:
        from importlib import import_module

        getattr(import_module(module), name)(out, names, **given)

    guarded(work, names[0] if names else "fleet")


command = Verb(
    "fleet",
    answers=(FleetRun, FleetRows, FleetCompacted),
    callback=_command,
    help=inspect.cleandoc(_command.__doc__ or ""),
    params=[
        click.Argument(
            ["words"],
            nargs=-1,
            required=True,
            metavar="{scan URL... | query FOLDER [QUESTION] | ...}",
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Path(allow_dash=True),
            metavar="PATH",
            help="scan: the folder of the fleet. metrics, report, query: a file.",
        ),
        click.Option(
            ["--to"],
            multiple=True,
            metavar="RELEASE",
            help="Foretell the load in that release (10.0, debian-13; all); query: the one that is asked about.",
        ),
        click.Option(
            ["--field", "fields"],
            multiple=True,
            metavar="PATH",
            help="scan: keep these values, too ('cpu[*]/env.eip').",
        ),
        click.Option(
            ["--check"],
            is_flag=True,
            help="scan: apply the rules of `check` to what is read whole.",
        ),
        click.Option(["--walk"], is_flag=True, help="scan: read all of large streams, too."),
        click.Option(
            ["--redact"],
            is_flag=True,
            help="scan: leave names out, of objects, guests, and in messages.",
        ),
        click.Option(
            ["--complete"],
            is_flag=True,
            help="scan: what is named is all of the fleet: whatever else it has is gone.",
        ),
        click.Option(
            ["--catalogue"],
            type=click.Path(),
            metavar="PATH",
            help="A catalogue, or a folder of them, before those of migstream.",
        ),
        click.Option(
            ["--workers"],
            type=click.IntRange(1, 1024),
            metavar="N",
            help="scan: processes; as many as there are CPUs otherwise.",
        ),
        click.Option(
            ["--scheduler"],
            metavar="ADDRESS",
            help="scan: of a Dask cluster, whose workers do it then (tcp://host:8786).",
        ),
        click.Option(
            ["--limit"],
            type=click.FloatRange(0.1, 86400),
            default=120.0,
            metavar="SECONDS",
            help="scan: for each object (120).",
        ),
        click.Option(
            ["--memory-limit", "memory"],
            type=click.IntRange(64, 1 << 20),
            default=1024,
            metavar="MIB",
            help="scan: for each object (1024).",
        ),
        click.Option(
            ["--retries"],
            type=click.IntRange(0, 100),
            default=3,
            metavar="N",
            help="scan: of an object that fails in passing (3).",
        ),
        click.Option(
            ["-f", "--format", "form"],
            type=click.Choice(["table", "csv", "parquet"]),
            default="table",
            help="query: how rows are printed, or written (-o).",
        ),
        click.Option(["--exit-code"], is_flag=True, help="query: status 1 where there is a row."),
        force_option(),
        *output_options(),
    ],
)
