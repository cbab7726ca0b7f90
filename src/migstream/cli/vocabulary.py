"""One vocabulary: what the options mean that several verbs have, in each of them.

docs/commands.md and the manual show it, and a test holds every verb to it.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["WORDS", "Word"]


class Word(NamedTuple):
    """An option of the vocabulary: all its spellings, whether a value follows, what it means, how help says it.

    `said` is a regular expression of which every verb's own words have something.
    """

    spellings: tuple[str, ...]
    takes: bool
    means: str
    said: str


WORDS = (
    Word(("--json",), False, "one JSON document; `migstream schema VERB` prints its shape", "JSON"),
    Word(
        ("--ndjson",), False,
        "JSON, one line for each thing as it is found; `migstream schema VERB --ndjson` prints its shape",
        "JSON",
    ),
    Word(("-v", "--verbose"), False, "say more", "(?i)all|more"),
    Word(("--all",), False, "do not cut: every line, element, finding", "(?i)all|every"),
    Word(("-n", "--length"), True, "so many bytes: 64, 0x40, 4K", "Bytes"),
    Word(("-x", "--hex"), False, "numbers in hexadecimal", "(?i)hexadecimal"),
    Word(("-r", "--raw"), False, "the bytes as they are; to a terminal only with `--force`", "bytes"),
    Word(("--no-names",), False, "numbers without names, blobs not gone into; also `--raw`", "names"),
    Word(("--where",), False, "the offset of each value", "(?i)offset"),
    Word(("-f", "--format"), True, "the form of what is printed or written", "(?i)form|how|image"),
    Word(
        ("-o", "--output"), True,
        "where to write; `-` is standard output, to a terminal only with `--force`",
        "(?i)make|write|file|folder",
    ),
    Word(("--force",), False, "do what is refused otherwise: replace what is there, write bytes to a terminal", "(?i)replace|terminal"),
    Word(("--in-place",), False, "replace STREAM itself, once the result is complete", "(?i)replace"),
    Word(("--no-ram",), False, "leave guest memory out", "(?i)guest memory"),
    Word(("--cpu",), True, "this virtual CPU, counted from 0", "(?i)cpu"),
    Word(("--block",), True, "this RAM block", "block"),
    Word(("--ignore",), True, "leave these out", "(?i)leave out|not these"),
    Word(("--diff",), True, "what changed from one to another", "(?i)what changed"),
    Word(("--machine",), True, "a machine type, by its name", "machine type"),
    Word(("--depth",), True, "so many levels", "Levels"),
    Word(("--color",), True, "`auto` (on a terminal, unless NO_COLOR is set), `always`, `never`; also `--colour`", "(?i)colour"),
    Word(("--wide",), False, "lines as long as they are, on a terminal too", "terminal"),
    Word(("--no-pager",), False, "no pager, on a terminal too", "page"),
    Word(("--like",), True, "take the description from another stream where this one has none", "description"),
    Word(("--channel",), True, "a recorded multifd channel; a folder or a pattern in quotes for several", "channel"),
    Word(("--offset",), True, "where in the file to begin", "(?i)where"),
    Word(("--inside",), True, "which one of several that the file holds", "several"),
    Word(("--container",), True, "what the stream stands in (`none`: nothing), where the bytes mislead", "stands in"),
    Word(("--walk",), False, "read all of a large stream before anything is said of it", "(?i)read all"),
    Word(("--map",), True, "where a RAM block is in guest-physical memory, if the stream does not say", "RAM block"),
    Word(("--index",), True, "an index to use, wherever it lies", "index"),
    Word(("--from",), True, "the source: its -dump-vmstate, or a release of the catalogue", "-dump-vmstate|release"),
    Word(("--to",), True, "the destination: its -dump-vmstate, or a release of the catalogue", "-dump-vmstate|release"),
    Word(("--to-qemu",), True, "the destination: this QEMU, started with the arguments behind `--`", "Ask this QEMU"),
    Word(("--xml",), True, "a libvirt domain, instead of that of the save image", "(?i)domain"),
    Word(("--try",), False, "give it to the real QEMU, too", "to the QEMU, too"),
    Word(("--device",), True, "this device only", "(?i)display|device"),
    Word(("--to-stream",), True, "a stream that the destination saved", "saved"),
    Word(("--release",), True, "the destination's release, such as 10.0", "release"),
    Word(("--cap",), True, "a migration capability that is on there; once for each", "capability"),
)  # fmt: skip
