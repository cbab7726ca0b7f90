"""On the streams of real machines nothing of a virtio or PCI device is left over."""

from __future__ import annotations

import migstream
from migstream.vmstate.meaning.pci import config_space
from migstream.vmstate.meaning.virtio import virtio_blob
from support.meaning import covered, names
from support.samples import Sample

# Kinds whose own part is read; the others, as far as they are met, write nothing there.
READ = {
    "virtio-net", "virtio-blk", "virtio-console", "virtio-balloon", "virtio-mem", "virtio-iommu",
}  # fmt: skip


def test_every_byte_of_a_virtio_device_has_a_name(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        for device in stream.devices:
            blob = virtio_blob(device) if device.described else None
            if blob is None:
                continue
            covered(blob)
            parts = {part.name: part for part in blob.children}
            assert "queues" in parts, device.path
            if "device_config" in parts:
                assert list(names(parts["device_config"]))
                assert "rest" not in names(parts["device_config"])
            own = parts.get("device")
            if device.value.type in READ:
                assert own is not None
                assert list(names(own))
                assert "rest" not in names(own)
            else:
                assert own is None


def test_every_configuration_space_is_read(sample: Sample) -> None:
    with migstream.open(sample.path) as stream:
        for device in stream.devices:
            space = config_space(device.value) if device.described else None
            if space is not None:
                covered(space)
                assert "vendor_id" in names(space)


def test_without_meaning_values_are_what_the_description_says(own_sample: Sample) -> None:
    """Each is a leaf of the description with the number that it has with names; no names, nothing inside of blobs."""
    with (
        migstream.open(own_sample.path) as named,
        migstream.open(own_sample.path, meaning=False) as bare,
    ):
        for device, other in zip(named.devices, bare.devices, strict=True):
            for leaf in other.value.leaves():
                assert (leaf.symbol, leaf.description) == ("", "")
                if leaf.kind == "leaf" and leaf.count is None and leaf.span.size:
                    same = device[leaf.path[len(other.path) + 1 :]]
                    assert same.plain() == leaf.plain()
                    assert leaf.text in same.text
