"""`migstream index`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, verb
from migstream.errors import Unsupported
from migstream.render.written import Written, written_line
from migstream.source.address import scheme_of

__all__ = ["command"]


class Index(Written, tag="index", frozen=True, kw_only=True):
    """The index that was written."""


@verb(
    click.Option(["-o", "--output"], type=click.Path(), help="Another file than STREAM.migidx."),
    click.Option(["--force"], is_flag=True, help="Replace what is there."),
    answers=(Index,),
)
def command(run: Run, output: str | None, force: bool) -> None:
    """Write an index beside the stream, which makes reading its guest memory instant from then on.

    It holds where each page is, eight bytes a page. It is used by itself as long as the stream's
    size, time and ends are the same, and may be deleted at any time.
    """
    from migstream.ram.sidecar import SUFFIX
    from migstream.source.output import new_file

    if scheme_of(run.stream.name):
        raise Unsupported(
            "only a plain file has an index, and this is at an address",
            hint="copy it to a file first",
        )
    target = output or f"{run.stream.name}{SUFFIX}"
    with new_file(target, replace=force) as fd:
        written = Index(output=target, size=run.stream.write_index(fd))
    run.show(lambda: written, [written_line(written)])
