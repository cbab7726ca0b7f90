"""What QEMU refuses without saying why: all it prints is whose load failed, and an errno.

Up to 10.1 that is a section's name and the errno's text in the last line; since 10.1 the hook's number.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from migstream.qemu.words.errno import NAMES, TEXTS
from migstream.qemu.words.model import NEWER, Message, message

__all__ = ["SILENT", "Silent", "silent"]

EPERM, ENOENT, EIO, EINVAL = (TEXTS[name] for name in ("EPERM", "ENOENT", "EIO", "EINVAL"))
NUMBERS = {number: TEXTS[name] for number, name in NAMES.items()}
ARM = ("aarch64", "arm")
PPC = ("ppc", "ppc64")


class Silent(msgspec.Struct, frozen=True):
    """A refusal.

    Parameters
    ----------
    error : the errno's text
    device : in which; empty: any
    architectures : of which; empty: any
    anywhere : whether the error alone says it, where no device is named
    """

    error: str
    message: Message
    device: str = ""
    architectures: Collection[str] = ()
    anywhere: bool = False


SILENT: tuple[Silent, ...] = (
    # target/arm/machine.c: cpu_post_load; target/arm/helper.c: write_list_to_cpustate
    Silent(
        EPERM,
        message(
            "arm-registers",
            means="the CPU's system registers are not those of the destination's CPU; up to 10.2 QEMU does not say which",
            causes=(
                "another CPU model on the destination",
                "a release that gives this model other registers, or other values of those that identify it",
            ),
            look=(
                "`-cpu` of both sides",
                "`--to-stream` with a stream of the destination names the registers",
            ),
            place="registers",
            sides=(
                "registers",
                "the system registers of its CPU",
                "a CPU that lacks one of them, or has another value in one that cannot be written",
            ),
        ),
        "cpu",
        ARM,
    ),
    # target/ppc/machine.c: cpu_post_load
    Silent(
        EINVAL,
        message(
            "ppc-model",
            means="the processor version (PVR) is not that of the destination's CPU, and no compatibility mode is set",
            causes=(
                "another CPU model on the destination: the default of a machine type changes with releases",
            ),
            look=("name the model with `-cpu` on both sides", "env.spr[287]"),
            place="registers",
            sides=("cpu", "a CPU with its processor version", "a CPU of another family or step"),
        ),
        "cpu",
        PPC,
    ),
    # migration/vmstate.c: vmstate_subsection_load
    Silent(
        ENOENT,
        message(
            "unknown-subsection",
            means="the stream has a subsection that the destination's device does not have; up to 10.1 QEMU does not say which",
            causes=(
                NEWER,
                "a feature of the device is on at the source only",
                "its name is damaged",
            ),
            look=(
                "the subsections of this device, below",
                "`--to` with the destination's -dump-vmstate names the one",
            ),
            place="subsections",
            sides=("subsection", "sends a subsection", "does not know it"),
        ),
    ),
    Silent(
        EIO,
        message(
            "stream-end",
            means="the stream ended before this device was complete",
            causes=(
                "the file is cut off",
                "the connection broke",
                "a length before this place is wrong",
            ),
            look=("the size of the file", "the source's log"),
            place="end",
        ),
        anywhere=True,
    ),
    Silent(
        EPERM,
        message(
            "own-check",
            means="the device's own check refused the values (a load function, or one that runs after the load)",
            causes=(
                "the device has other properties, another backend or another model on the destination",
                "a value is damaged",
            ),
            look=("the device's properties on both sides", "the fields of this device"),
            place="device",
            sides=("check", "the state of this device", "its own check refuses it"),
        ),
    ),
    Silent(
        EINVAL,
        message(
            "own-check-invalid",
            means="the device's load function, or its check after the load, refused the values",
            causes=(
                "the device has other properties, another backend or another model on the destination",
                "a value is damaged, or a version inside the device is one that it does not know",
            ),
            look=("the device's properties on both sides", "the fields of this device"),
            place="device",
            sides=("check", "the state of this device", "its own check refuses it"),
        ),
    ),
)


def silent(device: str, error: str, architecture: str) -> Message | None:
    """What it is when QEMU says no more than a device and an error; None where nothing is known."""
    for one in SILENT:
        if (
            error == one.error
            and one.device in {"", device}
            and (device or one.anywhere)
            and (not one.architectures or architecture in one.architectures)
        ):
            return one.message
    return None
