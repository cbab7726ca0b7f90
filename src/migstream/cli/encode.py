"""`migstream encode`."""

from __future__ import annotations

import click

from migstream.cli.common import guarded
from migstream.cli.printing import print_json, say

__all__ = ["command"]


def _encode(folder: str, output: str, original: str | None, force: bool, as_json: bool) -> None:
    from migstream.document.folder import encode
    from migstream.render.text import escape, size

    written = encode(folder, output, original=original, replace=force)
    if as_json:
        from migstream.render.shape import to_json

        print_json(to_json({"file": output, "size": written}, pretty=True))
    else:
        say(f"{escape(output)}  {size(written)}")


@click.command("encode")
@click.argument("folder", type=click.Path(), metavar="DIR")
@click.option("-o", "--output", required=True, type=click.Path(), help="The stream to write.")
@click.option(
    "--original",
    type=click.Path(),
    metavar="STREAM",
    help="Where the stream is now that DIR refers to (decode --no-ram), if it was moved.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folder: str, output: str, original: str | None, force: bool, as_json: bool) -> None:
    """Write the stream of a folder that `migstream decode --full` made and a person edited.

    Where nothing was changed, its bytes are those of the stream that was decoded. What cannot be
    written is refused with its place: exit status 2, and nothing is left behind.
    """
    guarded(lambda: _encode(folder, output, original, force, as_json), folder)
