"""Multifd channels recorded from a real QEMU, held against its memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.assemble import assemble
from support.lacking import lacks
from support.qemu import Binary, Qemu
from support.recorder import FIRST, UNHURRIED, boot_disk, converge, memory, record_multifd, started

pytestmark = pytest.mark.qemu

LOW, SIZE = 0xA0000, 48 << 20  # between LOW and FIRST the guest may see ROM instead


@pytest.fixture(params=["none", "zlib", "zstd"])
def compression(request: pytest.FixtureRequest, qemu: Binary) -> str:
    """Every method that the QEMU was built with."""
    method: str = request.param
    with Qemu(qemu, ["-M", "none"]) as guest:
        schema = guest.execute("query-qmp-schema")
    if not any("zlib" in one.get("values", ()) and method in one["values"] for one in schema):
        lacks(f"this QEMU has no {method}")
    return method


def test_a_guest_that_stands_still(qemu: Binary, tmp_path: Path, compression: str) -> None:
    with Qemu(qemu, ["-M", "pc", "-m", "48"]) as guest:
        main, channels = record_multifd(guest, tmp_path, compression=compression)
        truth = memory(guest, 0, SIZE)
    made = assemble(main, channels)["pc.ram"]
    assert made[:LOW] == truth[:LOW]
    assert made[FIRST:] == truth[FIRST:]


def test_a_guest_that_writes_all_the_while(qemu: Binary, tmp_path: Path, compression: str) -> None:
    """Some of its pages are zero in one round and not in another: the two channels' order counts."""
    with boot_disk(qemu) as drive, Qemu(qemu, ["-M", "pc", "-m", "48", *drive]) as guest:
        guest.set_parameters(**UNHURRIED)
        guest.execute("cont")
        started(guest)
        main, channels = record_multifd(guest, tmp_path, compression=compression, during=converge)
        truth = memory(guest, 0, SIZE)
    made = assemble(main, channels)["pc.ram"]
    assert made[:LOW] == truth[:LOW]
    assert made[FIRST:] == truth[FIRST:]
