"""A compressed file that is damaged: its decompressor is not asked again once it has failed."""

from __future__ import annotations

import bz2
from contextlib import suppress
from pathlib import Path

from migstream.errors import MigstreamError
from migstream.stream import open_anything


def test_a_damaged_bzip2_file_may_be_asked_again_and_again(tmp_path: Path) -> None:
    """From Python 3.13 on bz2 raises ValueError when it is asked again, which is not an error of ours."""
    packed = bytearray(bz2.compress(b"QEVM\0\0\0\3" + bytes(4096)))
    packed[-20:-10] = bytes(10)
    path = tmp_path / "damaged.mig.bz2"
    path.write_bytes(packed)
    with open_anything(path) as stream:
        for ask in ("items", "damage", "devices", "machine") * 2:
            with suppress(MigstreamError):
                getattr(stream, ask)
        assert any("the compressed file is damaged" in str(error) for error in stream.damage)
