"""Other network cards: rtl8139, PCnet, NE2000, vmxnet3, tulip, eepro100, and what a virtio card lets through.

References: Realtek RTL8139C(L), 5; AMD Am79C970A, CSRs and BCRs; NS DP8390D, 10; Intel 8255x Software Developer Manual;
DEC 21143 Hardware Reference, 3; QEMU, hw/net/rtl8139.c, pcnet.c, ne2000.c, vmxnet3.h, tulip.h, eepro100.c, lance.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.ethernet import (
    MII,
    MII_BITS,
    address_word,
    addresses,
    first_address,
    mac,
    multicast,
    register,
    vlan_word,
)
from migstream.vmstate.meaning.symbols.model import (
    Symbol,
    Symbols,
    Table,
    bits,
    enumeration,
    neighbour,
    number_in_path,
)

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["EEPRO100", "NE2000", "PCNET", "PROPERTY", "RTL8139", "TULIP", "VMXNET3"]


# --- rtl8139 -----------------------------------------------------------------------------------------

_RTL_INTERRUPTS = bits("ROK RER TOK TER RXOVW LINKCHG FOVW -:6 LENCHG TIMEOUT SERR")


def _received(value: Any, at: Value) -> Symbol:
    """Where the card writes next, in the ring of the size beside."""
    size = neighbour(at, "RxBufferSize")
    good = isinstance(value, int) and size
    return Symbol("", f"of {size}") if good else Symbol()


def _eeprom(value: Any, at: Value) -> Symbol:
    """Three words from the eighth on are the address."""
    return address_word(value) if number_in_path(at) in {7, 8, 9} else Symbol()


RTL8139: Table = {
    "phys": mac,
    "conf.macaddr": mac,
    "mult": multicast,
    "TxStatus": bits("SIZE:13 OWN TUN TOK THRESHOLD:6 -:2 COLLISIONS:4 CDH OWC TABT CRS"),
    "IntrStatus": _RTL_INTERRUPTS,
    "IntrMask": _RTL_INTERRUPTS,
    "TxConfig": bits("CLRABT -:3 RETRY:4 DMA:3 -:5 CRC LOOPBACK:2 -:3 HWVERID_B:2 IFG:2 HWVERID:5"),
    "RxConfig": bits("AAP APM AM AB AR AER SEL9356 WRAP DMA:3 BUFFER:2 FIFO:3 RER8 MULERINT -:6 EARLY:4"),
    "RxBufPtr": _received,
    "RxBufAddr": _received,
    "Cfg9346": bits("EEDO EEDI EESK EECS -:2 MODE:2"),
    "bChipCmdState": bits("BUFE - TE RE RST"),
    "CpCmd": bits("TX RX - MULRW DAC RXCHKSUM RXVLAN"),
    "BasicModeCtrl": MII_BITS["BMCR"],
    "BasicModeStatus": MII_BITS["BMSR"],
    "NWayAdvert": MII_BITS["ANAR"],
    "NWayLPAR": MII_BITS["ANLPAR"],
    "cplus_enabled": enumeration({0: ("", "C mode"), 1: ("", "C+ mode")}),
    "eeprom.contents": _eeprom,
}  # fmt: skip


# --- PCnet -------------------------------------------------------------------------------------------

_CSR = {
    0: "STATUS", 1: "IADR_LOW", 2: "IADR_HIGH", 3: "MASK", 4: "FEATURES", 5: "EXTENDED", 6: "RX_TX_LENGTH",
    8: "LADRF0", 9: "LADRF1", 10: "LADRF2", 11: "LADRF3", 12: "PADR0", 13: "PADR1", 14: "PADR2", 15: "MODE",
    16: "IADR_LOW", 17: "IADR_HIGH", 18: "CRBA_LOW", 19: "CRBA_HIGH", 20: "CXBA_LOW", 21: "CXBA_HIGH",
    24: "BADR_LOW", 25: "BADR_HIGH", 26: "NRDA_LOW", 27: "NRDA_HIGH", 28: "CRDA_LOW", 29: "CRDA_HIGH",
    30: "BADX_LOW", 31: "BADX_HIGH", 32: "NXDA_LOW", 33: "NXDA_HIGH", 34: "CXDA_LOW", 35: "CXDA_HIGH",
    36: "NNRD_LOW", 37: "NNRD_HIGH", 38: "NNXD_LOW", 39: "NNXD_HIGH", 40: "CRBC", 41: "CRST", 42: "CXBC",
    43: "CXST", 44: "NRBC", 45: "NRST", 46: "POLL", 47: "POLL_INTERVAL", 58: "SOFTWARE_STYLE", 60: "PXDA_LOW",
    61: "PXDA_HIGH", 62: "PXBC", 63: "PXST", 72: "RCVRC", 74: "XMTRC", 76: "RCVRL", 78: "XMTRL", 80: "DMA_FIFO",
    82: "BUS_TIMER", 84: "DMABA_LOW", 85: "DMABA_HIGH", 86: "DMABC", 88: "CHIP_ID_LOW", 89: "CHIP_ID_HIGH",
    92: "RING_LENGTH", 100: "MEMORY_ERROR_TIMEOUT", 112: "MISSED_FRAMES", 114: "COLLISIONS", 122: "RECEIVE_ALIGN",
    124: "TEST",
}  # fmt: skip


def _two_bytes(value: Any, _: Value) -> Symbol:
    good = isinstance(value, int) and 0 <= value <= 0xFFFF
    return Symbol(value.to_bytes(2, "little").hex(":") if good else "")


def _ring_length(value: Any, _: Value) -> Symbol:
    """Two's complement of a number of descriptors."""
    good = isinstance(value, int) and value > 0
    return Symbol("", f"{-value & 0xFFFF} descriptors" if good else "")


