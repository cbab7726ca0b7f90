"""Devices that a board makes for -drive and for -audio.

References
----------
QEMU, blockdev.c: drive_new; hw/scsi/scsi-bus.c: scsi_bus_legacy_handle_cmdline; hw/audio/soundhw.c: soundhw_init;
block_default_type of each board
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from migstream.catalogue.arguments import FLOPPY, Drive, Part
from migstream.qemu.release import Version

__all__ = ["SOUNDS", "on_adapter", "sounds_of", "virtio_drives", "with_floppies"]

# Boards whose drives are on virtio where nothing is said, by what their machine types begin with; since a release.
ON_VIRTIO: dict[tuple[str, str], Version] = {
    ("aarch64", "virt"): (2, 0),
    ("arm", "virt"): (2, 0),
    ("s390x", "s390-ccw"): (2, 0),
    ("loongarch64", "virt"): (7, 0),
    ("riscv64", "virt"): (10, 0),
    ("riscv32", "virt"): (10, 0),
}
# Of a PC that has none by itself where nobody asks for a drive (hw/i386/pc.c: pc_superio_init).
FLOPPIES = "isa-fdc"
ISA_BUS = "i8259"  # a section of every PC with an ISA bus
VIRTIO, SCSI, IDS = "virtio", "scsi", 256
SOUNDS = {
    "ac97": ("AC97",),
    "es1370": ("ES1370",),
    "hda": ("intel-hda", "hda-duplex"),
    "virtio": ("virtio-sound-pci",),
    **{name: (name,) for name in ("sb16", "adlib", "cs4231a", "gus")},
}


def virtio_drives(
    drives: Iterable[Drive], target: str, machine: str, release: Version
) -> list[Part]:
    """Devices of drives on virtio, which come behind all of -device that are no JSON."""
    here = (
        since
        for (own, stem), since in ON_VIRTIO.items()
        if (own, stem) == (target, machine[: len(stem)])
    )
    default = VIRTIO if any(release >= since for since in here) else ""
    return [Part("virtio-blk") for one in drives if (one.interface or default) == VIRTIO]


def on_adapter(drives: Iterable[Drive], taken: Iterable[int]) -> Iterator[Part]:
    """Disks on the adapter that a pseries has for its drives; those of `taken` are there already."""
    ids = set(taken)
    for one in drives:
        if one.interface in ("", SCSI):
            number = one.index
            if number is None:
                number = next((n for n in range(IDS) if n not in ids), IDS)
            ids.add(number)
            yield Part("scsi-cd" if one.cd else "scsi-hd", {"scsi-id": str(number)})


def with_floppies(drives: Iterable[Drive], names: Collection[str]) -> list[Part]:
    """The controller of a PC's floppy drives, where none of its sections is one's already."""
    some = any(one.interface == FLOPPY for one in drives)
    return [Part(FLOPPIES)] if some and ISA_BUS in names and "fdc" not in names else []


def sounds_of(models: Iterable[str]) -> list[Part]:
    """Sound cards, which come before all of -device."""
    return [Part(driver) for model in models for driver in SOUNDS.get(model, ())]
