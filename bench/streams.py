"""Streams made at bench time: as large as wanted, with the devices of a real one.

This shares no code with migstream, so that a mistake in its parser cannot hide here.
"""

from __future__ import annotations

import json
import lzma
import random
import re
import struct
import sysconfig
from functools import cache
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

PAGE = 4096
POOL = (
    61  # different pages; a prime, so that no stride of a reader meets the same one again and again
)
PAGES_PER_PART = 4096  # 16 MiB: about what QEMU writes in one go
KEPT = 4096  # different pages of the memory of a guest: too many for a processor's cache
DATA_RUN, ZERO_RUN = 24, 20  # pages, on average, of a guest that has been up for some time
BLOCK = b"pc.ram"

# Section types and flags of page records, from QEMU's migration/savevm.h and migration/ram.c.
START, PART, END, FULL, DESCRIPTION, CONFIGURATION, FOOTER = 1, 2, 3, 4, 6, 7, 0x7E
ZERO, MEM_SIZE, NORMAL, END_OF_SECTION, CONTINUE = 0x02, 0x04, 0x08, 0x10, 0x20
XBZRLE, MULTIFD_FLUSH = 0x40, 0x200
MULTIFD_MAGIC, MULTIFD_PACKET = 0x11223344, 512 << 10
RAM_ID = 2
NAME = bytes([len(BLOCK)]) + BLOCK
STOP = struct.pack(">QBI", END_OF_SECTION, FOOTER, RAM_ID)


def unpack(packed: Path, target: Path) -> Path:
    """Unpack a stream that is kept with xz."""
    target.write_bytes(lzma.decompress(packed.read_bytes()))
    return target


def device_part(stream: bytes) -> bytes:
    """Return what follows the live sections of a real stream: devices, end mark, description.

    The first device is found by its name, which the description gives.
    """
    for mark in re.finditer(rb"\x06(....)\{", stream, re.DOTALL):
        if int.from_bytes(mark[1], "big") == len(stream) - mark.end(1):
            break
    else:
        raise ValueError("no description at the end")
    name = json.loads(stream[mark.end(1) :])["devices"][0]["name"].encode()
    header = re.search(rb"\x04....%s" % re.escape(bytes([len(name)]) + name), stream, re.DOTALL)
    if header is None:
        raise ValueError("no device section where the description announces one")
    return stream[header.start() :]


Shape = Literal["normal", "half", "guest"]


def zeros(count: int, source: random.Random, shape: Shape) -> list[bool]:
    """Which of `count` pages are zero pages.

    None; or half of them, in stretches of 1 to 512; or as guests have them, some two dozen pages of data between
    some two dozen of zeros, most stretches short and some long.
    """
    zero: list[bool] = []
    while len(zero) < count:
        if shape == "normal":
            data, none = count, 0
        elif shape == "half":
            data = none = source.randint(1, 512)
        else:
            data = 1 + int(source.expovariate(1 / (DATA_RUN - 0.5)))
            none = 1 + int(source.expovariate(1 / (ZERO_RUN - 0.5)))
        zero += [False] * data + [True] * none
    return zero[:count]