_CSR_BITS: dict[str, Symbols] = {
    "STATUS": bits("INIT STRT STOP TDMD TXON RXON IENA INTR IDON TINT RINT MERR MISS CERR BABL ERR"),
    "MASK": bits("BCON ACON BSWP EMBA DXMT2PD LAPPEN DXSUFLO - IDONM TINTM RINTM MERRM MISSM - BABLM"),
    "FEATURES": bits("JABM JAB TXSTRTM TXSTRT RCVCCOM RCVCCO UINT UINTCMD MFCOM MFCO ASTRP_RCV APAD_XMT DPOLL TIMER DMAPLUS EN124"),
    "EXTENDED": bits("SPND MPMODE MPEN MPINTE MPINT MPPLBA EXDINTE EXDINT SLPINTE SLPINT SINTE SINT -:2 LTINTEN TOKINTD"),
    "PADR0": _two_bytes, "PADR1": _two_bytes, "PADR2": _two_bytes,
    "MODE": bits("DRX DTX LOOP DTCR FCOLL DRTY INTL PORTSEL:2 TSEL MENDECL DAPC DLNKTST DRCVPA DRCVBC PROM"),
    "RCVRL": _ring_length, "XMTRL": _ring_length,
}  # fmt: skip
_BCR = {
    0: "MSRDA", 1: "MSWRA", 2: "MC", 4: "LNKST", 5: "LED1", 6: "LED2", 7: "LED3", 9: "FDC", 16: "IOBASEL", 17: "IOBASEU",
    18: "BSBC", 19: "EECAS", 20: "SWS", 21: "INTCON", 22: "PCILAT", 32: "MIICAS", 33: "MIIADDR", 34: "MIIMDR",
}  # fmt: skip


_PCNET: Table = {
    "csr": register(_CSR, _CSR_BITS),
    "bcr": register(_BCR, {}),
    "prom": first_address(),
    "lnkst": bits("LINK", 6),
}
PCNET: Table = {f"{where}{name}": of for where in ("", "state/") for name, of in _PCNET.items()}

# --- NE2000 ------------------------------------------------------------------------------------------

_NE_INTERRUPTS = bits("RX TX RX_ERR TX_ERR OVER COUNTERS RDC RESET")


_NE2000: Table = {
    "rxcr": bits("SEP AR AB AM PRO MON"),
    "cmd": bits("STOP START TRANS RREAD RWRITE NODMA PAGE:2"),
    "isr": _NE_INTERRUPTS,
    "imr": _NE_INTERRUPTS,
    "tsr": bits("PTX - COL ABT CRS FU CDH OWC"),
    "rsr": bits("RXOK CRC FAE FO MPA PHY DIS DEF"),
    "dcfg": bits("WTS BOS LAS LS ARM FIFO:2"),
    "phys": mac,
    "mult": multicast,
    "mem": first_address(2),  # each byte twice
}
NE2000: Table = {f"{where}{name}": of for where in ("", "ne2000/") for name, of in _NE2000.items()}

