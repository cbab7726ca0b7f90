"""Network addresses of cards: as they are asked for, else one after the other.

References
----------
QEMU, net/net.c: qemu_macaddr_default_if_unset; hw/pci/pcie.c: pcie_dev_ser_num_init (PCI Express has it as a serial number)
"""

from __future__ import annotations

import re
from functools import partial

import msgspec

from migstream.catalogue.arguments import Part
from migstream.catalogue.model import State

__all__ = ["Addresses", "with_address"]

FIRST = bytes.fromhex("5254001234")  # of those that a QEMU gives by itself, all but the last byte
BEGIN = 0x56
PLAIN = re.compile(re.escape(FIRST) + b".", re.DOTALL)
SERIAL = re.compile(
    b"." + re.escape(FIRST[:2:-1]) + b"([\xfe\xff]\xff)" + re.escape(FIRST[2::-1]), re.DOTALL
)
# hw/net/vmxnet3.c: vmxnet3_device_serial_num
SERIAL_VMXNET3 = re.compile(
    b"\xfe" + re.escape(FIRST[3:]) + b"." + re.escape(FIRST[:3]) + b"\xff", re.DOTALL
)


class Addresses:
    """The addresses of a machine's cards, in their order."""

    def __init__(self) -> None:
        self._given = 0

    def of(self, part: Part) -> bytes | None:
        """That of a card; None where what was asked for is none."""
        try:
            address = bytes.fromhex(part.properties["mac"].replace(":", ""))
        except (KeyError, ValueError):
            address = self.take()
        return address if len(address) == len(FIRST) + 1 else None

    def take(self) -> bytes:
        """The next one: the card that a machine has by itself takes one where the board makes nothing of it, too."""
        self._given += 1
        return FIRST + bytes([(BEGIN + self._given - 1) % 256])


def with_address(state: State, address: bytes) -> State:
    """A card's state with that address in place of the one that it was tried with."""
    raw = SERIAL.sub(partial(_serial, address), state.payload)
    raw = SERIAL_VMXNET3.sub(lambda _: b"\xfe" + address[3:] + address[:3] + b"\xff", raw)
    return msgspec.structs.replace(state, payload=PLAIN.sub(lambda _: address, raw))


def _serial(address: bytes, found: re.Match[bytes]) -> bytes:
    return address[:2:-1] + found[1] + address[2::-1]
