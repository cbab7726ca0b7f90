"""`migstream screen`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from migstream.cli.common import Run, verb
from migstream.cli.completed import completed
from migstream.cli.options import force_option, output_option
from migstream.cli.sending import only_bytes, target
from migstream.errors import NoSuchPath, Unsupported
from migstream.names import unescape
from migstream.render.screen import Screen, display_line, screen_parts

if TYPE_CHECKING:
    from migstream.machine.display.model import Display, Head

__all__ = ["command"]


@verb(
    output_option("The picture to make, PNG, or PPM where its name says so; - is standard output."),
    click.Option(
        ["-f", "--format", "form"],
        type=click.Choice(["png", "ppm"]),
        help="Its form, whatever it is called.",
    ),
    click.Option(
        ["--device"],
        type=unescape,
        metavar="DEVICE",
        shell_complete=completed("stream_values"),
        help="Of this display, not the first that shows something.",
    ),
    click.Option(
        ["--head"], type=click.IntRange(0), metavar="N", help="Which screen of it, from 0 on."
    ),
    force_option(),
    memory=True,
    answers=(Screen,),
)
def command(
    run: Run,
    output: str | None,
    form: str | None,
    device: str | None,
    head: int | None,
    force: bool,
) -> None:
    """What the guest's displays show; with -o a picture of one of them.

    VGA with VBE, Cirrus, bochs-display, virtio-gpu and ramfb, pixel by pixel as QEMU's screendump. What
    blinks is shown as it is while it is seen.
    """
    from migstream.machine.display import heads

    if (form or force) and output is None:
        raise click.UsageError("--format and --force belong to -o")
    only_bytes(run, output)
    every = list(heads(run.stream))
    found = _asked(run, every, device, head)
    if output is None:
        told = [one.display for one in found]
        run.show(lambda: Screen(file=run.stream.name, displays=told), screen_parts(told))
        return
    _draw(run, _first(found), [one.display for one in every], output, form, force=force)


def _asked(run: Run, every: Sequence[Head], device: str | None, head: int | None) -> list[Head]:
    """Those that the options name; raises NoSuchPath."""
    path = None if device is None else run.stream.devices[device].path
    found = [
        one
        for one in every
        if path in (None, one.display.device) and head in (None, one.display.head)
    ]
    if not found and (device is not None or head is not None):
        what = "the stream" if path is None else path
        raise NoSuchPath(
            f"{what} has no such display", hint="`migstream screen STREAM` lists the displays"
        )
    return found


def _first(found: Sequence[Head]) -> Head:
    """The first that shows something."""
    for one in found:
        if one.display.on and not one.display.damage:
            return one
    raise Unsupported(
        "no display shows anything", hint="`migstream screen STREAM` says why, for each of them"
    )


def _draw(
    run: Run, one: Head, displays: list[Display], output: str, form: str | None, *, force: bool
) -> None:
    from migstream.export.picture import encoded, format_of, write
    from migstream.render.missing import missing

    data = encoded(one.picture(), form or format_of(output))
    with target(run, output, len(data)) as path:
        write(data, path, replace=force)
        run.show(
            lambda: Screen(
                file=run.stream.name,
                displays=displays,
                output=output,
                size=len(data),
                shown=one.display,
            ),
            [display_line(one.display, output, len(data))],
        )
    if one.display.memory:
        run.missing(lack for lack in missing(run.stream.ram) if lack.block == one.display.memory)
