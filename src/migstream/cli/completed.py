"""Completion for an option or argument, by the name of its function: that is loaded when a key is pressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["completed"]

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]
Name = Literal[
    "assignments",
    "catalogues",
    "codes",
    "containers",
    "ignorable",
    "languages",
    "messages",
    "ram_blocks",
    "releases",
    "stream_values",
    "streams_inside",
    "verbs",
]


def completed(name: Name) -> Complete:
    """What click takes as `shell_complete`: the function of `cli.complete` with this name."""

    def complete(
        context: click.Context, parameter: click.Parameter, begun: str
    ) -> list[CompletionItem]:
        from migstream.cli import complete as functions

        found: Complete = getattr(functions, name)
        return found(context, parameter, begun)

    return complete