# --- vmxnet3 -----------------------------------------------------------------------------------------

_COMMANDS = {
    0xCAFE0000: "ACTIVATE_DEV", 0xCAFE0001: "QUIESCE_DEV", 0xCAFE0002: "RESET_DEV", 0xCAFE0003: "UPDATE_RX_MODE",
    0xCAFE0004: "UPDATE_MAC_FILTERS", 0xCAFE0005: "UPDATE_VLAN_FILTERS", 0xCAFE0006: "UPDATE_RSSIDT",
    0xCAFE0007: "UPDATE_IML", 0xCAFE0008: "UPDATE_PMCFG", 0xCAFE0009: "UPDATE_FEATURE", 0xCAFE000A: "LOAD_PLUGIN",
    0xF00D0000: "GET_QUEUE_STATUS", 0xF00D0001: "GET_STATS", 0xF00D0002: "GET_LINK", 0xF00D0003: "GET_PERM_MAC_LO",
    0xF00D0004: "GET_PERM_MAC_HI", 0xF00D0005: "GET_DID_LO", 0xF00D0006: "GET_DID_HI", 0xF00D0007: "GET_DEV_EXTRA_INFO",
    0xF00D0008: "GET_CONF_INTR", 0xF00D0009: "GET_ADAPTIVE_RING_INFO",
}  # fmt: skip


def _link(value: Any, _: Value) -> Symbol:
    """Speed in Mbit/s above, whether there is a link below."""
    if not isinstance(value, int):
        return Symbol()
    return Symbol("UP" if value & 1 else "DOWN", f"{value >> 16} Mbit/s")


def _ring(value: Any, at: Value) -> Symbol:
    """Where a ring goes on, of how many."""
    size = neighbour(at, "size")
    return Symbol("", f"of {size}") if isinstance(value, int) and size else Symbol()


VMXNET3: Table = {
    "rx_mode": bits("UCAST MCAST BCAST ALL_MULTI PROMISC"),
    "vlan_table": vlan_word,
    "last_command": enumeration(_COMMANDS),
    "link_status_and_speed": _link,
    "device_active": enumeration({0: ("", "not active"), 1: ("", "active")}),
    "txq_descr/*/next": _ring,
    "rxq_descr/*/next": _ring,
    "vmxnet3/mcast_list/mcast_list": addresses,
}


# --- tulip -------------------------------------------------------------------------------------------

_TULIP = {
    0: "BUS_MODE", 1: "TX_POLL", 2: "RX_POLL", 3: "RX_BASE", 4: "TX_BASE", 5: "STATUS", 6: "OPERATION", 7: "INTERRUPTS",
    8: "MISSED_FRAMES", 9: "ROM_MII", 10: "BOOT_ROM", 11: "TIMER", 12: "SIA_STATUS", 13: "SIA_CONNECTIVITY",
    14: "SIA_TX_RX", 15: "SIA_GENERAL",
}  # fmt: skip
_TULIP_BITS: dict[str, Symbols] = {
    "BUS_MODE": bits("SWR BAR DSL:5 BLE PBL:6 CAL:2 DAS TAP:3 DBO RME - RLE WIE"),
    "STATUS": bits(
        "TI TPS TU TJT LNP_ANC UNF RI RU RPS RWT ETI GTE LNF FBE ERI AIS NIS RS:3 TS:3 EB:3 GPI LC"
    ),
    "OPERATION": bits("HP SR HO PB IF SB PR PM FKD FD OM:2 FC ST TR:2 - CA -:12 RA SC"),
    "INTERRUPTS": bits("TIM TSM TUM TJM LPM UNM RIM RUM RSM RWM - TMM LFM SEM ERM AIM NIM"),
}
TULIP: Table = {"csr": register(_TULIP, _TULIP_BITS)}

# --- eepro100 ----------------------------------------------------------------------------------------

EEPRO100: Table = {
    "conf.macaddr": mac,
    "mult": multicast,
    "int_stat": bits("FCP ER SWI MDI RNR CNA FR CX"),
    "mdimem": register(MII, MII_BITS),
}

# --- the firmware of a Raspberry Pi, which tells the address of its card -------------------------------

PROPERTY: Table = {"macaddr": mac}
