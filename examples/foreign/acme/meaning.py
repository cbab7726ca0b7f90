"""`acme beacon`, a blob in Acme's devices: how many flashes are to come, and when each of them is due."""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts


def beacon(raw: memoryview, inside: Inside) -> list[Node]:
    """The nodes of a beacon (protocol: migstream.vmstate.meaning.Meaning)."""
    out = Parts(raw)
    count = out.u16("count")
    out.add("due", "timer", 8 * count, count)
    return out.nodes
