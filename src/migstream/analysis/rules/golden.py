"""A stream held against a golden digest: what changed since that was made. Silent without one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from migstream.analysis.rules.registry import Hit, Subject, rule

if TYPE_CHECKING:
    from migstream.analysis.golden import Difference

__all__: list[str] = []

MEMORY = "ram/"


def _hit(subject: Subject, one: Difference, message: str) -> Hit:
    golden = subject.golden
    assert golden is not None  # nothing changed without one
    return Hit(
        message=message.format(golden.name),
        section=one.device,
        path=one.path,
        span=one.span,
        expected=one.old or "",
        found=one.new or "",
    )


def _is_memory(one: Difference) -> bool:
    return not one.device and one.path.startswith(MEMORY)


@rule("MS581", "warning", "A value is not what the golden digest has")
def changed(subject: Subject) -> Iterator[Hit]:
    """A field, or the configuration, has another value than the golden digest of `check --golden` says.

    Where nothing but the bytes of a device changed, or its version or size, the device is named. Of
    a small array the elements are named that changed; of a long one, which a digest has as a hash,
    that it did: `migstream diff` with the stream that the golden was made of shows which byte. Of a
    subsection whose header is not the description's the place is that of the bytes that are wrong.

    If the change is meant, `migstream digest --refresh FILES` makes goldens again from the streams
    they name. What moves by itself is left out when a golden is made: `digest --ignore`.
    """
    for one in subject.changed:
        if one.old is not None and one.new is not None and not _is_memory(one):
            yield _hit(subject, one, "changed since {}")


@rule("MS582", "warning", "Something that the golden digest has is gone")
def gone(subject: Subject) -> Iterator[Hit]:
    """A device, field, subsection or RAM block of the golden digest is not in this stream.

    A guest that was saved with it does not find it again: its state is lost, or the load is refused.
    What was in it is not named one by one. Of a damaged stream, which may have it where nothing could
    be read, nothing is said.
    """
    for one in subject.changed:
        if one.new is None and subject.whole:
            yield _hit(subject, one, "was in {}, and is gone")


@rule("MS583", "warning", "Something that the golden digest does not have")
def new(subject: Subject) -> Iterator[Hit]:
    """A device, field, subsection or RAM block of this stream is not in the golden digest.

    A QEMU from before does not know it: it refuses a device, a subsection or a longer device. What
    is in it is not named one by one.
    """
    for one in subject.changed:
        if one.old is None:
            yield _hit(subject, one, "is not in {}")


@rule("MS584", "warning", "Guest memory is not what the golden digest has")
def memory(subject: Subject) -> Iterator[Hit]:
    """A RAM block has another length or other contents than the golden digest says.

    A digest has a hash of each block: `migstream diff --memory` with the stream that the golden was
    made of shows the pages. Firmware is guest memory, too: another release of it is another golden.
    Goldens without memory are made with `digest --no-ram`, or `--ignore ram/pc.ram`.
    """
    for one in subject.changed:
        if one.old is not None and one.new is not None and _is_memory(one):
            yield _hit(subject, one, "changed since {}")
