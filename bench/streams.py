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
from typing import Literal

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
RAM_ID = 2


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


def build(
    target: Path,
    mebibytes: int,
    devices: bytes,
    machine: bytes = b"pc-i440fx-7.2",
    *,
    shape: Shape = "normal",
) -> Path:
    """Write a stream of one RAM block, followed by `devices`.

    Parameters
    ----------
    target : where to write
    mebibytes : guest memory, in MiB
    devices : see `device_part`
    machine : the machine type in the configuration
    shape : which pages are zero pages (`zeros`); normal ones hold random bytes, of a guest what guests have
    """
    count = mebibytes * (1 << 20) // PAGE
    source = random.Random(mebibytes)  # noqa: S311 - reproducible filler, no secret
    guest = shape == "guest"
    pool = kept_pages() if guest else [source.randbytes(PAGE) for _ in range(POOL)]
    zero = zeros(count, source, shape)
    order = source.choices(pool, k=count) if guest else [pool[n % POOL] for n in range(count)]
    footer = struct.pack(">BI", FOOTER, RAM_ID)
    stop = struct.pack(">Q", END_OF_SECTION) + footer
    name = bytes([len(BLOCK)]) + BLOCK
    with target.open("wb") as out:
        out.write(b"QEVM" + struct.pack(">IBI", 3, CONFIGURATION, len(machine)) + machine)
        out.write(struct.pack(">BI", START, RAM_ID) + b"\x03ram" + struct.pack(">II", 0, 4))
        out.write(
            struct.pack(">Q", count * PAGE | MEM_SIZE)
            + name
            + struct.pack(">Q", count * PAGE)
            + stop
        )
        for first in range(0, count, PAGES_PER_PART):
            pieces = [struct.pack(">BI", PART, RAM_ID)]
            for page in range(first, min(first + PAGES_PER_PART, count)):
                kind = ZERO if zero[page] else NORMAL
                if page == 0:
                    pieces += [struct.pack(">Q", kind), name]
                else:
                    pieces.append(struct.pack(">Q", page * PAGE | kind | CONTINUE))
                pieces.append(b"\0" if zero[page] else order[page])
            out.write(b"".join(pieces) + stop)
        out.write(struct.pack(">BI", END, RAM_ID) + stop)
        out.write(devices)
    return target
