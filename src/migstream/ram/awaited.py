"""The memory image before anybody asks for it: a few rows are kept, many are entered as they come.

Most answers need the walk and no page. Of a small stream, loading what makes tables takes longer than the walk.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from migstream.ram import kernel

if TYPE_CHECKING:
    from migstream.ram.builder import ImageBuilder
    from migstream.ram.pages import Source
    from migstream.ram.records import BlockId

__all__ = ["AwaitedImage"]

# So few rows are never refused for what their tables take (`ram.pages.Shared.touched`): a row touches two groups more than
# its pages fill, and what they fill is less than the stream.
MOST = 4096


class AwaitedImage:
    """Collects page records (`ram.records.Sink`) for an image that is made when it is asked for.

    What the image may refuse is told to it at once, so that the walk ends at that record.

    Parameters
    ----------
    source : the stream
    hold : as `ImageBuilder` has it
    """

    def __init__(self, source: Source, *, hold: bool = False) -> None:
        self._source = source
        self._hold = hold
        self._blocks: dict[int, BlockId] = {}
        self._rows: list[tuple[BlockId, bytes, int, int]] = []
        self._syncs: list[bool] = []
        self._kept = 0

    @cached_property
    def image(self) -> ImageBuilder:
        """The image of what was told so far; what follows is entered into it."""
        from migstream.ram.builder import ImageBuilder

        image = ImageBuilder([self._source], hold=self._hold)
        for block, rows, used, turn in self._rows:
            image.rows(block, memoryview(rows).cast("q"), used, turn)
        for flush in self._syncs:
            image.sync(flush=flush)
        self._rows, self._syncs = [], []
        return image

    @property
    def _made(self) -> bool:
        return "image" in vars(self)

    def close(self) -> None:
        """Let go of what was unpacked."""
        if self._made:
            self.image.close()

    def rows(self, block: BlockId, rows: memoryview, used: int, turn: int) -> None:
        self._kept += used
        known = self._blocks.setdefault(block.number, block)
        if self._made or self._hold or self._kept > MOST or known != block:
            self.image.rows(block, rows, used, turn)
        else:
            self._rows.append((block, rows[: used * kernel.ROW].tobytes(), used, turn))

    def sync(self, *, flush: bool) -> None:
        self._kept += 1
        if self._made or self._hold or self._kept > MOST:
            self.image.sync(flush=flush)
        else:
            self._syncs.append(flush)
