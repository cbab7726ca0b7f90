"""USB controllers: how many ports each has, and which of them a machine has by itself.

References
----------
QEMU, hw/usb/hcd-uhci.c, hcd-ohci.c, hcd-ehci.h, hcd-xhci.c: the numbers; hw/usb/bus.c: usb_claim_port (hubs);
hw/usb/hcd-ehci-pci.c: ehci_create_ich9_with_companions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

__all__ = ["HUB", "controller_of", "own_controllers", "ports_of"]

HUB = "usb-hub"
# Ports of one that is told nothing. Of a machine's own, those of an older kind are companions of the newer one.
PORTS = {"xhci": 4, "ehci": 6, "ohci": 3, "uhci": 2}
PROPERTIES = {"ohci": ("num-ports",), "xhci": ("p2", "p3")}
MOST = 15


def controller_of(driver: str) -> str | None:
    """Which kind of controller it is; None where it is none."""
    return next((one for one in PORTS if one in driver), None)


def ports_of(driver: str, properties: Mapping[str, str]) -> int | None:
    """The ports of a controller; None where it is none. Of two kinds of ports, as many as there are of either."""
    kind = controller_of(driver)
    if kind is None:
        return None
    given = [properties.get(name, "") for name in PROPERTIES.get(kind, ())]
    counts = [int(one) if one.isdecimal() and len(one) < 3 else PORTS[kind] for one in given]
    return min(max(counts, default=PORTS[kind]), MOST)


def own_controllers(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """The path of the controller whose bus a machine has by itself, and its ports, by the names of its sections."""
    paths = {name.rpartition("/")[2]: name.rpartition("/")[0] for name in names}
    kind = next((one for one in PORTS if one in paths), None)
    if kind is not None:
        yield paths[kind], PORTS[kind]
