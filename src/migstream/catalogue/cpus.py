"""More CPUs than one: what a second one adds is what each further one adds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from migstream.catalogue.changes import Machine
from migstream.catalogue.model import Image, State

__all__ = ["add_cpus"]

LENGTH = re.compile(rb'"array_len"\s*:\s*2\b')
MOST = 4096  # CPUs


def add_cpus(
    machine: Machine, one: Image, two: Image, states: Sequence[State], cpus: int, room: int
) -> Iterator[str]:
    """Give a machine CPUs; what is assumed.

    Parameters
    ----------
    one, two : images with one CPU, and with two
    cpus, room : that it has, and that it can have (maxcpus)
    """
    cpus, room = min(cpus, MOST), min(room, MOST)
    before = {placed.key: placed for placed in one.sections}
    for placed in two.sections:
        known = before.get(placed.key)
        state = states[placed.state]
        if known is None:
            own = machine.sections.get((placed.name, placed.instance - 1), state)
            was = before.get((placed.name, placed.instance - 1))
            # another model than the image's: its CPUs are alike
            like = state if was is None or own == states[was.state] else own
            for number in range(1, cpus):
                machine.put((placed.name, placed.instance + number - 1), like, early=placed.early)
        elif known.state != placed.state and placed.key in machine.sections:
            grown = _grown(states[known.state], state, room)
            if grown is None:
                yield f"{placed.name} with {room} CPUs is as with two"
            machine.put(placed.key, grown or state, early=placed.early)


def _grown(one: State, two: State, count: int) -> State | None:
    """A state with an element for each CPU; None where it is not known how it grows."""
    more = len(two.payload) - len(one.payload)
    if count == 2 or more == 0:
        return two
    same = next(
        (at for at, byte in enumerate(one.payload) if two.payload[at] != byte), len(one.payload)
    )
    if (
        more < 0
        or len(LENGTH.findall(two.text)) != 1
        or one.payload[same:] != two.payload[same + more :]
    ):
        return None
    chunk = two.payload[same : same + more]
    payload = two.payload[:same] + chunk * (count - 1) + one.payload[same:]
    return State(two.version, payload, LENGTH.sub(b'"array_len": %d' % count, two.text))
