"""The shortest wordings, tried after all others."""

from __future__ import annotations

from migstream.qemu.words.model import DAMAGE, Message, message

__all__ = ["LAST"]

LAST: tuple[Message, ...] = (
    message(
        "equal",
        "{received:x} != {local:x}",
        means="a value that must be the same on both sides is not (received first, local second)",
        causes=(
            "the device has another number of queues, ports, or another size on the destination",
            DAMAGE,
        ),
        look=("the field that the following line names",),
        place="field",
        sides=("value", "{received}", "{local}"),
    ),
)
