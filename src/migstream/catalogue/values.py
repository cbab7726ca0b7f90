"""Values of properties that are tried when a catalogue is made, of all that are no switches."""

from __future__ import annotations

__all__ = ["CPU_OPTIONS", "PLAIN", "QUEUED", "SAME_CPUS", "VALUES", "WHOLE"]

# Boards whose options, CPU models, and devices with each of their properties are tried: those whose guests are moved.
WHOLE = ("pc-q35", "pc-i440fx", "isapc", "microvm", "virt", "pseries", "s390-ccw-virtio")

# Boards of which only what each device on PCI, or on a virtio bus, adds is taken, many at once; of all others nothing.
PLAIN = ("sbsa-ref", "mac99", "g3beige", "ppce500", "pegasos2", "hppa", "clipper", "r2d", "malta")

# Targets of which nearly every CPU model sends the same fields, and the models that are tried: one that never had an
# APIC, one that stands for all others, and that one without an APIC, which leaves out devices.
SAME_CPUS = {
    "x86_64": ("486", "qemu64", "qemu64,-apic"),
    "i386": ("486", "qemu32", "qemu32,-apic"),
}

# Features of virtio devices with queues of their own, whose sizes 11.1 saves (hw/virtio/virtio-balloon.c).
QUEUED = frozenset({"free-page-hint", "free-page-reporting"})

POWERS = ("8", "16", "32", "64", "128")
SIZES = ("16", "64", "128", "256", "512", "1024")
BITS = ("1", "2", "4", "8", "16", "32", "64", "128")  # of numbers that a register holds as they are
ROOMS = ("1M", "2M", "4M", "8M", "16M", "32M", "64M", "128M", "256M", "512M", "1G")
COUNTS = ("1", "2", "3", "4", "5", "6", "8", "10", "16")
# By property: what a catalogue is made with. Where nothing is kept of one, it changes nothing of what is saved.
VALUES: dict[str, tuple[str, ...]] = {
    "vectors": ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "12", "16", "18", "34"),
    "num-queues": COUNTS,
    "num_queues": COUNTS,
    "queue-size": SIZES,
    "virtqueue_size": SIZES,
    "rx_queue_size": ("256", "512", "1024"),
    "tx_queue_size": ("256",),
    "vgamem_mb": ("8", "16", "32", "64"),
    "ram_size_mb": POWERS,
    "vram_size_mb": POWERS,
    "vram64_size_mb": POWERS,
    "max_outputs": ("1", "2", "4", "16"),
    "rombar": ("0",),
    "p2": COUNTS,
    "p3": COUNTS,
    "intrs": COUNTS,
    "slots": ("1", "4", "32", "64"),
    "max_ioqpairs": ("1", "2", "4", "8", "16", "64"),
    "msix_qsize": ("2", "4", "16", "65"),
    "num_ports": COUNTS,
    "max_ports": COUNTS,
    "ports": COUNTS,
    "numports": COUNTS,
    "host_mtu": ("1500",),
    "io-reserve": ("0",),
    "aw-bits": ("39", "48"),
    "timers": ("3", "4", "5", "6", "8", "16", "32"),
    "port": BITS,
    "slot": BITS,
    "romfile": ("",),
    "vgamem": ("8M", "16M", "32M", "64M"),
    "membar": ("4096", "1M", "16M"),
    "cmb_size_mb": ("1", "2", "16"),
    "revision": ("1", "2", "3", "4", "5"),
    "model": ("rv100",),
    "x-speed": ("2_5", "5", "8", "16", "32"),
    "x-width": ("1", "2", "4", "8", "16"),
    "mem-reserve": ROOMS,
    "pref32-reserve": ROOMS,
    "pref64-reserve": ROOMS,
    "bus-reserve": COUNTS,
}
# Options of a machine with which each CPU model has other registers, and those of them that are tried together.
CPU_OPTIONS = (
    ("secure=on",),
    ("virtualization=on",),
    ("secure=on", "virtualization=on"),
    ("gic-version=3",),
    ("gic-version=3", "secure=on"),
    ("gic-version=3", "virtualization=on"),
    ("gic-version=3", "secure=on", "virtualization=on"),
)
