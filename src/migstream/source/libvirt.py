"""libvirt's save images: managed saves, `virsh save`, the memory files of external snapshots.

A header of 92 bytes in the byte order of the host that wrote it, the domain's XML, in newer ones a
cookie behind it (what libvirt itself wants to remember), and the stream, which a program may have
compressed. Facts: libvirt, src/qemu/qemu_saveimage.h (virQEMUSaveHeader), qemu_saveimage.c
(qemuSaveImageOpen, virQEMUSaveDataWrite).
"""

from __future__ import annotations

import struct
from typing import Any, Literal, NamedTuple

from migstream.errors import SourceError
from migstream.source.layers import Layer, Opened, Pipe
from migstream.source.store import Slice

__all__ = [
    "FORMATS",
    "HEADER",
    "MAGIC",
    "SPARSE",
    "UNFINISHED",
    "Header",
    "image_head",
    "open_save",
]

MAGIC = b"LibvirtQemudSave"
UNFINISHED = b"LibvirtQemudPart"  # the beginning until all is written
HEADER = 92
FIELDS = 5  # be32 or le32, behind the magic
VERSION = 2
FORMATS = ("raw", "gzip", "bzip2", "xz", "lzop", "zstd", "sparse")
SPARSE = "sparse"  # what mapped-ram is called here: QEMU itself wrote to the file
SPARE = 64 << 10  # zeros behind the XML, so that it can be edited where it is (QEMU_SAVE_DATA_…)
MOST_TEXT = 4 << 20  # bytes of XML and cookie that are looked at
CHUNK = 1 << 16


class Header(NamedTuple):
    """The fields of a save image's header.

    Attributes
    ----------
    complete : whether libvirt came to its end
    order : of the bytes of the host that wrote it
    size : bytes of XML, cookie and spare room, which end where the stream begins
    was_running : whether the guest goes on running when it is restored
    form : one of FORMATS, or a number that none of them has
    cookie : where the cookie begins behind the header; 0 for none
    """

    complete: bool
    order: Literal["little", "big"]
    version: int
    size: int
    was_running: bool
    form: str
    cookie: int

    @property
    def start(self) -> int:
        """Where the stream begins."""
        return HEADER + self.size


def read_header(head: bytes) -> Header:
    """The header that `head` begins with; raises SourceError where it is cut off or of another version."""
    if len(head) < HEADER:
        raise SourceError(
            f"a libvirt save image that ends in its header, at {len(head):#x}",
            hint="the save did not get further; the guest went on running",
        )
    order: Literal["little", "big"] = "little"
    if int.from_bytes(head[16:20], order) > 0xFFFF:
        order = "big"
    mark = "<" if order == "little" else ">"
    version, size, running, form, cookie = struct.unpack_from(f"{mark}{FIELDS}I", head, 16)
    if version > VERSION:
        raise SourceError(
            f"a libvirt save image of version {version}; {VERSION} is the newest known",
            hint=f"the stream stands behind the XML: --offset {HEADER + size:#x} --container none",
        )
    name = FORMATS[form] if form < len(FORMATS) else f"format {form}"
    return Header(head.startswith(MAGIC), order, version, size, bool(running), name, cookie)


def open_save(outer: Opened, /) -> Opened | None:
    """The stream in a save image (protocol: source.containers.Container)."""
    head = outer.head(HEADER)
    if not head.startswith((MAGIC, UNFINISHED)) or head[16:20] == bytes(4):
        return None
    header = read_header(head)
    store = outer.store
    if store is not None:
        if header.start > store.size:
            raise _cut(store.size, header)
        text = bytes(store.view(HEADER, min(header.start, HEADER + MOST_TEXT)))
        layer = Layer("libvirt", _said(header, text), _facts(header, text))
        start = header.start
        return outer.inside(
            layer,
            store=Slice(store, start),
            where=lambda at: start + at,
            base=start,  # QEMU counted from the beginning of the image, wherever that lies now
            forward=outer.forward_from(start),
        )
    pipe = outer.reader()
    text = _read(pipe, header)
    return outer.inside(Layer("libvirt", _said(header, text), _facts(header, text)), pipe=pipe)


def _cut(size: int, header: Header) -> SourceError:
    return SourceError(
        f"a libvirt save image that ends in its XML, at {size:#x}; the stream would begin at {header.start:#x}",
        hint="the file was cut off later: another copy of it may be whole"
        if header.complete
        else "the save did not get further; the guest went on running",
    )


def _read(pipe: Pipe, header: Header) -> bytes:
    """What stands before the stream, read; as much of it as is looked at."""
    text, left = b"", header.start
    while left:
        piece = pipe.read(min(left, CHUNK))
        if not piece:
            raise _cut(header.start - left, header)
        left -= len(piece)
        if len(text) < HEADER + MOST_TEXT:
            text += piece
    return text[HEADER:]


def image_head(
    xml: str,
    cookie: str | None,
    *,
    form: str,
    was_running: bool,
    order: Literal["little", "big"] = "little",
    complete: bool = True,
    size: int = 0,
) -> bytes:
    """What stands before the stream in a save image.

    Parameters
    ----------
    form : one of FORMATS
    size : bytes of XML, cookie and spare room that it had before, where they still fit
    """
    parts = [xml.encode("utf-8", "surrogateescape") + b"\0"]
    where = 0
    if cookie:
        where = len(parts[0])
        parts.append(cookie.encode("utf-8", "surrogateescape") + b"\0")
    text = b"".join(parts)
    if len(text) > size:
        size = len(text) + SPARE
    fields = (VERSION, size, was_running, FORMATS.index(form), where)
    head = struct.pack(f"{'<' if order == 'little' else '>'}{FIELDS}I", *fields)
    magic = MAGIC if complete else UNFINISHED
    return (magic + head).ljust(HEADER, b"\0") + text.ljust(size, b"\0")


# --- what it says of itself ----------------------------------------------------------------------


def parts(header: Header, text: bytes) -> tuple[bytes, bytes]:
    """XML and cookie, without their NUL, of what stands between header and stream."""
    xml = text[: header.cookie or None].partition(b"\0")[0]
    cookie = text[header.cookie :].partition(b"\0")[0] if header.cookie else b""
    return xml, cookie


def _facts(header: Header, text: bytes) -> dict[str, Any]:
    xml, cookie = parts(header, text)
    return {
        "complete": header.complete,
        "size": header.size,
        "byte_order": header.order,
        "format": header.form,
        "was_running": header.was_running,
        "xml": xml.decode("utf-8", "surrogateescape"),
        "cookie": cookie.decode("utf-8", "surrogateescape") or None,
    }


def _said(header: Header, text: bytes) -> str:
    from migstream.source.domain import read_domain

    xml, _ = parts(header, text)
    name = read_domain(xml.decode("utf-8", "surrogateescape")).name
    facts = [f"save image of {name!r}" if name else "save image", header.form]
    facts += ["was running" if header.was_running else "was paused"]
    if not header.complete:
        facts.append("unfinished: libvirt was still writing it, or was ended")
    return ", ".join(facts)
