from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from migstream.vmstate.meaning.decoders import MEANINGS
from support.meaning import expand, names


def test_virtio_gpu() -> None:
    resource = struct.pack(">IIIII", 5, 3, 2, 1, 1) + struct.pack(">QI", 0x1000, 24) + bytes(24)
    parts = expand("virtio-gpu", resource + bytes(4) + struct.pack(">II", 1, 2) + bytes(80))
    assert parts["scanouts"].count == 2
    newer = expand("virtio-gpu", bytes(4) + struct.pack(">II", 1, 2) + bytes(128))
    assert list(names(newer["scanouts"].element(1)))[-1] == "fb.offset"
    assert list(names(parts["resource_0"]))[-2:] == ["iov", "image"]
    newer = expand("virtio-gpu", resource + bytes(4) + struct.pack(">II", 1, 2) + bytes(128))
    assert list(names(newer["scanouts"].element(1)))[-6:] == [
        "fb.format", "fb.bytes_pp", "fb.width", "fb.height", "fb.stride", "fb.offset",
    ]  # fmt: skip
    assert expand("virtio-gpu", resource + bytes(4) + b"else")["scanouts"].type == "buffer"
    assert not expand("virtio-gpu", resource)
    blob = struct.pack(">IIIQI", 5, 4096, 1, 0x1000, 4096)
    assert expand("blob", blob + bytes(4))["resource_0"].span.size == len(blob)


def test_the_small_ones() -> None:
    assert list(expand("scsi-requests", b"\0")) == ["end"]
    assert expand("scsi-requests", b"\1" + bytes(40))["rest"].span.size == 16
    assert expand("usb-redir-parser", b"\0\0\0\2ab")["data"].span.size == 2
    assert not expand("usb-redir-parser", b"\0\0\0\2abc")
    assert expand("usb-redir-packet-id-q", b"\0\0\0\2" + bytes(16))["id"].count == 2
    assert (
        expand("usb-redir-bufpq", b"\0\0\0\1" + b"\0\0\0\1" + bytes(4) + b"x")["packet_0"].span.size
        == 9
    )
    assert expand("irqs", bytes(7) + b"\2" + bytes(144))["irq"].count == 2
    assert list(expand("irqs", b"\xff" * 8)) == ["count"]
    assert expand("virtio-fs back-end state", b"\0\0\0\1x\0\0\0\0")["chunk_0"].span.size == 5


KINDS = [key.removeprefix("type:") for key in MEANINGS.names() if key.startswith("type:")]


PLACES = ["0000:00:03.0/x", "/fe.0.0000/x", "x"]


@given(st.sampled_from(PLACES), st.sampled_from(KINDS), st.binary(max_size=600))
def test_garbage_is_covered_or_refused(section: str, kind: str, raw: bytes) -> None:
    expand(kind, raw, section=section)
