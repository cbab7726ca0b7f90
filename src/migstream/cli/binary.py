"""A QEMU named on the command line: a path, or a wrapper and what it runs."""

from __future__ import annotations

import os
import shlex

import click

__all__ = ["binary"]


def binary(
    _ctx: click.Context, _param: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    """Callback of an option: the beginning of a command line; a path that exists may have blanks."""
    if text is None:
        return None
    if os.path.exists(text):  # noqa: PTH110 - pathlib costs more than the question
        return (text,)
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise click.BadParameter(f"{text}: {error}") from None
    if not words:
        raise click.BadParameter("it is empty")
    return words
