"""`migstream tree`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, paths, verb
from migstream.cli.options import all_option, as_is_option, hex_option
from migstream.render.tree import Look, Tree, node, tree_parts

__all__ = ["command"]


@verb(
    paths(required=False),
    click.Option(["--depth"], type=click.IntRange(1), metavar="N", help="Levels to show."),
    hex_option(),
    as_is_option(),
    all_option("All elements of arrays, not eight."),
    click.Option(["--where"], is_flag=True, help="The offset of each value."),
    answers=(Tree,),
)
def command(
    run: Run,
    paths: tuple[str, ...],
    depth: int | None,
    hexadecimal: bool,
    everything: bool,
    where: bool,
) -> None:
    """Devices and their fields with values and types, all or those that PATH names."""
    stream = run.stream
    values = [v for p in paths for v in stream.find(p)] or [d.value for d in stream.devices]
    look = Look(depth=depth, hexadecimal=hexadecimal, everything=everything, where=where)
    run.show(
        lambda: Tree(file=stream.name, values=[node(value, depth) for value in values]),
        (part for value in values for part in tree_parts(value, look)),
    )
