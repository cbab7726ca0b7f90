"""What changes nothing of what a QEMU saves: options of machines and of devices, buses whose devices have no section."""

from __future__ import annotations

__all__ = ["QUIET_BUSES", "SILENT_MACHINE", "SILENT_PART"]

# Options that change nothing of what is saved, or only what is beside it.
SILENT_MACHINE = frozenset({
    *("accel", "graphics", "mem-merge", "dump-guest-core", "suppress-vmdesc", "dumpdtb", "memory-backend"),
    *("pflash0", "pflash1", "boot", "smp", "memory", "kernel", "initrd", "append", "firmware", "nvdimm-persistence"),
})  # fmt: skip
SILENT_PART = frozenset({
    *("id", "bus", "addr", "drive", "netdev", "mac", "chardev", "audiodev", "bootindex", "serial"),
    *("scsi-id", "lun", "channel", "iothread", "iobase", "iobase2", "irq", "index", "bmc", "memdev", "rng"),
    *("multifunction", "failover", "failover_pair_id", "romfile", "hotplug", "fsdev", "mount_tag"),
    *("write-cache", "physical_block_size", "logical_block_size", "acpi-index", "share-rw", "werror", "rerror"),
    *("device_id", "ver", "model", "product", "vendor", "chassis", "chassis_nr", "name", "unit", "cadaddr", "devno", "reg"),
})  # fmt: skip
QUIET_BUSES = frozenset({
    *("IDE", "floppy-bus", "virtio-serial-bus", "ccid-bus", "nvme-bus", "sd-bus", "i2c-bus", "SCSI"),
})  # fmt: skip
