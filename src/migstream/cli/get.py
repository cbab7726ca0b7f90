"""`migstream get`."""

from __future__ import annotations

import click

from migstream.cli.common import Run, any_in_memory, paths, verb
from migstream.cli.options import hex_option, raw_options
from migstream.render.values import Values, held, is_several, place_bytes, place_line

__all__ = ["command"]


@verb(
    paths(required=True),
    hex_option(),
    *raw_options(),
    click.Option(["--where"], is_flag=True, help="Offset and length before each value."),
    spooled_for="paths",
    spooled_if=any_in_memory,
    answers=(Values,),
)
def command(run: Run, paths: tuple[str, ...], hexadecimal: bool, raw: bool, where: bool) -> None:
    """The value of each PATH, one on a line; `path = value` where a PATH names several.

    A PATH may be a place in guest memory, too (ram/BLOCK@OFFSET to the end of its page,
    ram/BLOCK@START-STOP), or bytes of the stream (@START-STOP).
    """
    from migstream.places import places

    stream = run.stream
    each = [(name, places(stream, name)) for name in paths]
    if raw and not run.as_json:
        for _, found in each:
            for place in found:
                run.write(place_bytes(stream, place))
        return
    run.show(
        lambda: Values(
            file=stream.name, values=[held(stream, place) for _, found in each for place in found]
        ),
        (
            place_line(
                stream,
                place,
                place.path if is_several(name) or len(found) > 1 else "",
                hexadecimal=hexadecimal,
                where=where,
            )
            for name, found in each
            for place in found
        ),
    )
