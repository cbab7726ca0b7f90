"""What can be told of the system in a guest without its symbols: a kernel's banner and command line.

References: Linux, init/version.c: linux_banner; init/main.c and arch/*/kernel/setup.c, which print the command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from migstream.machine.search import Hit, Needle, block_segments, search

if TYPE_CHECKING:
    from migstream.ram.image import Ram

__all__ = ["System", "system"]

LONGEST_BANNER, LONGEST_LINE = 512, 2048
BANNER = Needle(
    re.compile(rb"Linux version [1-9][\x20-\x7e]{20,500}"), LONGEST_BANNER, "banner",
    literal=b"Linux version ", fixed=False,
)  # fmt: skip
# as the kernel prints it: "Command line: " early, "Kernel command line: " later
LINE = Needle(
    re.compile(rb"ommand line: [\x20-\x7e]{1,2030}"), LONGEST_LINE, "line",
    literal=b"ommand line: ", fixed=False,
)  # fmt: skip
FORMAT = b"%s"  # the message's own format stands in memory, too
MOST = 64  # hits in a block that are looked at
SURE = 24  # characters of a line that are its own in any case


class System(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel's words about itself; empty where they were not found. They are the guest's, and may be anything."""

    banner: str = ""
    command_line: str = ""


def system(ram: Ram) -> System:
    """Look for it in all of guest memory: it costs a search. Raises ParseError where a page cannot be unpacked."""
    banner = line = ""
    for hit in _hits(ram, [BANNER, LINE]):
        text = hit.data.decode("ascii")
        if hit.kind == "banner" and "#" in text:
            banner = banner or text.strip()
        elif hit.kind == "line" and FORMAT not in hit.data:
            line = line or text.partition(": ")[2].strip()
        if banner and line:
            break
    return System(banner=banner, command_line=_ended(ram, line) if line else "")


def _hits(ram: Ram, needles: list[Needle]) -> Iterator[Hit]:
    for name in ram:
        segments = block_segments(name, 0, len(ram[name]))
        yield from islice(search(segments, ram, needles), MOST)


def _ended(ram: Ram, line: str) -> str:
    """The line where it ends with a NUL, as the kernel keeps it.

    In the log's buffer the next record follows at once, and its number may look like text.
    """
    begin = line[:SURE].encode("ascii")
    kept = Needle(
        re.compile(re.escape(begin) + rb"[\x20-\x7e]*\0"), LONGEST_LINE, "kept",
        literal=begin, fixed=False,
    )  # fmt: skip
    found = (hit.data[:-1].decode("ascii").rstrip() for hit in _hits(ram, [kept]))
    return next((one for one in found if line.startswith(one)), line)
