"""Network addresses in what a card saves; PCI Express has one as a serial number as well.

References
----------
QEMU, net/net.c: qemu_macaddr_default_if_unset; hw/pci/pcie.c: pcie_dev_ser_num_init
"""

from __future__ import annotations

import re
from functools import partial

import msgspec

from migstream.catalogue.model import State

__all__ = ["asked_for", "given", "with_address"]

LENGTH = 6
# Of the addresses that a QEMU gives by itself, all but the last byte, and that byte of the first one.
FIRST = bytes.fromhex("5254001234")
LAST = 0x56
PLAIN = re.compile(re.escape(FIRST) + b".", re.DOTALL)
SERIAL = re.compile(
    b"." + re.escape(FIRST[:2:-1]) + b"([\xfe\xff]\xff)" + re.escape(FIRST[2::-1]), re.DOTALL
)


def asked_for(text: str) -> bytes | None:
    """An address as people write it; None where it is none."""
    try:
        found = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        return None
    return found if len(found) == LENGTH else None


def given(number: int) -> bytes:
    """The one that the card with that number gets."""
    return FIRST + bytes([(LAST + number) % 256])


def with_address(state: State, address: bytes) -> State:
    """A state in which an address stands that a QEMU gave, with another one."""
    raw = SERIAL.sub(partial(_serial, address), state.payload)
    return msgspec.structs.replace(state, payload=PLAIN.sub(lambda _: address, raw))


def _serial(address: bytes, found: re.Match[bytes]) -> bytes:
    return address[:2:-1] + found[1] + address[2::-1]
