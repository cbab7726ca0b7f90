"""How fast the processor is just now: what a limit of its time is a multiple of."""

from __future__ import annotations

import time

__all__ = ["pace"]

WORK = 60_000  # steps of plain Python
SECONDS = 0.008  # that they take where the limits were set, with nothing beside them
MOST = 4.0
ROUNDS = 4  # the first one meets memory that is not there yet


def pace() -> float:
    """How many times the seconds of the processor the same work takes here and now, from 1.0 to `MOST`.

    What runs on the other thread of a core takes half of its pace without a second of its time.
    """
    return min(max(min(map(_spent, range(ROUNDS))) / SECONDS, 1.0), MOST)


def _spent(_round: int) -> float:
    begun = time.process_time()
    seen: dict[int, list[int]] = {}
    for number in range(WORK):
        seen.setdefault(number * 7919 % 1021, []).append(number)
    return time.process_time() - begun
