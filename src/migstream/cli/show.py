"""`migstream show`."""

from __future__ import annotations

from collections.abc import Iterator

from migstream.cli.common import Run, any_in_memory, paths, verb
from migstream.cli.options import all_option, as_is_option
from migstream.places import places
from migstream.render.hexdump import Hexdump, Piece, dump_parts, of_place, region
from migstream.render.shown import Part

__all__ = ["command"]


@verb(
    paths(required=True),
    all_option("Every line."),
    as_is_option(),
    spooled_for="paths",
    spooled_if=any_in_memory,
    answers=(Hexdump,),
)
def command(run: Run, paths: tuple[str, ...], everything: bool) -> None:
    """Values with their bytes: the hexdump beside the fields that own it.

    PATH is a path, @OFFSET (the value or item that owns this byte), @START-STOP, or a place in guest
    memory: ram/BLOCK@OFFSET (to the end of its page), ram/BLOCK@START-STOP.
    """
    named = [place for path in paths for place in places(run.stream, path)]

    def pieces(*, everything: bool) -> list[Piece]:
        return [
            piece for place in named for piece in of_place(run.stream, place, everything=everything)
        ]

    def parts() -> Iterator[Part]:
        yield from dump_parts(pieces(everything=everything), everything=everything)

    run.show(
        lambda: Hexdump(
            file=run.stream.name, pieces=[region(piece) for piece in pieces(everything=True)]
        ),
        parts(),
    )
