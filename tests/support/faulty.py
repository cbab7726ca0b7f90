"""A fault of ours in what an edit writes, for the second reading to find."""

from __future__ import annotations

import pytest

from migstream.edit.rewrite import Rewrite
from migstream.edit.workbench import Workbench

__all__ = ["write_wrongly"]


def write_wrongly(patch: pytest.MonkeyPatch, at: int, raw: bytes = bytes(8)) -> None:
    """From now on other bytes are written in the place of a source's, from offset `at` of that on."""
    settled = Workbench.settled

    def faulty(bench: Workbench, base: int = 0) -> Rewrite:
        whole = settled(bench, base)
        whole.patch(at, raw)
        return whole

    patch.setattr(Workbench, "settled", faulty)
