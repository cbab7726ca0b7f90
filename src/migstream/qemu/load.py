"""Whether a real QEMU takes a stream, and its words where it does not."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from migstream.errors import QemuError, SourceError
from migstream.qemu.process import PATIENCE, Qemu

__all__ = ["Verdict", "load"]

FATAL = 2.0  # seconds between a refusal and the end of a QEMU that refused


class Verdict(msgspec.Struct, frozen=True):
    """What became of a stream that a QEMU was told to load; `said` is what it printed."""

    accepted: bool
    said: str


def load(
    command: Sequence[str],
    arguments: Sequence[str],
    path: str | os.PathLike[str],
    capabilities: Sequence[str] = (),
    patience: float = PATIENCE,
) -> Verdict:
    """Let a QEMU load a stream.

    Parameters
    ----------
    command : the QEMU, or a wrapper and what it runs
    arguments : as the guest is started, without `-incoming`
    path : the stream itself, not compressed
    capabilities : that the destination is to have
    patience : seconds that it may take

    Raises
    ------
    QemuError : it does not start with these arguments, or neither loads nor refuses
    SourceError : the stream cannot be opened
    """
    with Qemu(command, [*arguments, "-incoming", "defer"]) as guest:
        guest.set_capabilities(capabilities)
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise SourceError(
                f"{os.fspath(path)}: {(error.strerror or str(error)).lower()}"
            ) from None
        try:
            uri = guest.give(descriptor)
        finally:
            os.close(descriptor)
        try:
            guest.execute("migrate-incoming", {"uri": uri})
            guest.finish_migration(patience)
        except QemuError:
            # one that refuses says why and ends; newer ones may be told not to
            if not guest.wait_for_the_end(FATAL) and not guest.words():
                raise
            return Verdict(False, guest.words())
        return Verdict(True, guest.words())
