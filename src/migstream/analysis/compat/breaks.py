"""Breaks that were reviewed and accepted: a small reviewed file, for CI.

[[break]]
device = "*/virtio-net[[]*"       # as `compat` names it; wildcards as in a shell
kind = "virtqueue"                # see `compat.model.Kind`; any where left out
destination = "11.1"              # release, or what the destination is called (wildcards); any where left out
reason = "queues of 1024 entries are announced in the release notes"
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.model import Kind, Problem
from migstream.errors import BadDescription, SourceError

__all__ = ["Break", "read_breaks"]

LARGEST = 1 << 20


class Break(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One accepted break; `reason` says why it is, in the reviewer's words."""

    reason: str
    device: str
    kind: Kind | None = None
    destination: str | None = None

    def covers(self, problem: Problem, destination: Destination) -> bool:
        """Whether this is the problem that was accepted."""
        return (
            fnmatchcase(problem.device, self.device)
            and self.kind in {None, problem.kind}
            and (
                self.destination is None
                or self.destination == str(destination.release)
                or fnmatchcase(destination.label, self.destination)
            )
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    breaks: tuple[Break, ...] = msgspec.field(name="break", default=())


def read_breaks(path: str) -> tuple[Break, ...]:
    """Read a file of accepted breaks.

    Raises
    ------
    SourceError : it cannot be read
    BadDescription : it is not a file of accepted breaks
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise BadDescription(f"{path} is too large for a file of accepted breaks")
        return msgspec.convert(tomllib.loads(text.decode()), _File).breaks
    except OSError as error:
        raise SourceError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadDescription(f"{path} is not a file of accepted breaks: {error}") from None
