"""`migstream index`."""

from __future__ import annotations

from migstream.cli.common import Run, verb
from migstream.cli.options import force_option, output_option
from migstream.cli.sending import target
from migstream.errors import Unsupported
from migstream.render.written import Written, written_line
from migstream.source.address import scheme_of

__all__ = ["command"]


class Index(Written, tag="index", frozen=True, kw_only=True):
    """The index that was written."""


@verb(
    output_option("Another file than STREAM.migidx; - is standard output."),
    force_option(),
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
    place = output or f"{run.stream.name}{SUFFIX}"
    with target(run, place) as path:
        with new_file(path, replace=force) as fd:
            written = Index(output=place, size=run.stream.write_index(fd))
        run.show(lambda: written, [written_line(written)])
