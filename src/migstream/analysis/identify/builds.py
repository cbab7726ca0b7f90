"""Whose build of QEMU it was: names of machine types that only one distribution has, and what firmware calls itself.

References
----------
Ubuntu, debian/patches/ubuntu/define-ubuntu-machine-types.patch; CentOS Stream, qemu-kvm: hw/i386/pc_q35.c
(`rhel9.4.0`); SeaBIOS, scripts/buildversion.py; QEMU, roms/Makefile (what upstream builds ends with `prebuilt.qemu.org`)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migstream.errors import MigstreamError

if TYPE_CHECKING:
    from migstream.stream import Stream

__all__ = ["distribution", "firmware"]

UBUNTU = {
    "trusty": "14.04", "utopic": "14.10", "vivid": "15.04", "wily": "15.10", "xenial": "16.04", "yakkety": "16.10",
    "zesty": "17.04", "artful": "17.10", "bionic": "18.04", "cosmic": "18.10", "disco": "19.04", "eoan": "19.10",
    "focal": "20.04", "groovy": "20.10", "hirsute": "21.04", "impish": "21.10", "jammy": "22.04", "kinetic": "22.10",
    "lunar": "23.04", "mantic": "23.10", "noble": "24.04", "oracular": "24.10", "plucky": "25.04", "questing": "25.10",
}  # fmt: skip
RHEL = r"rhel(\d+)\.(\d+)\.\d+"
# RAM blocks with a PC's firmware, and what SeaBIOS writes of its version into it.
BLOCK = "pc.bios"
VERSION = rb"(?:rel-)?1\.\d{1,2}\.\d{1,2}-[\x21-\x7e]{1,64}"
MOST = 4 << 20  # bytes of a block that are searched
# What in a firmware's version tells who built it.
BUILDERS = (
    (r"-debian-", "Debian's or Ubuntu's"),
    (r"\.fc\d+", "Fedora's"),
    (r"\.(el|module\+el)\d+", "Red Hat's or CentOS's"),
    (r"prebuilt\.qemu\.org", "QEMU's own"),
    (r"Arch", "Arch Linux's"),
    (r"(?i)suse", "SUSE's"),
)


def distribution(machine: str | None) -> str | None:
    """Whose machine type that is: of which release of which distribution at least; None of one that any QEMU has."""
    for part in (machine or "").split("-")[1:]:
        if part in UBUNTU:
            return f"Ubuntu {UBUNTU[part]} ({part})"
        red_hat = re.fullmatch(RHEL, part) if part.startswith("rhel") else None
        if red_hat is not None:
            return f"Red Hat Enterprise Linux {red_hat[1]}.{red_hat[2]}, or a rebuild of it"
    return None


def firmware(stream: Stream) -> str | None:
    """What a PC's firmware calls itself, and who built it; None where guest memory was not walked, or says nothing.

    Firmware goes with a guest from host to host, so it is of the QEMU that the guest was started in.
    """
    if not stream.walked or BLOCK not in stream.ram:
        return None
    block = stream.ram[BLOCK]
    try:
        found = re.search(VERSION, block[0 : min(block.size, MOST)])
    except MigstreamError:
        return None
    if found is None:
        return None
    version = found[0].decode("ascii")
    builder = next((name for pattern, name in BUILDERS if re.search(pattern, version)), None)
    return f"SeaBIOS {version}" + (f", {builder}" if builder else "")
