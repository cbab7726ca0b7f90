"""VGA's register files, its palette, and what a ramfb was told.

References: IBM VGA, as in FreeVGA; QEMU, hw/display/vga_regs.h, vga.c, cirrus_vga.c: vmstate_cirrus_vga, ramfb.c.
"""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts

__all__ = ["ar", "cr", "gr", "palette", "ramfb", "sr"]

_CR = (
    "h_total h_disp h_blank_start h_blank_end h_sync_start h_sync_end v_total overflow preset_row max_scan cursor_start"
    " cursor_end start_hi start_lo cursor_hi cursor_lo v_sync_start v_sync_end v_disp_end offset underline v_blank_start"
    " v_blank_end mode line_compare"
)
_SR = "reset clock_mode plane_write character_map memory_mode"
_GR = "sr_value sr_enable compare_value data_rotate plane_read mode misc compare_mask bit_mask"
_AR = "mode overscan plane_enable pel color_page"
SHADOWED = 2  # of cirrus's: kept elsewhere, the file begins behind them
CIRRUS_GR = 256 - SHADOWED
COLORS = 256


def _file(raw: memoryview, names: str, first: int = 0) -> Parts:
    """Registers of a byte by name; those behind them are the rest."""
    out = Parts(raw)
    for name in names.split()[first:]:
        out.u8(name)
    return out


def cr(raw: memoryview, _: Inside) -> list[Node]:
    """The CRT controller's."""
    return _file(raw, _CR).nodes


def sr(raw: memoryview, _: Inside) -> list[Node]:
    """The sequencer's."""
    return _file(raw, _SR).nodes


def gr(raw: memoryview, _: Inside) -> list[Node]:
    """The graphics controller's."""
    return _file(raw, _GR, SHADOWED if len(raw) == CIRRUS_GR else 0).nodes


def ar(raw: memoryview, _: Inside) -> list[Node]:
    """The attribute controller's: colours of the palette by those of a character, then its registers."""
    out = Parts(raw)
    out.add("palette", "uint8", 16, 16)
    for name in _AR.split():
        out.u8(name)
    return out.nodes


def palette(raw: memoryview, _: Inside) -> list[Node]:
    """Red, green and blue of each colour."""
    out = Parts(raw)
    out.add("color", "buffer", 3 * COLORS, COLORS)
    return out.done()


def ramfb(raw: memoryview, _: Inside) -> list[Node]:
    """hw/display/ramfb.c: RAMFBCfg, in the order that the guest writes it to firmware's configuration."""
    out = Parts(raw)
    out.u64("addr")
    for name in ("fourcc", "flags", "width", "height", "stride"):
        out.u32(name)
    return out.done()
