"""What can be told of the system in a guest without its symbols: a kernel's banner and command line.

References: Linux, init/version.c: linux_banner; init/main.c and arch/*/kernel/setup.c, which print the command line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from migstream.machine.search import Needle, block_segments, search

if TYPE_CHECKING:
    from migstream.stream import Stream

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
MOST = 64  # hits that are looked at


class System(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel's words about itself; empty where they were not found. They are the guest's, and may be anything."""

    banner: str = ""
    command_line: str = ""


def system(stream: Stream) -> System:
    """Look for it in all of guest memory: it costs a search. Raises ParseError where a page cannot be unpacked."""
    found: dict[str, str] = {}
    for name in stream.ram:
        block = stream.ram[name]
        hits = search(block_segments(name, 0, len(block)), stream.ram, [BANNER, LINE])
        for number, hit in enumerate(hits):
            text = hit.data.decode("ascii")
            if hit.kind == "banner" and "#" in text:
                found.setdefault("banner", text.strip())
            elif hit.kind == "line" and FORMAT not in hit.data:
                found.setdefault("command_line", text.partition(": ")[2].strip())
            if len(found) == 2 or number == MOST:
                break
        if len(found) == 2:
            break
    return System(**found)
