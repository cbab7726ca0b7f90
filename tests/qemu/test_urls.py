"""What real programs wrote, opened where a web server has it: snapshots, save images, what zstd packed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import migstream
from migstream.analysis.diff.compare import diff
from support.lacking import lacks
from support.libvirt import Libvirt, domain_xml
from support.qemu import REQUIRED, Qemu, find
from support.web import Server

pytest.importorskip("aiohttp", reason="the extra `url` is not installed: aiohttp")
pytest.importorskip("fsspec", reason="the extra `url` is not installed: fsspec")

pytestmark = pytest.mark.qemu


@pytest.fixture(autouse=True)
def _straight(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between the test and its server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("no_proxy", raising=False)


def test_a_snapshot_and_a_packed_stream(tmp_path: Path) -> None:
    image, bare = tmp_path / "disk.qcow2", tmp_path / "guest.mig"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "64M"], check=True)
    drive = f"if=virtio,file={image},format=qcow2"
    with Qemu(
        find(REQUIRED)[0], ("-M", "pc,accel=tcg", "-m", "16", "-S", "-drive", drive)
    ) as guest:
        guest.hmp("savevm first")
        guest.hmp("savevm second")
        guest.migrate(bare)
    with (
        Server(image.read_bytes()) as server,
        migstream.open(server.url, inside="second") as there,
        migstream.open(image, inside="second") as here,
    ):
        assert there.layers == here.layers
        assert not there.damage
        assert not diff(there, here).changes
    if shutil.which("zstd") is None:
        lacks("no zstd here")
    subprocess.run(["zstd", "-q", str(bare)], check=True)
    packed = bare.with_suffix(".mig.zst").read_bytes()
    for ranges in (True, False):
        with (
            Server(packed, ranges=ranges) as server,
            migstream.open(server.url, spool=True) as there,
            migstream.open(bare) as here,
        ):
            assert [layer.name for layer in there.layers] == ["zstd"]
            assert not diff(there, here).changes


def test_a_save_image() -> None:
    with Libvirt() as libvirt:
        emulator = shutil.which("qemu-system-x86_64") or ""
        libvirt.create(domain_xml("guest", "pc-i440fx-7.2", emulator=emulator))
        image = libvirt.folder / "guest.save"
        libvirt.virsh("save", "guest", str(image))
        data = image.read_bytes()
        with (
            Server(data) as server,
            migstream.open(server.url) as there,
            migstream.open(image) as here,
        ):
            assert there.layers == here.layers
            assert there.layers[0].name == "libvirt"
            assert not there.damage
            assert not diff(there, here).changes
