"""Save images that a real libvirt wrote, opened, held against the guest's bare stream, and written back."""

import re
import shutil
from pathlib import Path

import pytest

import migstream
from migstream.analysis.diff.compare import diff
from migstream.analysis.domain import disagreements, domain_of
from migstream.errors import QemuError, Unsupported
from migstream.source.libvirt import image_head
from support.lacking import lacks
from support.libvirt import Libvirt, domain_xml
from support.qemu import REQUIRED, Binary, Qemu, find

pytestmark = pytest.mark.qemu

FORMATS = ("raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse")
MACHINE = "pc-i440fx-7.2"
TIED = {"globalstate[0]", "mc146818rtc[0]"}  # why the guest stands, and the time of day
EMULATOR = shutil.which("qemu-system-x86_64") or "qemu-system-x86_64"


def saved(libvirt: Libvirt, name: str = "guest") -> Path:
    """The image of a domain that stands."""
    libvirt.create(domain_xml(name, MACHINE, emulator=EMULATOR))
    image = libvirt.folder / f"{name}.save"
    libvirt.virsh("save", name, str(image))
    return image


def settings(form: str) -> str:
    if form not in {"raw", "sparse"} and shutil.which(form) is None:
        lacks(f"no {form} here")
    return f'save_image_format = "{form}"\n'


def saved_as(libvirt: Libvirt, form: str) -> Path:
    try:
        return saved(libvirt)
    except AssertionError as error:
        if "Invalid" in str(error) or "image format" in str(error):
            lacks(f"this libvirt is older than the format {form}")
        raise


@pytest.mark.parametrize("form", FORMATS)
def test_an_image_opens_as_the_stream_that_is_in_it(form: str) -> None:
    with Libvirt(settings(form)) as libvirt:
        image = saved_as(libvirt, form)
        with migstream.open(image, spool=True) as stream:
            layer = stream.layers[0]
            assert layer.name == "libvirt"
            assert layer.facts["format"] == form
            assert layer.facts["complete"]
            assert not layer.facts["was_running"]
            assert layer.facts["cookie"].startswith("<cookie>")
            domain = domain_of(stream)
            assert domain is not None
            assert (domain.name, domain.vcpus, domain.memory) == ("guest", 1, 32 << 20)
            assert list(disagreements(stream, domain)) == []
            assert stream.damage == []
            # what libvirt itself has of the guest when it stands again
            libvirt.virsh("restore", str(image), "--paused")
            again = libvirt.folder / "again.save"
            libvirt.virsh("save", "guest", str(again))
            with migstream.open(again, spool=True) as second:
                others = [one for one in diff(stream, second).changes if one.device not in TIED]
                assert others == []


@pytest.mark.parametrize("form", ["raw", "gzip", "lzop"])
def test_an_edited_stream_goes_back_into_its_image_and_the_guest_runs(form: str) -> None:
    with Libvirt(settings(form)) as libvirt:
        image = saved_as(libvirt, form)
        before = image.read_bytes()[:92]
        with migstream.edit(image) as edit:
            edit.set("ram/pc.ram@0x100000", "11223344").save(image, force=True)
        assert image.read_bytes()[:92] == before
        with migstream.open(image, spool=True) as stream:
            assert [layer.name for layer in stream.layers] == [
                "libvirt",
                *([form] if form != "raw" else []),
            ]
            assert stream.layers[0].facts["cookie"].startswith("<cookie>")
        libvirt.virsh("restore", str(image), "--running")
        assert "0x44332211" in libvirt.hmp("guest", "xp/1wx 0x100000")
        assert "running" in libvirt.virsh("domstate", "guest")


def test_a_bare_stream_is_put_into_an_image_and_another_format(tmp_path: Path) -> None:
    with Libvirt() as libvirt:
        image = saved(libvirt)
        bare, wrapped = tmp_path / "bare.mig", tmp_path / "wrapped.save"
        migstream.convert(image, bare)
        assert bare.read_bytes()[:4] == b"QEVM"
        with pytest.raises(Unsupported, match="the domain's XML"):
            migstream.convert(bare, wrapped, container="libvirt")
        made = migstream.convert(bare, wrapped, container="libvirt", form="gzip", image=image)
        assert made.size == wrapped.stat().st_size
        libvirt.virsh("restore", str(libvirt.lend(wrapped)), "--paused")
        assert "paused" in libvirt.virsh("domstate", "guest")


