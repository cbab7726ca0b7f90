"""TPMs: the command or answer in a buffer, and the state that swtpm gave to QEMU.

References: TCG TPM 2.0, 1, 18; swtpm, src/swtpm/swtpm_nvstore.h: blobheader, tlv.h; libtpms, NVMarshal.c: NV_HEADER;
QEMU, backends/tpm/tpm_emulator.c: tpm_emulator_get_state_blobs.
"""

from __future__ import annotations

from migstream.vmstate.layout import Node
from migstream.vmstate.meaning.parts import Inside, Parts, Unclear

__all__ = ["message", "state"]

HEADER, TLV = 10, 6
DATA, MIGRATION_DATA = 1, 4
MAGICS = {0xAB364723, 0x45637889}  # of libtpms: PERSISTENT_ALL_MAGIC, VOLATILE_STATE_MAGIC


def message(raw: memoryview, _: Inside) -> list[Node]:
    """What the guest sent last, or the answer to it; what stands behind it is older."""
    out = Parts(raw)
    tag = out.u16("tag")
    size = out.u32("size")
    if not tag or not HEADER <= size <= len(raw):
        raise Unclear("nothing was sent")
    out.u32("code")
    out.add("parameters", "buffer", size - HEADER)
    out.add("unused", "buffer", out.left)
    return out.done()


def state(raw: memoryview, _: Inside) -> list[Node]:
    """A header of swtpm's, then pieces of which each has a tag and a length."""
    out = Parts(raw)
    out.u8("version")
    out.u8("min_version")
    size = out.u16("header_size")
    out.u16("flags")
    if out.u32("total_size") != len(raw) or size < HEADER:
        raise Unclear("not what swtpm writes")
    out.add("header_rest", "buffer", size - HEADER)
    _pieces(out)
    return out.done()


def _pieces(out: Parts) -> None:
    rows = out.inside()
    while rows.left:
        one = rows.inside()
        tag, size = one.u16("tag"), one.u32("length")
        if size > one.left:
            raise Unclear
        if tag == MIGRATION_DATA:
            inner = Parts(one.raw[one.at : one.at + size])
            _pieces(inner)
            one.close("data", inner)
        elif tag == DATA and int.from_bytes(one.raw[one.at + 2 : one.at + 6], "big") in MAGICS:
            end = one.at + size
            one.u16("version")
            one.u32("magic")
            one.u16("min_version")
            one.add("state", "buffer", end - one.at)
        else:
            one.add("data", "buffer", size)
        rows.close(f"[{len(rows.nodes)}]", one)
    out.sequence("piece", rows)
