"""Ports of a virtio-serial device: which are in use, it says among what it saves.

References
----------
QEMU, hw/char/virtio-serial-bus.c: virtio_serial_save_device, virtser_port_device_realize, find_free_port_id
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence

from migstream.catalogue.arguments import Part
from migstream.catalogue.merged import resized
from migstream.catalogue.model import State

__all__ = ["PORTS", "numbers", "with_ports"]

PORTS = frozenset(("virtserialport", "virtconsole"))
CONSOLE = "virtconsole"
COLUMNS_AND_ROWS = bytes(4)
MOST = 511  # ports
# No columns, no rows, most ports (up to 511), port 0 kept for a console, behind all of the map no port in use.
# A guest whose words are the other way round has the most ports so, too.
HEAD = re.compile(
    rb"\x00{4}(?:\x00\x00([\x00\x01][^\x00])|([^\x00][\x00\x01])\x00\x00)\x00{3}\x01\x00{4}",
    re.DOTALL,
)
ONE = struct.Struct(">IBBI")  # its number, guest and host connected, no element that is half read


def numbers(parts: Sequence[Part]) -> list[int]:
    """The ports' numbers: as they are asked for, 0 for the first console, else the first that is free."""
    taken: list[int] = []
    for part in parts:
        asked = part.properties.get("nr", "")
        if asked.isdecimal() and int(asked) <= MOST:
            number = int(asked)
        elif part.driver == CONSOLE and 0 not in taken:
            number = 0
        else:
            number = next(n for n in range(1, MOST + 2) if n not in taken)
        taken.append(number)
    return taken


def with_ports(state: State, ports: Sequence[int]) -> State:
    """A device's state without ports, with them."""
    found = HEAD.search(state.payload)
    if found is None:
        return state
    most = int.from_bytes(found[1], "big") if found[1] else int.from_bytes(found[2], "little")
    at = found.start()
    words = -(-most // 32)
    bits = [sum(1 << n % 32 for n in {0, *ports} if n // 32 == word) for word in range(words)]
    begin = at + len(COLUMNS_AND_ROWS) + 4
    end = begin + 4 * words + 4
    used = struct.pack(f">{words}II", *bits, len(ports))
    used += b"".join(ONE.pack(number, 0, 0, 0) for number in ports)
    payload = state.payload[:begin] + used + state.payload[end:]
    return resized(state, payload)
