"""Make the kept containers again, with the installed libvirt and QEMU: ``python tests/containers/capture.py``.

``guest.save`` is a save image of libvirt's, ``disk.qcow2`` an image with two snapshots that have VM state.
"""

from __future__ import annotations

import lzma
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from support.libvirt import Libvirt, domain_xml  # noqa: E402
from support.qemu import REQUIRED, Qemu, own  # noqa: E402


def keep(name: str, data: bytes) -> None:
    """Compress into this folder."""
    (HERE / f"{name}.xz").write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def save() -> bytes:
    """A domain with a display, a balloon and a random number generator, saved while it stood."""
    with Libvirt() as libvirt:
        libvirt.create(domain_xml("guest", "pc-i440fx-7.2", emulator=f"/usr/bin/{REQUIRED}"))
        image = libvirt.folder / "guest.save"
        libvirt.virsh("save", "guest", str(image))
        return image.read_bytes()


def disk() -> bytes:
    """Snapshots before and after the firmware ran."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "disk.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(image), "4M"], check=True)
        drive = f"if=virtio,file={image},format=qcow2"
        with Qemu(
            own(REQUIRED), ("-M", "pc,accel=tcg", "-m", "16", "-S", "-drive", drive)
        ) as guest:
            guest.hmp("savevm before")
            guest.hmp("cont")
            guest.hmp("stop")
            guest.hmp("savevm after")
        return image.read_bytes()


if __name__ == "__main__":
    keep("guest.save", save())
    keep("disk.qcow2", disk())
