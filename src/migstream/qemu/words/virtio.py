"""PCI and virtio (hw/pci/pci.c, hw/virtio/virtio.c, hw/virtio/virtio-mem.c)."""

from __future__ import annotations

from migstream.qemu.words.model import DAMAGE, LOST, Message, message

__all__ = ["VIRTIO"]

VIRTIO: tuple[Message, ...] = (
    message(
        "pci-config",
        (
            "get_pci_config_device: Bad config data: i={index:#x} read: {read:x} device: {local:x} cmask: {cmask:x} "
            "wmask: {wmask:x} w1cmask:{w1cmask:x}"
        ),
        "Bad config data: i={index:#x} read: {read:x} device: {local:x}",
        means="a byte of the PCI configuration space that a guest cannot change differs from the destination's device",
        causes=(
            "the device has other properties there (vectors, queues, MSI-X, ROM, multifunction, revision)",
            "another device, or another machine type, sits at this address",
            "the byte is damaged",
        ),
        look=("which register byte i is", "the device's properties on both sides"),
        place="pci-config",
        sides=("pci", "byte {index}: {read}", "byte {index}: {local}"),
    ),
    message(
        "pci-irq",
        "irq state {value:d}: must be 0 or 1.",
        means="a PCI device's interrupt level is not a level",
        causes=(LOST, DAMAGE),
        place="pci-irq",
    ),
    message(
        "virtqueues",
        "Invalid number of virtqueues: {count:#x}",
        means="more virtqueues than a device can have",
        causes=(LOST, DAMAGE),
        place="virtio",
    ),
    message(
        "vring-size",
        ("VQ {queue:d} vring.num {received:d} exceeds allocated max {local:d}", "newer than 10.0"),
        means="a virtqueue has more entries than the destination's device allows",
        causes=(
            "queue-size (rx_queue_size, tx_queue_size) is larger at the source",
            "a machine type or release with another default size",
        ),
        look=("the device's queue sizes on both sides",),
        place="virtqueue",
        sides=(
            "virtqueue",
            "queue {queue}: {received} entries",
            "queue {queue}: {local} entries at most",
        ),
    ),
    message(
        "vq-address",
        "VQ {queue:d} address 0x0 inconsistent with Host index {index:#x}",
        means="a virtqueue that was never set up has an index",
        causes=(LOST, DAMAGE),
        place="virtqueue",
    ),
    message(
        "vq-index",
        "VQ {queue:d} size {size:#x} < last_avail_idx {avail:#x} - used_idx {used:#x}",
        "VQ {queue:d} size {size:#x} Guest index {guest:#x} inconsistent with Host index {host:#x}: delta {delta:#x}",
        means="a virtqueue's indexes are further apart than the queue is long: memory and device do not belong together",
        causes=(
            "guest memory is not that of the moment when the device state was saved",
            "the indexes, or the queue in memory, are damaged",
        ),
        place="virtqueue",
    ),
    message(
        "virtio-features",
        "Features {features:#x} unsupported. Allowed features: {allowed:#x}",
        means="the guest uses features that the destination's device does not offer",
        causes=(
            "the device has other properties there, or another machine type",
            "the host's backend (vhost, tap, network card) lacks them",
        ),
        look=("the features by name, below", "the device's properties on both sides"),
        place="virtio-features",
        sides=("features", "features {features}", "features {allowed}"),
    ),
    message(
        "virtio-net-queues",
        ("virtio-net: curr_queue_pairs {received:x} > max_queue_pairs {local:x}", "newer than 5.2"),
        ("virtio-net: curr_queues {received:x} > max_queues {local:x}", "up to 5.2"),
        means="the guest uses more queue pairs than the destination's network device has",
        causes=("`queues=` of the netdev, or mq of the device, differs",),
        look=("the network devices of both command lines",),
        place="device",
        sides=("value", "{received} queue pairs", "{local} queue pairs at most"),
    ),
    message(
        "virtio-mem",
        ("Property '{property}' changed from {received:#x} to {local:#x}", "", "address"),
        ("Property '{property}' changed from {received:d} to {local:d}", "", "number"),
        ("Property '{property}' size changed from {received:#x} to {local:#x}", "", "size"),
        means="a virtio-mem device is configured otherwise on the destination",
        causes=("another size, address or block size of the device",),
        place="device",
        sides=("value", "{property} {received}", "{property} {local}"),
    ),
    message(
        "vhost-state",
        ("Back-end did not accept migration state transfer", "since 8.2"),
        (
            'Back-end of {type} device {device} (tag: "{tag}") does not support migration through qemu',
            "since 8.2",
        ),
        ('Error loading back-end state of {type} device {device} (tag: "{tag}")', "since 8.2"),
        ("Error loading  back-end state of {type} device {device}", "since 8.2"),
        ("vhost transport does not support migration state transfer", "since 8.2"),
        ("Back-end does not support migration state transfer", "since 8.2"),
        ("Back-end failed to process its internal state", "since 8.2"),
        ("Failed to get back-end-provided transfer pipe FD", "since 8.2"),
        ('Error saving back-end state of {type} device {device} (tag: "{tag}")', "since 8.2"),
        ("Error saving back-end state of {type} device {device}", "since 8.2"),
        ("Error getting vhost back-end of {type} device {device}", "since 8.2"),
        means="the process behind a vhost-user device (virtiofsd) did not take its part of the state",
        causes=(
            "another version of that process, or it was started without migration support",
            "it does not have the same directory or its own state is damaged",
        ),
        look=("the log of that process",),
        place="device",
    ),
    message(
        "virtio-scsi-request",
        "invalid SCSI request migration data",
        means="a request that was under way is not one that can be",
        causes=(LOST, DAMAGE),
        place="device",
    ),
    message(
        "queue-size",
        ("virtio: queue {queue:d} size {received:d} exceeds max size {local:d}", "newer than 10.0"),
        means="a virtqueue has more entries than QEMU allows at all, or than the device has room for",
        causes=("queue-size (rx_queue_size, tx_queue_size) is larger at the source", DAMAGE),
        look=("the device's queue sizes on both sides",),
        place="virtqueue",
        sides=(
            "virtqueue",
            "queue {queue}: {received} entries",
            "queue {queue}: {local} entries at most",
        ),
    ),
    message(
        "vnet-header",
        "virtio-net: saved image requires vnet_hdr=on",
        "virtio-net: saved image requires TUN_F_UFO support",
        means="the guest's network device uses offloads that the destination's backend does not have",
        causes=(
            "another backend there: user networking, or a tap without vnet_hdr",
            "the host's kernel lacks an offload of tap devices",
        ),
        look=("the netdev of both sides", "vnet_hdr of `-netdev tap`"),
        place="device",
    ),
)
