"""Sound: Intel HDA and its codecs, AC'97.

References: Intel High Definition Audio 1.0a, 3.3 and 3.7; Intel ICH AC'97 manual, 2; AC'97 2.3, 5.7; QEMU,
hw/audio/intel-hda-defs.h, hda-codec.c, ac97.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migstream.vmstate.meaning.symbols.model import Symbol, Table, bits

if TYPE_CHECKING:
    from migstream.vmstate.values import Value

__all__ = ["AC97", "CODEC", "HDA"]

# --- HDA ---------------------------------------------------------------------------------------------

_BITS = {0: 8, 1: 16, 2: 20, 3: 24, 4: 32}


def _format(value: Any, _: Value) -> Symbol:
    """What a stream of samples looks like."""
    if not isinstance(value, int) or not 0 < value < 1 << 15:
        return Symbol()
    base = 44100 if value >> 14 & 1 else 48000
    rate = base * ((value >> 11 & 7) + 1) // ((value >> 8 & 7) + 1)
    width = _BITS.get(value >> 4 & 7)
    many = (value & 0xF) + 1
    said = f"{rate} Hz, {many} channel{'s' * (many > 1)}"
    return Symbol("", f"{said}, {width} bits" if width else said)


_STREAMS = bits(" ".join(f"STREAM{n}" for n in range(30)) + " CONTROLLER GLOBAL")
_CODECS = bits(" ".join(f"CODEC{n}" for n in range(15)))
HDA: Table = {
    "g_ctl": bits("CRST FLUSH -:6 UNSOLICITED"),
    "wake_en": _CODECS,
    "state_sts": _CODECS,
    "int_ctl": _STREAMS,
    "int_sts": _STREAMS,
    "corb_ctl": bits("ERROR_INT RUN"),
    "corb_sts": bits("ERROR"),
    "rirb_ctl": bits("INT RUN OVERRUN_INT"),
    "rirb_sts": bits("RESPONSE - OVERRUN"),
    "dp_lbase": bits("ENABLE -:6 ADDRESS_128:25"),
    "ics": bits("BUSY VALID"),
    "st/ctl": bits(
        "RESET RUN COMPLETION_INT FIFO_INT DESCRIPTOR_INT -:11 STRIPE:2 PRIORITY DIRECTION STREAM:4 -:2 COMPLETE"
        " FIFO_ERROR DESCRIPTOR_ERROR FIFO_READY"
    ),
    "st/fmt": _format,
}
CODEC: Table = {"st/format": _format}

# --- AC'97 (mixer: meaning.registers) ----------------------------------------------------------------

_VOLUME = bits("RIGHT:6 - - LEFT:6 - MUTE")
_VOLUMES = (
    "MASTER_VOLUME", "HEADPHONE_VOLUME", "MASTER_MONO_VOLUME", "PC_BEEP_VOLUME", "PHONE_VOLUME", "MIC_VOLUME",
    "LINE_IN_VOLUME", "CD_VOLUME", "VIDEO_VOLUME", "AUX_VOLUME", "PCM_OUT_VOLUME", "RECORD_GAIN", "RECORD_GAIN_MIC",
)  # fmt: skip
_EXTENDED = bits("VRA DRA SPDIF VRM SLOTS:2 CDAC SDAC LDAC AMAP REVISION:2 - - ID:2")
AC97: Table = {
    "glob_cnt": bits("GPI_INT COLD_RESET_OFF WARM_RESET SHUT_OFF PRIMARY_INT SECONDARY_INT"),
    "glob_sta": bits(
        "GSCI MIINT MOINT - - PIINT POINT MINT S0CR S1CR S0RI S1RI B1S12 B2S12 B3S12 RCS AD3 MD3"
    ),
    "bm_regs/sr": bits("HALTED CELV LVBCI BCIS FIFO_ERROR"),
    "bm_regs/cr": bits("RUN RESET LVB_INT FIFO_INT COMPLETION_INT"),
    **{f"mixer_data/{name}": _VOLUME for name in _VOLUMES},
    "mixer_data/POWERDOWN": bits("ADC DAC ANALOG REF -:4 PR0 PR1 PR2 PR3 PR4 PR5 PR6 EAPD"),
    "mixer_data/EXTENDED_AUDIO_ID": _EXTENDED,
    "mixer_data/EXTENDED_AUDIO_CONTROL": _EXTENDED,
}
