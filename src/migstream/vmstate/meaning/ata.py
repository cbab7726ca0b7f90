"""IDE and SATA: what a disk or CD says of itself (ATA8-ACS, 7.16; ATA/ATAPI-7, 6.16; hw/ide/core.c: ide_identify).

512 bytes, words of 16 bits with the lower byte first; in texts the first letter is the higher byte.
"""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear, fields

__all__ = ["identify"]

SIZE = 512

# name, words: one is a number of 16 bits, two and four where `:le32` and `:le64` say so, `:text` is one.
_WORDS = """
    general_configuration cylinders specific_configuration heads track_bytes sector_bytes
    sectors_per_track reserved_7:le16*3 serial:text*10 buffer_type buffer_size ecc_bytes firmware:text*4 model:text*20
    max_multiple_sectors trusted_computing capabilities capabilities_2 pio_mode dma_mode field_validity
    current_cylinders current_heads current_sectors_per_track current_capacity:le32 multiple_sectors lba28_sectors:le32
    singleword_dma multiword_dma pio_modes_supported min_mwdma_cycle_ns rec_mwdma_cycle_ns min_pio_cycle_ns
    min_pio_iordy_cycle_ns additional_supported reserved_70 packet_times:le16*4 queue_depth sata_capabilities
    sata_capabilities_2 sata_features_supported sata_features_enabled major_version minor_version command_set_supported
    command_set_supported_2 command_set_supported_3 command_set_enabled command_set_enabled_2 command_set_enabled_3
    ultra_dma erase_time enhanced_erase_time apm_level password_revision hardware_reset acoustic_level stream_size
    stream_dma_time stream_latency stream_granularity:le32 lba48_sectors:le64 stream_pio_time max_trim_blocks
    sector_size interseek_delay world_wide_name:le16*4 reserved_112:le16*5 logical_sector_words:le32
    command_set_supported_4 command_set_enabled_4 reserved_121:le16*6 removable_media security vendor:le16*31
    cfa_power_mode reserved_161:le16*7 form_factor data_set_management reserved_170:le16*6 media_serial:text*30
    sct_commands reserved_207:le16*2 alignment reserved_210:le16*4 nv_cache nv_cache_size:le32 rotation_rate
    reserved_218 nv_cache_options write_read_verify reserved_221 transport_major transport_minor
    reserved_224:le16*10 min_microcode_blocks max_microcode_blocks reserved_236:le16*19 integrity
"""
_SIZES = {"le16": 2, "le32": 4, "le64": 8}


def _described() -> tuple[Node, ...]:
    out: list[tuple[str, str, int] | tuple[str, str, int, int]] = []
    for token in _WORDS.split():
        name, _, form = token.partition(":")
        kind, _, count = (form or "le16").partition("*")
        words = int(count or 1)
        out.append(
            (name, "buffer", 2 * words) if kind == "text" else (name, kind, _SIZES[kind], words)
        )
    return fields(*out)


def identify(raw: memoryview, _: Inside) -> list[Node]:
    """Each word of `identify_data`, which `symbols.storage` gives names."""
    if len(raw) != SIZE:
        raise Unclear
    out = Parts(raw)
    for one in _described():
        out.add(one.name, one.type, one.size, one.count or 1)
    return out.done()
