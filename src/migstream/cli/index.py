"""`migstream index`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb

__all__ = ["command"]


@verb(
    click.Option(["-o", "--output"], type=click.Path(), help="Another file than STREAM.migidx."),
    click.Option(["--force"], is_flag=True, help="Replace what is there."),
)
def command(run: Run, output: str | None, force: bool) -> None:
    """Write an index beside the stream, which makes reading its guest memory instant from then on.

    It holds where each page is, eight bytes a page. It is used by itself as long as the stream's
    size, time and ends are the same, and may be deleted at any time.
    """
    from migstream.ram.sidecar import SUFFIX
    from migstream.render.text import escape, size
    from migstream.source.output import new_file

    target = output or f"{run.stream.name}{SUFFIX}"
    with new_file(target, replace=force) as fd:
        written = run.stream.write_index(fd)
    if run.as_json:
        run.emit({"index": target, "size": written})
    else:
        run.print(f"{escape(target)}  {size(written)}")
