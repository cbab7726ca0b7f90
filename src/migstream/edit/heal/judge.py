"""A real QEMU that has the last word: it is given the stream, and what it says is the next problem."""

from __future__ import annotations

from collections.abc import Collection
from typing import get_args

from migstream.analysis.compat.model import Kind, Problem
from migstream.analysis.explain.log import explain
from migstream.edit.heal.play import Player
from migstream.edit.heal.search import Judged, Node
from migstream.source.temporary import need_room, temporary_folder
from migstream.stream import Stream
from migstream.wire.model import Span

__all__ = ["RealJudge", "said_problem"]

KINDS: dict[str, Kind] = {one: one for one in get_args(Kind)}
CHUNK = 1 << 20
# Words about what `compat` has no kind for are about a value that a device checks.
OTHER: Kind = "value"


class RealJudge:
    """Gives streams to a QEMU.

    Parameters
    ----------
    capabilities : of migration, that it is to have
    """

    def __init__(self, player: Player, capabilities: Collection[str]) -> None:
        self._player = player
        self._capabilities = capabilities

    def __call__(self, node: Node) -> Judged:
        """What becomes of a stream with changes, started with changes.

        Raises
        ------
        QemuError : it does not start, or neither loads nor refuses
        """
        need_room(node.stream.size)
        with temporary_folder() as folder:
            path = folder / "stream.mig"
            with path.open("xb") as file:
                store = node.stream.store
                for at in range(0, store.size, CHUNK):
                    file.write(store.view(at, min(at + CHUNK, store.size)))
            verdict = self._player.verify(node.line, path, self._capabilities)
        problem = None if verdict.accepted else said_problem(verdict.said, node.stream)
        return Judged(verdict.accepted, verdict.said, problem)


def said_problem(said: str, stream: Stream) -> Problem | None:
    """What QEMU's words are about, as if it had been foretold; None where they say nothing."""
    told = explain(said)
    cause = told.cause
    if cause is None:
        return None
    kind = "" if cause.message.sides is None else cause.message.sides.kind
    path = f"{told.device}[{told.instance or 0}]" if told.device else ""
    device = next((d for d in stream.devices if d.path == path), None)
    block = cause.values.get("block", "")
    return Problem(
        kind=KINDS.get(kind, OTHER),
        device=path,
        span=Span(0, 0) if device is None else device.section.span,
        path=f"ram/{block}" if kind == "ram" and block else "",
        message=cause.text,
        said=tuple(said.splitlines()),
    )
