"""What all network cards have: addresses, filters of VLANs and multicast, the registers of a PHY.

References: IEEE 802.3, 22.2.4; QEMU, include/hw/net/mii.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Symbols, bits, number_in_path

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = [
    "MII",
    "MII_BITS",
    "address_word",
    "addresses",
    "first_address",
    "mac",
    "multicast",
    "register",
    "vlan_bitmap",
    "vlan_word",
]

MAC = 6
MOST = 32  # that a list shows

_ABILITIES = bits("SELECTOR:5 10 10FD TX TXFD T4 PAUSE PAUSE_ASYM - RF ACK NP")
MII = {
    0: "BMCR", 1: "BMSR", 2: "PHYID1", 3: "PHYID2", 4: "ANAR", 5: "ANLPAR", 6: "ANER", 7: "ANNP", 8: "ANLPRNP",
    9: "CTRL1000", 10: "STAT1000", 13: "MDDACR", 14: "MDDAADR", 15: "EXTSTAT",
}  # fmt: skip
MII_BITS: dict[str, Symbols] = {
    "BMCR": bits("SPEED1000 CTST FD ANRESTART ISOLATE PDOWN AUTOEN SPEED100 LOOPBACK RESET", 6),
    "BMSR": bits(
        "EXTCAP JABBER LINK_ST AUTONEG RFAULT AN_COMP MFPS - EXTSTAT 100T2_HD 100T2_FD 10T_HD 10T_FD 100TX_HD"
        " 100TX_FD 100T4"
    ),
    "ANAR": _ABILITIES,
    "ANLPAR": _ABILITIES,
    "CTRL1000": bits("HALF FULL PORT MASTER MANUAL_MASTER TEST:3", 8),
}


def mac(value: Any, _: Value) -> Symbol:
    """The address of a card in six bytes."""
    good = isinstance(value, bytes) and len(value) == MAC
    return Symbol(value.hex(":") if good else "")


def first_address(step: int = 1) -> Symbols:
    """The address with which a memory begins, `step` bytes for each of its own."""

    def of(value: Any, _: Value) -> Symbol:
        good = isinstance(value, bytes) and len(value) >= MAC * step
        return Symbol(value[: MAC * step : step].hex(":") if good else "")

    return of


def addresses(value: Any, _: Value) -> Symbol:
    """Several addresses one after another."""
    if not isinstance(value, bytes) or not value or len(value) % MAC:
        return Symbol()
    known = [value[n : n + MAC].hex(":") for n in range(0, len(value), MAC)]
    return Symbol(_listed(known))


def address_word(value: Any) -> Symbol:
    """Two of the six bytes, as an EEPROM of words has them."""
    good = isinstance(value, int) and 0 <= value <= 0xFFFF
    return Symbol(f"MAC {value.to_bytes(2, 'little').hex(':')}" if good else "")


def vlan_word(value: Any, at: Value) -> Symbol:
    """The VLANs that a word of a filter lets through, 32 for each element."""
    number = number_in_path(at)
    if number is None or not isinstance(value, int) or value <= 0:
        return Symbol()
    return Symbol(f"VLAN {' '.join(str(32 * number + n) for n in range(32) if value >> n & 1)}")


def vlan_bitmap(value: Any, _: Value) -> Symbol:
    """The VLANs of a whole filter, of words in the order of a little-endian host."""
    if not isinstance(value, bytes) or not value:
        return Symbol()
    return Symbol("", _numbers(value, "VLAN"))


def multicast(value: Any, _: Value) -> Symbol:
    """Which of the 64 hashes of multicast addresses are let through."""
    good = isinstance(value, bytes) and len(value) == 8
    return Symbol("", _numbers(value, "hash") if good else "")


def _numbers(value: bytes, of: str) -> str:
    """The bits that are set, the lowest of each byte first; runs as ranges."""
    if not any(value):
        return f"no {of}"
    if all(one == 0xFF for one in value):
        return f"every {of}"
    number = int.from_bytes(value, "little")
    runs: list[str] = []
    at = 0
    while number >> at:
        at += (number >> at & -(number >> at)).bit_length() - 1
        rest = number >> at
        many = (~rest & (rest + 1)).bit_length() - 1
        runs.append(str(at) if many == 1 else f"{at}-{at + many - 1}")
        at += many
    return f"{of} {_listed(runs)}"


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - MOST} more" if len(words) > MOST else ""
    return " ".join(words[:MOST]) + more


def register(names: dict[int, str], known: dict[str, Symbols]) -> Symbols:
    """A register of an array by its number: its name, and what it says."""

    def of(value: Any, at: Value) -> Symbol:
        number = number_in_path(at)
        if number is None or not isinstance(value, int) or number not in names:
            return Symbol()
        name = names[number]
        said = known[name](value, at) if name in known else Symbol()
        return Symbol(f"{name} {said.name}".rstrip(), said.description)

    return of
