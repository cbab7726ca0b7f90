"""Registers that a device writes as one buffer: a name for each, in the order in which they stand.

References: NCR 53C94 (esp); Zilog SCC (escc); Intel AC'97 2.1, 5.7; Power ISA's XIVE, thread interrupt management;
QEMU, hw/scsi/esp.c, hw/char/escc.c, hw/audio/ac97.c, include/hw/ppc/xive_regs.h.
"""

from __future__ import annotations

from collections.abc import Callable

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear

__all__ = ["ac97", "escc_read", "escc_write", "esp_read", "esp_write", "events", "xive"]

Decoder = Callable[[memoryview, Inside], list[Node]]


def _registers(names: str, kind: str = "uint8", size: int = 1) -> Decoder:
    """A decoder of registers of one size; `NAME*3` are three of a name, and what is beyond the names is `rest`."""
    described = [
        (name, int(many or 1)) for name, _, many in (one.partition("*") for one in names.split())
    ]
    least = size * sum(many for _, many in described)

    def decode(raw: memoryview, _: Inside) -> list[Node]:
        if len(raw) < least:
            raise Unclear(f"{len(raw)} bytes of registers that have {least}")
        out = Parts(raw)
        for name, many in described:
            out.add(name, kind, size * many, many)
        return out.nodes

    return decode


esp_read = _registers(
    "TCLO TCMID FIFO CMD RSTAT RINTR RSEQ RFLAGS CFG1 RRES1 RRES2 CFG2 CFG3 RES3 TCHI RES4"
)
esp_write = _registers(
    "TCLO TCMID FIFO CMD WBUSID WSEL WSYNTP WSYNO CFG1 WCCF WTEST CFG2 CFG3 RES3 TCHI RES4"
)
escc_read = _registers(
    "STATUS SPECIAL VECTOR INT_PENDING R4 R5 R6 R7 RECEIVED R9 MISC_STATUS R11 CLOCK_LOW CLOCK_HIGH R14 EXT_INT"
)
escc_write = _registers(
    "COMMAND INT_MODE VECTOR RX_CONTROL TX_RX_MODE TX_CONTROL SYNC_LOW SYNC_HIGH TRANSMITTED MASTER_INT MISC_CONTROL"
    " CLOCK_MODE CLOCK_LOW CLOCK_HIGH MISC_CONTROL_2 EXT_INT"
)
ac97 = _registers(
    "RESET MASTER_VOLUME HEADPHONE_VOLUME MASTER_MONO_VOLUME MASTER_TONE PC_BEEP_VOLUME PHONE_VOLUME MIC_VOLUME"
    " LINE_IN_VOLUME CD_VOLUME VIDEO_VOLUME AUX_VOLUME PCM_OUT_VOLUME RECORD_SELECT RECORD_GAIN RECORD_GAIN_MIC"
    " GENERAL_PURPOSE CONTROL_3D RESERVED_24 POWERDOWN EXTENDED_AUDIO_ID EXTENDED_AUDIO_CONTROL PCM_FRONT_DAC_RATE"
    " PCM_SURROUND_DAC_RATE PCM_LFE_DAC_RATE PCM_LR_ADC_RATE MIC_ADC_RATE RESERVED_36*35 VENDOR_ID*2",
    "le16",
    2,
)


def xive(raw: memoryview, _: Inside) -> list[Node]:
    """hw/intc/xive.c: vmstate_xive_tctx. What interrupts wait for a thread, for each of four levels that may run on it."""
    out = Parts(raw)
    for level in ("user", "os", "pool", "physical"):
        inner = out.inside()
        for name in ("NSR", "CPPR", "IPB", "LSMFB", "ACK_CNT", "INC", "AGE", "PIPR"):
            inner.u8(name)
        inner.u32("WORD2")
        inner.u32("WORD3")
        out.close(level, inner)
    return out.done()


def events(raw: memoryview, _: Inside) -> list[Node]:
    """hw/intc/xive.c: vmstate_xive_source. A byte for each source of interrupts."""
    out = Parts(raw)
    out.add("source", "uint8", out.left, out.left)
    return out.nodes