@cache
def kept_pages() -> list[bytes]:
    """Pages like those of a guest: a third each of programs, of text, and of what looks random."""
    source = random.Random(KEPT)  # noqa: S311 - reproducible filler, no secret
    library = Path(sysconfig.get_paths()["stdlib"])
    pages = [source.randbytes(PAGE) for _ in range(KEPT // 3)]
    for pattern in ("lib-dynload/*.so", "*.py"):
        files = b"".join(path.read_bytes() for path in sorted(library.glob(pattern)))
        whole = range(0, len(files) - PAGE + 1, PAGE)
        pages += [files[at : at + PAGE] for at in source.choices(whole, k=KEPT // 3)]
    source.shuffle(pages)
    return pages


class _Memory(NamedTuple):
    """Pages of a guest: which are zero pages, and what the others hold."""

    zero: list[bool]
    contents: list[bytes]


def _memory(mebibytes: int, shape: Shape) -> _Memory:
    count = mebibytes * (1 << 20) // PAGE
    source = random.Random(mebibytes)  # noqa: S311 - reproducible filler, no secret
    guest = shape == "guest"
    pool = kept_pages() if guest else [source.randbytes(PAGE) for _ in range(POOL)]
    zero = zeros(count, source, shape)
    order = source.choices(pool, k=count) if guest else [pool[n % POOL] for n in range(count)]
    return _Memory(zero, order)


def _begin(out: BinaryIO, machine: bytes, size: int, sync: bytes = b"") -> None:
    """Header, configuration, the list of one block of `size` bytes."""
    out.write(b"QEVM" + struct.pack(">IBI", 3, CONFIGURATION, len(machine)) + machine)
    out.write(struct.pack(">BI", START, RAM_ID) + b"\x03ram" + struct.pack(">II", 0, 4))
    out.write(struct.pack(">Q", size | MEM_SIZE) + NAME + struct.pack(">Q", size) + sync + STOP)


def build(
    target: Path,
    mebibytes: int,
    devices: bytes,
    machine: bytes = b"pc-i440fx-7.2",
    *,
    shape: Shape = "normal",
    changed: int = 0,
) -> Path:
    """Write a stream of one RAM block, followed by `devices`.

    Parameters
    ----------
    target : where to write
    mebibytes : guest memory, in MiB
    devices : see `device_part`
    machine : the machine type in the configuration
    shape : which pages are zero pages (`zeros`); normal ones hold random bytes, of a guest what guests have
    changed : every so many pages one is sent again, in a second round, as an XBZRLE delta; 0: none
    """
    zero, contents = _memory(mebibytes, shape)
    count = len(zero)
    with target.open("wb") as out:
        _begin(out, machine, count * PAGE)
        for first in range(0, count, PAGES_PER_PART):
            pieces = [struct.pack(">BI", PART, RAM_ID)]
            for page in range(first, min(first + PAGES_PER_PART, count)):
                kind = ZERO if zero[page] else NORMAL
                if page == 0:
                    pieces += [struct.pack(">Q", kind), NAME]
                else:
                    pieces.append(struct.pack(">Q", page * PAGE | kind | CONTINUE))
                pieces.append(b"\0" if zero[page] else contents[page])
            out.write(b"".join(pieces) + STOP)
        if changed:
            # keep 100 bytes, eight new ones (migration/xbzrle.c)
            delta = bytes([1, 0, 10, 100, 8]) + b"new data"
            words = (page * PAGE | XBZRLE | CONTINUE for page in range(0, count, changed))
            records = b"".join(struct.pack(">Q", word) + delta for word in words)
            out.write(struct.pack(">BI", PART, RAM_ID) + records + STOP)
        out.write(struct.pack(">BI", END, RAM_ID) + STOP)
        out.write(devices)
    return target


def build_channels(
    target: Path, mebibytes: int, devices: bytes, machine: bytes = b"pc-i440fx-8.2"
) -> list[Path]:
    """Write the main channel of a migration, and the recordings of two multifd channels beside it, which are returned.

    The memory has the shape of a guest's; a packet has up to 128 pages (migration/multifd.c: MultiFDPacket_t).
    """
    zero, contents = _memory(mebibytes, "guest")
    count = len(zero)
    room = MULTIFD_PACKET // PAGE
    sync = struct.pack(">Q", MULTIFD_FLUSH)
    with target.open("wb") as out:
        _begin(out, machine, count * PAGE, sync)
        pieces = [struct.pack(">BI", PART, RAM_ID)]
        for page in (page for page in range(count) if zero[page]):
            named = len(pieces) > 1
            word = page * PAGE | ZERO | (CONTINUE if named else 0)
            pieces.append(struct.pack(">Q", word) + (b"" if named else NAME) + b"\0")
        out.write(b"".join(pieces) + sync + STOP)
        out.write(struct.pack(">BI", END, RAM_ID) + sync + STOP)
        out.write(devices)
    normal = [page for page in range(count) if not zero[page]]
    channels = [target.with_name(f"{target.name}.channel{number}") for number in range(2)]
    for number, channel in enumerate(channels):
        with channel.open("wb") as out:
            out.write(struct.pack(">II16sB39x", MULTIFD_MAGIC, 1, bytes(16), number))
            out.write(_packet(room, number, [], 1))
            for first in range(number * room, len(normal), 2 * room):
                pages = normal[first : first + room]
                out.write(_packet(room, first, pages))
                out.write(b"".join(contents[page] for page in pages))
            out.write(_packet(room, count, [], 1) * 2)
    return channels


def _packet(room: int, number: int, pages: list[int], flags: int = 0) -> bytes:
    """The head of a packet: which pages follow. Flag 1 is SYNC."""
    head = struct.pack(
        ">6IQI28x256s", MULTIFD_MAGIC, 1, flags, room, len(pages), len(pages) * PAGE, number, 0, BLOCK
    )  # fmt: skip
    offsets = struct.pack(f">{len(pages)}Q", *(page * PAGE for page in pages))
    return head + offsets.ljust(8 * room, b"\0")
