"""USB controllers: how many ports each has.

References
----------
QEMU, hw/usb/hcd-uhci.c, hcd-ohci.c, hcd-ehci.h, hcd-xhci.c: the numbers; hw/usb/bus.c: usb_claim_port (hubs)
"""

from __future__ import annotations

from migstream.catalogue.arguments import Part

__all__ = ["HUB", "ports_of"]

HUB = "usb-hub"
PORTS = {"uhci": 2, "ohci": 3, "ehci": 6, "xhci": 4}  # of one that is told nothing
PROPERTIES = {"ohci": ("num-ports",), "xhci": ("p2", "p3")}
MOST = 15


def ports_of(driver: str, part: Part) -> int | None:
    """The ports of a controller; None where it is none. Of two kinds of ports, as many as there are of either."""
    kind = next((one for one in PORTS if one in driver), None)
    if kind is None:
        return None
    names = PROPERTIES.get(kind, ())
    given = [part.properties.get(name, "") for name in names]
    counts = [int(one) if one.isdecimal() and len(one) < 3 else PORTS[kind] for one in given]
    return min(max(counts, default=PORTS[kind]), MOST)
