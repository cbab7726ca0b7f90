"""Save images that a real libvirt wrote, opened, held against the guest's bare stream, and written back."""

import shutil
from pathlib import Path

import pytest

import migstream
from migstream.analysis.diff.compare import diff
from support.libvirt import Libvirt, domain_xml

pytestmark = pytest.mark.qemu

FORMATS = ("raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse")
MACHINE = "pc-i440fx-7.2"
EMULATOR = shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"


def saved(libvirt: Libvirt, name: str = "guest") -> Path:
    """The image of a domain that stands."""
    libvirt.create(domain_xml(name, MACHINE, emulator=EMULATOR))
    image = libvirt.folder / f"{name}.save"
    libvirt.virsh("save", name, str(image))
    return image


@pytest.mark.parametrize("form", FORMATS)
def test_an_image_opens_as_the_stream_that_is_in_it(form: str, tmp_path: Path) -> None:
    if form not in {"raw", "sparse"} and shutil.which(form) is None:
        pytest.skip(f"no {form} here")
    with Libvirt(f'save_image_format = "{form}"\n') as libvirt:
        try:
            image = saved(libvirt)
        except AssertionError as error:
            if "Invalid save image format" in str(error) or "sparse" in str(error):
                pytest.skip("this libvirt is older than the format")
            raise
        with migstream.open(image, spool=True) as stream:
            layer = stream.layers[0]
            assert layer.name == "libvirt"
            assert layer.facts["format"] == form
            assert layer.facts["complete"]
            assert not layer.facts["was_running"]
            assert "<name>guest</name>" in layer.facts["xml"]
            assert layer.facts["cookie"].startswith("<cookie>")
            assert stream.damage == []
            assert stream.machine == MACHINE
            kept = tmp_path / "bare.mig"
            kept.write_bytes(bytes(stream.store.view(0, stream.size)))
            # what libvirt itself has of the guest when it runs again
            libvirt.virsh("restore", str(image), "--paused")
            again = libvirt.folder / "again.save"
            libvirt.virsh("save", "guest", str(again))
            with migstream.open(again, spool=True) as second:
                tied = {"globalstate[0]", "mc146818rtc[0]"}
                others = [one for one in diff(stream, second).changes if one.device not in tied]
                assert others == []
        with migstream.open(kept) as bare, migstream.open(image, spool=True) as stream:
            assert not diff(bare, stream).changes
