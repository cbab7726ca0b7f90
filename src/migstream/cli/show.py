"""`migstream show`."""

from __future__ import annotations

from migstream.cli.common import Run, paths, verb
from migstream.cli.options import all_option, as_is_option
from migstream.places import places
from migstream.render.hexdump import Hexdump, dump_parts, of_place, region

__all__ = ["command"]


@verb(
    paths(required=True),
    all_option("Every line."),
    as_is_option(),
    answers=(Hexdump,),
)
def command(run: Run, paths: tuple[str, ...], everything: bool) -> None:
    """Values with their bytes: the hexdump beside the fields that own it.

    PATH is a path, @OFFSET (the value or item that owns this byte), @START-STOP, or a place in guest
    memory: ram/BLOCK@OFFSET (to the end of its page), ram/BLOCK@START-STOP.
    """
    found = [
        piece
        for path in paths
        for place in places(run.stream, path)
        for piece in of_place(run.stream, place)
    ]
    run.show(
        lambda: Hexdump(file=run.stream.name, pieces=[region(piece) for piece in found]),
        dump_parts(found, everything=everything),
    )
