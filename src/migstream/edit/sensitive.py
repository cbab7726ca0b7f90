"""What in device state is personal: where it lies, and why it is taken out of a bug report.

One row for each place; names are those of QEMU's VMStates. What is not here stays: registers,
descriptors, addresses in guest memory, the state of protocols.
"""

from __future__ import annotations

import enum
from fnmatch import fnmatchcase

import msgspec

__all__ = ["DROPPED", "RULES", "Action", "Rule", "rule_for"]


class Action(enum.Enum):
    """What becomes of it."""

    ZERO = "zeros"
    MAC = "another address"


class Rule(msgspec.Struct, frozen=True):
    """A place in device state.

    `device` is the name without its path on a bus, `field` the path below it with a slash in
    front, both with wildcards. `part` are the bytes of the value, all where it is None. `order` is
    how an address is kept: its bytes in 1, as little-endian words of 2 bytes in 2.
    """

    device: str
    field: str
    why: str
    action: Action = Action.ZERO
    part: tuple[int, int] | None = None
    order: int = 1


MAC = Action.MAC
NETWORK = "network address"
PACKET = "packets on their way"
DISK = "data of a disk"
KEYS = "keys that were pressed"
LINE = "characters of a serial line"
SOUND = "sound"
PICTURE = "what a display shows"
SERIAL = "serial number of a disk"
NVRAM = "variables of the firmware"
USB = "data of a USB device"
TPM = "a message to the TPM, or its answer"
CARD = "messages to and from a smart card"
BACKEND = "state of a back-end process: file names, connections"
GONE = "QEMU would look for its option ROM in guest memory, which is gone (hw/i386/kvmvapic.c)"

RULES = (
    # addresses, where they can be told from other bytes; copies of them are found by their value
    Rule("virtio-net", "*/device_config", NETWORK, MAC, (0, 6)),
    Rule("virtio-net", "/virtio/device", NETWORK, MAC, (0, 6)),
    Rule("virtio-net", "/virtio/device/mac", NETWORK, MAC, (0, 6)),
    Rule("virtio-net", "/virtio/device/mac_table.macs*", NETWORK),
    Rule("*", "*macaddr", NETWORK, MAC, (0, 6)),
    Rule("*", "*macaddr.a", NETWORK, MAC, (0, 6)),
    Rule("*", "*/core.permanent_mac", NETWORK, MAC, (0, 6)),
    Rule("*", "*/phys", NETWORK, MAC, (0, 6)),
    Rule("pcnet", "*/prom", NETWORK, MAC, (0, 6)),
    Rule("e1000*", "*eeprom*", NETWORK, MAC, (0, 6), 2),
    Rule("*", "*/eeprom.contents", NETWORK, MAC, (14, 20), 2),
    # packets
    Rule("e1000*", "*/tx.data", PACKET),
    Rule("e1000*", "*/tx.header", PACKET),
    Rule("*", "*/cplus_txbuffer", PACKET),
    Rule("pcnet", "*/buffer", PACKET),
    Rule("ne2000", "*/mem", PACKET),
    Rule("lan9118", "*/rx_fifo", PACKET),
    Rule("lan9118", "*/tx_packet/data", PACKET),
    Rule("lan9118", "*/eeprom", NETWORK),
    Rule("smc91c111", "*/data*", PACKET),
    # disks
    Rule("*", "*/io_buffer", DISK),
    Rule("*", "*/requests/*/data", DISK),
    Rule("*", "*/identify_data", SERIAL, part=(20, 40)),
    Rule("fdc", "*/fifo", DISK),
    Rule("*", "*/dfifo", DISK),
    Rule("bcm2835-sdhost", "*/fifo", DISK),
    Rule("pl181", "*/fifo", DISK),
    Rule("*", "*/fifo_buffer", DISK),
    Rule("sd-card", "*/data", DISK),
    Rule("sd-card", "*/cid", SERIAL),
    Rule("m25p80*", "*/data", DISK),
    # people at keyboards and mice
    Rule("ps2*", "*/queue.data", KEYS),
    Rule("pckbd", "*/obdata", KEYS),
    Rule("*", "*/kbd.keycodes", KEYS),
    Rule("*", "*/kbd.key", KEYS),
    Rule("adb_kbd", "*/data", KEYS),
    Rule("cuda", "*/data_in", KEYS),
    Rule("cuda", "*/data_out", KEYS),
    Rule("vmmouse", "*/queue", KEYS),
    Rule("musicpal_key", "*/pressed_keys", KEYS),
    # lines and buses
    Rule("serial*", "*/rbr", LINE),
    Rule("serial*", "*/thr", LINE),
    Rule("serial*", "*/tsr", LINE),
    Rule("pci-serial", "*/rbr", LINE),
    Rule("*", "*fifo/data", LINE),
    Rule("pl011", "*/read_fifo", LINE),
    Rule("pl011", "*/readbuff", LINE),
    Rule("bcm2835-aux", "*/read_fifo", LINE),
    Rule("*uart", "*/rx_fifo", LINE),
    Rule("*uart", "*buf", LINE),
    Rule("dwc2", "*/usb_buf", USB),
    Rule("*", "*/packet_*/data", USB),
    Rule("usb-ccid", "*/data_buf", CARD),
    Rule("usb-ccid", "*/bulk_out_data", CARD),
    Rule("usb-ccid", "*/bulk_in_pending*/data", CARD),
    Rule("tpm-tis*", "*/state.buffer", TPM),
    Rule("tpm-spapr", "*/buffer", TPM),
    Rule("*", "*/chunk_*/data", BACKEND),
    # sound and pictures
    Rule("hda-audio", "*buf", SOUND),
    Rule("pl041", "*/buffer", SOUND),
    Rule("pl041", "*fifo/data", SOUND),
    Rule("virtio-gpu", "*/image", PICTURE),
    Rule("*", "*/video_ram", PICTURE),
    Rule("*", "*/framebuffer", PICTURE),
    # what cannot be loaded without the memory that it points to
    Rule("kvm-tpr-opt", "/state", GONE),
    Rule("kvm-tpr-opt", "*/rom_state_paddr", GONE),
    # firmware
    Rule("spapr_nvram", "*/buf", NVRAM),
    Rule("macio_nvram", "*/data", NVRAM),
    Rule("m48t59", "*/buffer", NVRAM),
    Rule("spapr", "*/fdt_blob", "device tree: command line of the kernel, uuid, serial numbers"),
)

# Sections of which nothing can be kept, and which no QEMU misses.
DROPPED = {
    "block": "contents of disks",
    "slirp": "connections of the user network: addresses and data",
    "tpm-emulator": "keys of the TPM",
    "vdagent": "the clipboard",
}


def rule_for(device: str, field: str) -> Rule | None:
    """The rule for a value: the name of its device with the path on the bus, its path below it."""
    base = device.rpartition("/")[2]
    return next(
        (r for r in RULES if fnmatchcase(base, r.device) and fnmatchcase(field, r.field)), None
    )
