"""`migstream get`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, paths, verb
from migstream.render.values import is_several, value_json, value_line

__all__ = ["command"]


@verb(
    paths(required=True),
    click.Option(["-x", "--hex", "hexadecimal"], is_flag=True, help="In hexadecimal."),
    click.Option(["-r", "--raw"], is_flag=True, help="The raw bytes."),
    click.Option(["--where"], is_flag=True, help="Offset and length before each value."),
)
def command(run: Run, paths: tuple[str, ...], hexadecimal: bool, raw: bool, where: bool) -> None:
    """The value of each PATH, one on a line; `path = value` where a PATH names several."""
    each = [list(run.stream.find(path)) for path in paths]
    found = [
        (path, values, value) for path, values in zip(paths, each, strict=True) for value in values
    ]
    if run.as_json:
        run.emit([value_json(value) for _, _, value in found])
        return
    for path, values, value in found:
        if raw:
            run.write(value.raw)
        else:
            name = value.path if is_several(path) or len(values) > 1 else ""
            run.print(value_line(value, name, hexadecimal=hexadecimal, where=where))
