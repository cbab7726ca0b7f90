"""What to do next: one command that can be pasted."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from migstream.qemu.words.recognise import filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migstream.qemu.words.recognise import Said

__all__ = ["next_step"]

NAMED = re.compile(r"\(vm='([^']+)'\)|domain '([^']+)'|-name guest=([\w.-]+)|-name ([\w.-]+)")
COMMAND = re.compile(r"`([^`]+)`")
LOG = "/var/log/libvirt/qemu/{}.log"
WRAPPER = "libvirt-wrapper"


def next_step(
    text: str, said: Sequence[Said], cause: Said | None, *, stream: str, found: bool, log: str
) -> str:
    """The command; empty where there is none. What nothing here says is in capitals in it: SAVED, NAME, HOST.

    Parameters
    ----------
    text : the log
    stream : the name of what was loaded, empty where it was not given
    found : whether the two sides were compared
    log : the log's file
    """
    if cause is None:
        if any(one.message.name == WRAPPER for one in said) or NAMED.search(text):
            return f"migstream explain {LOG.format(_name(text))}"
        return ""
    if cause.message.side == "destination":
        if not stream:
            return f"migstream explain {shlex.quote(log)} --stream SAVED"
        if not found:
            return (
                f"migstream compat {shlex.quote(stream)} --to-qemu qemu-system-x86_64 -- ARGUMENTS"
            )
        return f"migstream check {shlex.quote(stream)}"
    commands = [one for look in cause.message.look for one in COMMAND.findall(filled(look, cause))]
    return next((one.replace("NAME", _name(text)) for one in commands if " " in one), "")


def _name(text: str) -> str:
    """The guest's name, where the log has it."""
    found = NAMED.search(text)
    return next((name for name in found.groups() if name), "NAME") if found else "NAME"
