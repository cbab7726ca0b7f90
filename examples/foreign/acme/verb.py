"""`migstream blocks`."""

from __future__ import annotations

import click

import migstream


@click.command("blocks")
@click.argument("stream")
def command(stream: str) -> None:
    """RAM blocks and their sizes in bytes, for Acme's scripts."""
    with migstream.open(stream) as opened:
        for block in opened.blocks:
            click.echo(f"{block.name}\t{block.used_length}")
