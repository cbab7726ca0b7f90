"""What a result stands in: the container of its source, or another one that was asked for.

A result is written and read again as a stream; then it is compressed, where it is to be.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from migstream.errors import Unsupported
from migstream.source.containers import NONE
from migstream.source.layers import Tell, Watch, telling
from migstream.source.libvirt import FORMATS, SPARSE, image_head
from migstream.source.output import write_at
from migstream.source.packing import PACKERS, packed

if TYPE_CHECKING:
    from migstream.source.layers import Layer
    from migstream.stream import Stream

__all__ = [
    "BARE",
    "LIBVIRT",
    "Shell",
    "asked_shell",
    "domain_text",
    "is_mapped",
    "libvirt_shell",
    "shell_of",
]

LIBVIRT = "libvirt"
CHUNK = 1 << 20


class Shell(msgspec.Struct, frozen=True):
    """What is put around a stream, the innermost first: bytes before it, or the name of a compressor."""

    steps: tuple[bytes | str, ...] = ()

    @property
    def head(self) -> bytes:
        """What stands before the stream in the file that it is written to first."""
        head = b""
        for step in self.steps:
            if isinstance(step, str):
                break
            head = step + head
        return head

    @property
    def packs(self) -> bool:
        """Whether anything is compressed."""
        return any(isinstance(step, str) for step in self.steps)

    @contextmanager
    def around(self, fd: int, folder: Path, watch: Watch | None = None) -> Iterator[int]:
        """The descriptor to write to: head, and the stream behind it; at the end the container is in `fd`.

        Parameters
        ----------
        fd : of the empty file that the result is to be in
        folder : for what is not compressed yet
        watch : told how much of it was compressed
        """
        if not self.packs:
            yield fd
            return
        from tempfile import TemporaryFile

        with TemporaryFile(dir=folder) as between:
            yield between.fileno()
            at = 0
            size = os.fstat(between.fileno()).st_size
            with telling(watch, "compressing", size) as tell:
                for piece in self._wrapped(_pieces(between.fileno(), tell)):
                    at += write_at(fd, [piece], at)
            os.ftruncate(fd, at)

    def _wrapped(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        inner = False  # bytes before the first compressor were written with the stream
        for step in self.steps:
            if isinstance(step, str):
                pieces, inner = packed(step, pieces), True
            elif inner:
                pieces = _before(step, pieces)
        return pieces


BARE = Shell()
# A save image of a guest that nobody saved before.
NEW: dict[str, Any] = {
    "complete": True, "byte_order": "little", "format": "raw", "was_running": False,
    "xml": "", "cookie": None, "size": 0,
}  # fmt: skip


def _pieces(fd: int, tell: Tell) -> Iterator[bytes]:
    at = 0
    while piece := os.pread(fd, CHUNK, at):
        at += len(piece)
        yield piece
        tell(len(piece))


def _before(head: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces


def libvirt_shell(
    facts: dict[str, Any], form: str, *, xml: str | None = None, mapped: bool = False
) -> Shell:
    """A save image.

    Parameters
    ----------
    facts : of a save image's layer, from which everything comes that is not given
    form : one of `source.libvirt.FORMATS`
    xml : the domain's XML
    mapped : whether guest memory is mapped-ram

    Raises
    ------
    Unsupported : mapped-ram in another format than "sparse", or the other way round
    """
    if mapped != (form == SPARSE):
        raise Unsupported(
            f"a save image of format {form} with {'mapped-ram' if mapped else 'memory in records'}",
            hint=f"mapped-ram is the format {SPARSE}, and that is mapped-ram (--ram mapped)",
        )
    head = image_head(
        facts["xml"] if xml is None else xml,
        facts["cookie"],
        form=form,
        was_running=facts["was_running"],
        order=facts["byte_order"],
        complete=facts["complete"],
        size=facts["size"],
    )
    return Shell((form, head) if form in PACKERS else (head,))


def shell_of(stream: Stream, *, xml: str | None = None) -> Shell:
    """The container of a stream, for a changed one: its compressors, libvirt's save image.

    Where that cannot be made (a snapshot in a disk's image, what a package opened), the result is
    the bare stream.

    Parameters
    ----------
    xml : the domain's XML, where that was changed, too
    """
    steps: list[bytes | str] = []
    mapped = is_mapped(stream)
    inner: Layer | None = None
    for layer in reversed(stream.layers):
        if layer.name in PACKERS:
            steps.append(layer.name)
        elif layer.name == LIBVIRT and layer.facts["format"] in FORMATS:
            # inside it stands what its format says, or what it is said not to be and is
            form = SPARSE if mapped else _form(inner)
            if form in PACKERS and steps == [form]:
                steps.pop()
            steps += libvirt_shell(layer.facts, form, xml=xml, mapped=mapped).steps
        else:
            return BARE
        inner = layer
    return Shell(tuple(steps))


def asked_shell(
    stream: Stream,
    container: str,
    *,
    form: str | None = None,
    xml: str | None = None,
    image: Stream | None = None,
    mapped: bool,
) -> Shell:
    """Another container than that of the source.

    Parameters
    ----------
    container : "none", "libvirt", or one of PACKERS
    form : of a save image, one of `source.libvirt.FORMATS`; by default that of the source, "raw" of a bare
        stream, "sparse" of one with mapped-ram
    xml : the domain's XML; by default that of `image`, or of the source
    image : a stream in a save image, from which XML, cookie and state come
    mapped : whether guest memory of the result is mapped-ram

    Raises
    ------
    ValueError : no such container or format, or something that does not belong to it
    Unsupported : no XML for a save image, or the format does not fit to how memory is encoded
    """
    if container != LIBVIRT:
        if form is not None or xml is not None or image is not None:
            raise ValueError("format, XML and image belong to a save image of libvirt's")
        if container not in {NONE, *PACKERS}:
            raise ValueError(f"{container!r} is not one of {', '.join((NONE, LIBVIRT, *PACKERS))}")
        return BARE if container == NONE else Shell((container,))
    if form is not None and form not in FORMATS:
        raise ValueError(f"{form!r} is not one of {', '.join(FORMATS)}")
    found = [
        one.facts
        for s in (image, stream)
        if s is not None
        for one in s.layers
        if one.name == LIBVIRT
    ]
    facts = found[0] if found else NEW
    if xml is None and not found:
        raise Unsupported(
            "a save image begins with the domain's XML, and there is none",
            hint="--xml FILE (virsh dumpxml --security-info), or --image IMAGE to take another's",
        )
    from migstream.source.domain import read_domain

    if xml is not None and not read_domain(xml, pasted=False).name:
        raise Unsupported(
            "that is not a domain's XML, or one that cannot be read: libvirt would not restore the image",
            hint="`virsh dumpxml --security-info NAME` writes it",
        )
    if form is None:
        form = SPARSE if mapped else facts["format"] if facts["format"] != SPARSE else "raw"
    return libvirt_shell(facts, form, xml=xml, mapped=mapped)


def domain_text(stream: Stream) -> str | None:
    """The domain's XML of a stream in a save image; None where it stands in none."""
    found = next((one for one in stream.layers if one.name == LIBVIRT), None)
    return None if found is None else str(found.facts["xml"])


def is_mapped(stream: Stream) -> bool:
    """Whether guest memory is mapped-ram."""
    return any(block.mapped is not None for block in stream.blocks)


def _form(inner: Layer | None) -> str:
    """The format of a save image by what is in it."""
    if inner is not None and inner.name in FORMATS:
        return inner.name
    return "raw"
