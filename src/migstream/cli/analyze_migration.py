"""`migstream analyze-migration`: the options and the output of QEMU's script of that name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from migstream.cli.common import Verb, watching
from migstream.cli.options import stream_options

__all__ = ["command"]


@click.command("analyze-migration", cls=Verb)
@click.option("-f", "--file", "file", required=True, metavar="FILE", help="Stream to read.")
@click.option(
    "-d",
    "--dump",
    type=click.Choice(["state", "desc"]),
    default="state",
    show_default=True,
    help="Print the device values, or the description.",
)
@click.option("-m", "--memory", is_flag=True, help="With `state`: RAM contents as well.")
@click.option(
    "-x",
    "--extract",
    is_flag=True,
    help="Write every RAM block, desc.json and state.json into the current directory.",
)
def command(file: str, dump: str, memory: bool, extract: bool, **source: Any) -> None:
    """Print what QEMU's scripts/analyze-migration.py prints.

    The options (but for those of every verb) and the JSON are those of the script. Differences, each of which is a defect of
    the script, are listed in docs/analyze-migration.md.
    """
    from migstream.cli.common import begun, guarded
    from migstream.cli.printing import say
    from migstream.names import prose

    def work() -> None:
        from migstream.export import analyze
        from migstream.stream import open_anything

        put = sys.stdout.write
        with open_anything(file, spool=memory or extract, watch=watching(), **source) as stream:
            begun(stream)
            if extract:
                for name in analyze.extract(stream, Path()):
                    say(prose(name))
            elif dump == "desc":
                put(analyze.description_text(stream) + "\n")
                return
            elif memory:
                for piece in analyze.memory_text(stream):
                    put(piece)
                put("\n")
            else:
                put(analyze.encode(analyze.state(stream)) + "\n")
            for error in stream.noticed:
                raise error

    guarded(work, file)


command.params += stream_options()
