"""Intel's network cards: the register files of e1000, e1000e and igb, their PHY and their EEPROM.

References: Intel PCI/PCI-X Family of Gigabit Ethernet Controllers, 13 (8254x); 82574 Family Datasheet, 10; 82576
Datasheet, 8; IEEE 802.3, 22.2.4; QEMU, hw/net/e1000x_regs.h, e1000_common.h, e1000e_core.c, igb_regs.h.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.ethernet import MII, MII_BITS, address_word, vlan_word
from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Symbols,
    Table,
    bits,
    neighbour,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["E1000", "E1000E", "IGB"]

# Registers that follow each other from a byte on, each of four bytes; `-` is none, `name*8` are eight.
_COMMON = """
0x0000 CTRL CTRL_DUP STATUS - EECD EERD CTRL_EXT FLA MDIC SCTL FCAL FCAH FCT - VET
0x00c0 ICR ITR ICS - IMS - IMC - IAM
0x0100 RCTL
0x0170 FCTTV - TXCW - RXCW
0x0400 TCTL TCTL_EXT - - TIPG
0x0448 TBT - - - AIT
0x0e00 LEDCTL
0x0f00 EXTCNF_CTRL - EXTCNF_SIZE - PHY_CTRL
0x1000 PBA - PBS - EEMNGCTL EEMNGDATA FLMNGCTL FLMNGDATA FLMNGCNT EEARBC FLASHT EEWR FLSWCTL FLSWDATA FLSWCNT FLOP
0x2008 ERT
0x2160 FCRTL - FCRTH
0x2410 RDFH - RDFT - RDFHS - RDFTS - RDFPC
0x3410 TDFH - TDFT - TDFHS - TDFTS - TDFPC
0x4000 CRCERRS ALGNERRC SYMERRS RXERRC MPC SCC ECOL MCC LATECOL - COLC - DC TNCRS SEC CEXTERR RLEC - XONRXC XONTXC
0x4050 XOFFRXC XOFFTXC FCRUC PRC64 PRC127 PRC255 PRC511 PRC1023 PRC1522 GPRC BPRC MPRC GPTC - GORCL GORCH GOTCL GOTCH
0x40a0 RNBC RUC RFC ROC RJC MGTPRC MGTPDC MGTPTC TORL TORH TOTL TOTH TPR TPT PTC64 PTC127 PTC255 PTC511 PTC1023 PTC1522
0x40f0 MPTC BPTC TSCTC TSCTFC IAC ICRXPTC ICRXATC ICTXPTC ICTXATC - ICTXQEC ICTXQMTC ICRXDMTC ICRXOC
0x5000 RXCSUM - RFCTL - MAVTV*4
0x5200 MTA*128
0x5600 VFTA*128
0x5800 WUC - WUFC - WUS - MRQC - MANC MFVAL - - - - IPAV
0x5840 IP4AT*8 MANC2H RSSIM RSSIR
0x5880 IP6AT*4 MDEF*8
0x5900 WUPL
0x5a00 WUPM*32
0x5b00 GCR - FUNCTAG - GSCL_1 GSCL_2 GSCL_3 GSCL_4 GSCN_0 GSCN_1 GSCN_2 GSCN_3 FACTPS
0x5b50 SWSM FWSM SWSM2 SW_FW_SYNC
0x5b68 PBACLR
0x5c00 RETA*32 RSSRK*10
0xb600 SYSTIML SYSTIMH TIMINCA TIMADJL TIMADJH TSYNCTXCTL TXSTMPL TXSTMPH TSYNCRXCTL RXSTMPL RXSTMPH RXSATRL RXSATRH
"""
_QUEUES = """
0x2170 PSRCTL
0x2800 RDBAL RDBAH RDLEN - RDH - RDT - RDTR - RXDCTL RADV
0x2900 RDBAL1 RDBAH1 RDLEN1 - RDH1 - RDT1 - RDTR1 - RXDCTL1
0x2c00 RSRPD - RAID - CPUVEC
0x3000 TXDMAC KABGTXD
0x3800 TDBAL TDBAH TDLEN - TDH - TDT - TIDV - TXDCTL TADV TSPMT - - - TARC0
0x3900 TDBAL1 TDBAH1 TDLEN1 - TDH1 - TDT1 - - - TXDCTL1 - - - - - TARC1
0x5f00 FFLT*64
0x9000 FFMT*256
0x9800 FFVT*256
"""
_E1000E = """
0x00dc EIAC
0x00e4 IVAR EITR*5
"""
_IGB = """
0x0800 VMBMEM*128
0x0c00 P2VMAILBOX*8
0x0c40 V2PMAILBOX*8
0x0c80 MBVFICR MBVFIMR VFLRE VFRE VFTE
0x1514 GPIE
0x1520 EICS EIMS EIMC EIAC EIAM
0x1580 EICR
0x1680 EITR*25
0x1700 IVAR*8
0x1740 IVAR_MISC
0x2404 RXPBS QDE
0x3404 TXPBS
0x3500 DTXSWC
0x3548 LVMMC - - WVBR
0x3590 DTXCTL
0x3700 VMVIR*8
0x5004 RLPML
0x5480 PSRTYPE*8
0x55fc SYNQF
0x581c VT_CTL
0x5980 SAQF*8 DAQF*8 SPQF*8 FTQF*8
0x5acc TXSWC VMOLR*8 RPLOLR
0x5bbc IOVCTL
0x5cb0 ETQF*8
0x5d00 VLVF*32
0x5f50 TSYNCRXCFG
0xa000 UTA*128
"""
# Of each queue from 0xc000 and 0xe000 on, 64 bytes apart.
_IGB_RECEIVE = "RDBAL RDBAH RDLEN SRRCTL RDH RXCTL RDT - - - RXDCTL - RQDPC - DVMOLR"
_IGB_TRANSMIT = "TDBAL TDBAH TDLEN - TDH TXCTL TDT - - - TXDCTL - - - TDWBAL TDWBAH"
ADDRESSES = {"E1000": ((0x5400, 16),), "IGB": ((0x5400, 16), (0x54E0, 8))}  # pairs of RAL and RAH


@cache
def _names(*tables: str) -> dict[int, str]:
    """Names of registers by their numbers: bytes from the first, divided by four."""
    found: dict[int, str] = {}
    for line in "".join(tables).splitlines():
        first, _, names = line.partition(" ")
        at = int(first, 16) // 4 if first else 0
        for word in names.split():
            name, _, many = word.partition("*")
            for n in range(int(many or 1)):
                if name != "-":
                    found.setdefault(at, f"{name}[{n}]" if many else name)
                at += 1
    return found


@cache
def _registers(chip: str) -> dict[int, str]:
    """Names of all registers of a chip by their numbers."""
    if chip == "IGB":
        queues = "".join(
            f"{start + 0x40 * n:#x} {' '.join(f'{w}{n}' if w != '-' else w for w in words.split())}\n"
            for start, words in ((0xC000, _IGB_RECEIVE), (0xE000, _IGB_TRANSMIT))
            for n in range(16)
        )
        found = dict(_names(_IGB, _COMMON, queues))
    else:
        found = dict(_names(_COMMON, _QUEUES, *([_E1000E] if chip == "E1000E" else [])))
    pairs = ADDRESSES["IGB" if chip == "IGB" else "E1000"]
    number = 0
    for start, many in pairs:
        for n in range(many):
            found[start // 4 + 2 * n] = f"RAL{number}"
            found[start // 4 + 2 * n + 1] = f"RAH{number}"
            number += 1
    return found


_INTERRUPTS = bits(
    "TXDW TXQE LSC RXSEQ RXDMT0 DSW RXO RXT0 - MDAC RXCFG GPI_EN0 GPI_EN1 GPI_EN2 GPI_EN3 TXD_LOW SRPD ACK MNG DOCK"
    " RXQ0 RXQ1 TXQ0 TXQ1 OTHER -:6 ASSERTED"
)
_BITS: dict[str, Symbols] = {
    "CTRL": bits(
        "FD BEM MASTER_DISABLE LRST TME ASDE SLU ILOS SPEED:2 BEM32 FRCSPD FRCDPX D_UD_EN D_UD_POLARITY -:3 SWDPIN0"
        " SWDPIN1 SWDPIN2 SWDPIN3 SWDPIO0 SWDPIO1 SWDPIO2 SWDPIO3 RST RFCE TFCE - VME PHY_RST"
    ),
    "STATUS": bits(
        "FD LU FUNC:2 TXOFF TBIMODE SPEED:2 ASDV:2 MTXCKOK PCI66 BUS64 PCIX_MODE PCIX_SPEED:2 -:3 MASTER_ENABLE"
    ),
    "RCTL": bits(
        "RST EN SBP UPE MPE LPE LBM:2 RDMTS:2 DTYP:2 MO:2 MDR BAM SZ:2 VFE CFIEN CFI - DPF PMCF - BSEX SECRC FLXBUF:4"
    ),
    "TCTL": bits("RST EN BCE PSP CT:8 COLD:10 SWXOFF PBE RTLC NRTU MULR"),
    "MDIC": bits("DATA:16 REG:5 PHY:5 OP:2 READY INT_EN ERROR"),
    "EECD": bits("SK CS DI DO FWE:2 REQ GNT PRES AUTO_RD"),
    "SWSM": bits("SMBI SWESMBI - DRV_LOAD"),
    "WUFC": bits("LNKC MAG EX MC BC ARP IPV4 IPV6"),
    "RXCSUM": bits("START:8 IPOFLD TUOFLD - CRCOFLD IPPCSE PCSD"),
    "PBA": bits("RX_KB:16 TX_KB:16"),
    **dict.fromkeys(("ICR", "ICS", "IMS", "IMC", "IAM"), _INTERRUPTS),
}


# A register of a ring: which way, what of it, which queue.
_RING = re.compile(r"([RT]D)(BAL|BAH|LEN|H|T)(\d*)")
DESCRIPTOR = 16  # bytes


def _said(name: str, value: Any, at: Value, beside: Callable[[str], int | None]) -> Symbol:
    """What a register says; of a ring, also what those beside it add to that."""
    known = _BITS.get(name)
    if known is not None:
        return known(value, at)
    match = _RING.fullmatch(name)
    length = match and beside(f"{match[1]}LEN{match[3]}")
    if match is None or not length:  # no ring
        return Symbol()
    match match[2]:
        case "LEN":
            return Symbol("", f"{value // DESCRIPTOR} descriptors")
        case "H" | "T":
            return Symbol("", f"of {length // DESCRIPTOR}")
        case _:
            low, high = (beside(f"{match[1]}BA{half}{match[3]}") or 0 for half in "LH")
            return Symbol("", f"ring at {high << 32 | low:#x}")


def _address(at: Value, number: int) -> Symbol:
    """RAL and RAH: six bytes of an address, and whether it counts."""
    if at.above is None or at.above.count is None or not number | 1 < at.above.count:
        return Symbol()
    low, high = (int(at.above.element(n)) for n in (number & ~1, number | 1))
    if not low and not high:
        return Symbol()
    raw = low.to_bytes(4, "little") + (high & 0xFFFF).to_bytes(2, "little")
    return Symbol(raw.hex(":"), "" if high >> 31 else "not valid")


@cache
def _numbers(chip: str) -> dict[str, int]:
    return {name: number for number, name in _registers(chip).items()}


def _element(at: Value, chip: str, name: str) -> int | None:
    """The register of this name in the file that a value is of."""
    number = _numbers(chip).get(name)
    if number is None or at.above is None or not number < (at.above.count or 0):
        return None
    return int(at.above.element(number))


def _field(value: Any, at: Value) -> Symbol:
    """A register that is a field of its own: `mac_reg[RCTL]`."""
    if not isinstance(value, int):
        return Symbol()
    name = at.name.partition("[")[2].rstrip("]")
    return _said(name, value, at, lambda one: neighbour(at, f"mac_reg[{one}]"))


def _file(chip: str) -> Symbols:
    """An element of the whole register file: its name, and what it says."""

    def of(value: Any, at: Value) -> Symbol:
        number = number_in_path(at)
        name = "" if number is None else _registers(chip).get(number, "")
        if number is None or not name or not isinstance(value, int):
            return Symbol()
        if name.startswith(("RAL", "RAH")):
            said = _address(at, number)
        else:
            said = _said(name, value, at, lambda one: _element(at, chip, one))
        return Symbol(f"{name} {said.name}".rstrip(), said.description)

    return of


def _part(value: Any, at: Value) -> Symbol:
    """An element of the three tables that e1000 has as arrays of their own: addresses, multicast, VLANs."""
    number = number_in_path(at)
    if number is None or not isinstance(value, int) or at.above is None:
        return Symbol()
    match at.above.name:
        case "mac_reg[0]":
            said = _address(at, number)
            name = f"RA{'LH'[number & 1]}{number // 2}"
            return Symbol(f"{name} {said.name}".rstrip(), said.description)
        case "mac_reg[2]":
            return vlan_word(value, at)
        case _:
            return Symbol()


_M88 = {
    16: "PHY_SPEC_CTRL", 17: "PHY_SPEC_STATUS", 18: "INT_ENABLE", 19: "INT_STATUS", 20: "EXT_PHY_SPEC_CTRL",
    21: "RX_ERR_CNTR", 26: "PHY_EXT_CTRL", 29: "PHY_PAGE_SELECT", 30: "PHY_GEN_CONTROL",
}  # fmt: skip
PAGE = 32  # registers, of which the standard ones are on each


def _phy(value: Any, at: Value) -> Symbol:
    number = number_in_path(at)
    if number is None or not isinstance(value, int):
        return Symbol()
    page, register = divmod(number, PAGE)
    name = MII.get(register, "") or ("" if page else _M88.get(register, ""))
    known = MII_BITS.get(name)
    said = known(value, at).name if known else ""
    place = f"page {page} " if page and name else ""
    return Symbol(f"{place}{name} {said}".rstrip())


_EEPROM = {11: "DEVICE_ID", 12: "VENDOR_ID", 13: "DEVICE_ID", 14: "VENDOR_ID", 63: "CHECKSUM"}


def _eeprom(value: Any, at: Value) -> Symbol:
    """The first three words are the address; that of the devices stands where QEMU puts it."""
    number = number_in_path(at)
    if number is None or not isinstance(value, int) or not 0 <= value <= 0xFFFF:
        return Symbol()
    if number < 3:
        return address_word(value)
    return Symbol(_EEPROM.get(number, "") if value else "")


E1000: Table = {
    # each of these is a field of its own
    "*mac_reg[*]": _field,
    "mac_reg": _part,
    "e1000/full_mac_state/mac_reg": _file("E1000"),
    "phy_reg": _phy,
    "eeprom_data": _eeprom,
}
E1000E: Table = {"core.mac": _file("E1000E"), "core.phy": _phy, "core.eeprom": _eeprom}
IGB: Table = {"core.mac": _file("IGB"), "core.phy": _phy, "core.eeprom": _eeprom}
