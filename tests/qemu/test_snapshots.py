"""Internal snapshots of qcow2 images that a real QEMU made, held against what it migrates out after loading one."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import migstream
from migstream.analysis.diff.compare import diff
from migstream.errors import NotAStream, QemuError
from support.lacking import lacks
from support.qcow2 import packed
from support.qemu import REQUIRED, Binary, Qemu, find

pytestmark = pytest.mark.qemu

MACHINE = ("-M", "pc,accel=tcg", "-m", "16", "-S")
# What qemu-img makes; the letter ones are only in newer images.
LAYOUTS = {
    "plain": "",
    "old": "compat=0.10",
    "smallest clusters": "cluster_size=512",
    "largest clusters": "cluster_size=2M",
    "extended entries": "extended_l2=on,cluster_size=128k",
    "narrow refcounts": "refcount_bits=8",
    "wide refcounts": "refcount_bits=64",
    "zstd": "compression_type=zstd",
}


# Loading makes its own of two devices: why the guest stands, and the time of day. From 10.0 on a migration has a command
# more than a snapshot.
TIED = {"globalstate[0]", "mc146818rtc[0]"}


def made(folder: Path, options: str, size: str = "64M") -> Path:
    image = folder / "disk.qcow2"
    words = ["qemu-img", "create", "-q", "-f", "qcow2", str(image), size]
    subprocess.run([*words, *(["-o", options] if options else [])], check=True)
    return image


def disk(image: str) -> tuple[str, ...]:
    return (*MACHINE, "-drive", f"if=virtio,file={image},format=qcow2")


@pytest.fixture(params=find(REQUIRED), ids=str)
def binary(request: pytest.FixtureRequest) -> Binary:
    found: Binary = request.param
    return found


@pytest.fixture
def shared(binary: Binary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the QEMU sees, too."""
    if binary.root is None:
        yield tmp_path_factory.mktemp("image")
        return
    folder = Path(tempfile.mkdtemp(prefix="migstream-", dir=binary.root / "tmp"))
    yield folder
    shutil.rmtree(folder)


def seen(binary: Binary, path: Path) -> str:
    return str(path) if binary.root is None else f"/{path.relative_to(binary.root)}"


def saved(binary: Binary, image: Path) -> None:
    """Snapshots `first` and `second`; between them the disk is written, and after them as well."""
    with Qemu(binary, disk(seen(binary, image))) as guest:
        guest.hmp("savevm first")
        guest.hmp('qemu-io virtio0 "write -P 0x5a 0 4M"')
        guest.hmp("cont")
        guest.hmp("stop")
        guest.hmp("savevm second")
        guest.hmp('qemu-io virtio0 "write -P 0xa5 1M 8M"')


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_snapshot_is_the_stream_that_qemu_writes_when_it_has_loaded_it(
    binary: Binary, shared: Path, tmp_path: Path, layout: str
) -> None:
    image = made(shared, LAYOUTS[layout])
    try:
        saved(binary, image)
    except QemuError as error:
        if "unknown compression type" in str(error):
            lacks(f"{binary} was built without zstd")
        raise
    for name in ("first", "second"):
        out = tmp_path / f"{name}.mig"
        with Qemu(binary, (*disk(seen(binary, image)), "-loadvm", name)) as guest:
            guest.migrate(out)
        with migstream.open(image, inside=name) as inside, migstream.open(out) as bare:
            assert inside.damage == []
            assert inside.layers[0].facts["name"] == name
            others = [one for one in diff(inside, bare).changes if one.device not in TIED]
            assert [one for one in others if one.what != "commands"] == []
            for name_of, block in bare.ram.items():
                there = inside.ram[name_of]
                assert bytes(there.read(0, there.size)) == bytes(block.read(0, block.size))


def test_several_snapshots_are_listed_and_one_is_taken(tmp_path: Path) -> None:
    binary = find(REQUIRED)[0]
    image = made(tmp_path, "")
    saved(binary, image)
    with pytest.raises(NotAStream, match="2 snapshots") as caught:
        migstream.open(image)
    assert "'first'" in str(caught.value.hint)
    assert "'second'" in str(caught.value.hint)
    with migstream.open(image, inside="1") as by_id, migstream.open(image, inside="first") as named:
        assert by_id.layers == named.layers
    subprocess.run(["qemu-img", "snapshot", "-d", "first", str(image)], check=True)
    with migstream.open(image) as only:
        assert only.layers[0].facts["name"] == "second"


def test_a_snapshot_in_a_compressed_image_opens(tmp_path: Path) -> None:
    """`qemu-img convert` drops snapshots, so the clusters of one are packed here by hand."""
    binary = find(REQUIRED)[0]
    image = made(tmp_path, "")
    saved(binary, image)
    small = packed(image.read_bytes(), "first")
    with (
        migstream.open(image, inside="first") as plain,
        migstream.open(small, inside="first") as one,
    ):
        assert bytes(one.store.view(0, one.size)) == bytes(plain.store.view(0, plain.size))
        assert one.outermost(100) is None