def test_an_image_for_an_older_machine_type_restores_with_xml_that_says_so(tmp_path: Path) -> None:
    """libvirt itself changes everything in an image but the machine type."""
    with Libvirt() as libvirt:
        xml = re.sub(
            "<rng.*</rng>", "", domain_xml("guest", MACHINE, emulator=EMULATOR), flags=re.DOTALL
        )
        libvirt.create(xml)  # a virtio-rng of 7.1 has no vectors
        image, older = libvirt.folder / "guest.save", tmp_path / "older.save"
        libvirt.virsh("save", "guest", str(image))
        said = libvirt.virsh("save-image-dumpxml", str(image), "--security-info")
        migstream.convert(
            image, older, machine="pc-i440fx-7.1", container="libvirt",
            xml=said.replace(MACHINE, "pc-i440fx-7.1"),
        )  # fmt: skip
        libvirt.virsh("restore", str(libvirt.lend(older)), "--paused")
        assert "pc-i440fx-7.1" in libvirt.virsh("dumpxml", "guest")


def test_a_redacted_image_has_none_of_the_domain_s_secrets_and_restores(tmp_path: Path) -> None:
    with Libvirt() as libvirt:
        image, clean = saved(libvirt), tmp_path / "clean.save"
        assert b"sekret" in image.read_bytes()
        with migstream.edit(image) as edit:
            edit.redact().save(clean)
        assert b"sekret" not in clean.read_bytes()
        libvirt.virsh("restore", str(libvirt.lend(clean)), "--paused")


@pytest.mark.parametrize("binary", find(REQUIRED), ids=str)
def test_a_sparse_image_holds_what_qemu_itself_wrote_into_the_file(
    binary: Binary, tmp_path: Path
) -> None:
    """libvirt has QEMU write mapped-ram behind its header (`file:PATH,offset=N`)."""
    arguments = ("-M", "pc,accel=tcg", "-m", "16", "-S")
    head = image_head("<domain><name>guest</name></domain>", None, form="sparse", was_running=False)
    image = tmp_path / "sparse.save"
    with Qemu(binary, arguments) as guest:
        try:
            guest.set_capabilities(["mapped-ram"])
        except QemuError:
            lacks(f"{binary} has no mapped-ram")
        there = Path(guest.lend(_file(tmp_path / "image", head)))
        real = there if binary.root is None else binary.root / there.relative_to("/")
        guest.execute("migrate", {"uri": f"file:{there},offset={len(head)}"})
        guest.finish_migration()
        # QEMU cuts the file to the offset before it writes; libvirt writes its header again at the end
        image.write_bytes(head + real.read_bytes()[len(head) :])
    with migstream.open(image) as stream:
        assert stream.damage == []
        assert stream.layers[0].facts["format"] == "sparse"
        block = next(one for one in stream.blocks if one.name == "pc.ram")
        assert block.mapped is not None
        assert block.mapped.bitmap_offset == block.mapped.bitmap.start + len(head)
        edited, bare = tmp_path / "edited.save", tmp_path / "bare.mig"
        with migstream.edit(stream) as edit:
            edit.set("cpu[0]/env.eip", 0x7C00).save(edited)
        migstream.convert(stream, bare)
    for path, offset in ((edited, len(head)), (bare, 0)):
        with migstream.open(path) as again:
            assert again.damage == []
        # each is where its offsets say: QEMU takes both
        with Qemu(binary, (*arguments, "-incoming", "defer")) as guest:
            guest.set_capabilities(["mapped-ram"])
            guest.execute("migrate-incoming", {"uri": f"file:{guest.lend(path)},offset={offset}"})
            assert guest.finish_migration()["status"] == "completed"


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
