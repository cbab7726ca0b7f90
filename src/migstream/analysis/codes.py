"""Pages by code, what `migstream explain MS103` prints: those of errors are here, those of rules their docstrings."""

from __future__ import annotations

import msgspec

from migstream.analysis.rules.registry import rules

__all__ = ["ERRORS", "Page", "page", "pages"]


class Page(msgspec.Struct, frozen=True):
    """A code's title and text; `severity` is that of its findings."""

    code: str
    title: str
    text: str
    severity: str = "error"


_ALL = (
    Page(
        "MS000",
        "migstream failed",
        "An error without a kind of its own. Every other code is one of its kinds.",
    ),
    Page(
        "MS100",
        "The bytes are wrong",
        "What stands here cannot stand in a stream. The place is where the reader noticed it; the cause may lie\n"
        "before it, mostly a length that was read wrong. Other codes say more exactly what is wrong.",
    ),
    Page(
        "MS101",
        "The bytes end too early",
        "Something announces more bytes than the file has: the file is cut off (disk full, an interrupted copy or\n"
        "migration), or the length that announces them is damaged. QEMU says `Failed to load DEVICE:FIELD` for the\n"
        "field where the bytes end, and `Input/output error` at last. Behind the end marker QEMU does not care.\n\n"
        "Compare the file's size with that of the original; copy it again.",
    ),
    Page(
        "MS102",
        "No migration stream begins here",
        "A stream begins with 51 45 56 4d (QEVM). QEMU says `Not a migration stream`. The hint says what it is\n"
        "instead, where that is known: a container with something in front, a compressed file, another channel.",
    ),
    Page(
        "MS103",
        "A section, footer or command that cannot be",
        "Between sections stand a type byte, and behind each section a footer with its number. Where they are not\n"
        "what they must be, the payload before them is longer or shorter than the source meant it to be, or these\n"
        "bytes are damaged. QEMU says `Missing section footer for NAME`, `Mismatched section id in footer`,\n"
        "`Unknown savevm section type N` (`Unknown section type N`), or `MIG_CMD ... bad length`.\n\n"
        "Look at the section before this place first.",
    ),
    Page(
        "MS110",
        "A RAM record that cannot be",
        "RAM sections consist of records: a word with an offset and flags, a block's name, contents. A wrong record\n"
        "makes all that follows it in the section unreadable. QEMU says `Unknown combination of migration flags`,\n"
        "`Can't find block`, `Illegal RAM offset` or `Ack, bad migration stream!`.\n\n"
        "Mostly the record before it is the damaged one: a whole page taken for a zero page, or the other way round.",
    ),
    Page(
        "MS120",
        "The content of a section is not what its kind allows",
        "A device section contradicts the stream's own description or its own name (version, subsection, PCI ids,\n"
        "an instance that the description does not list), or a live section other than RAM breaks its format.",
    ),
    Page(
        "MS130",
        "The description is damaged",
        "The JSON behind the end marker does not parse, or contradicts itself. QEMU does not read it, so the stream\n"
        "loads; but nothing can tell the fields of its devices apart any more. `--like OTHER` takes the description\n"
        "of another stream of the same machine and QEMU.",
    ),
    Page(
        "MS140",
        "A value that its place cannot hold",
        "A value given to `set`, `encode` or the library is too wide for its field, or of another type.",
    ),
    Page(
        "MS200",
        "Something that migstream does not read",
        "The bytes may be right: a section, compression or feature that migstream does not know, or more of\n"
        "something than it is ready for. Please report it, with `migstream redact` for the stream.",
    ),
    Page(
        "MS300",
        "A path that names nothing",
        "No section or value is called so. `migstream ls` and `tree` show the names; docs/paths.md has the grammar.",
    ),
    Page(
        "MS301",
        "An address that is no guest memory",
        "The address or offset is outside of guest memory, or its contents are not in this stream (shared memory,\n"
        "multifd channels, a pipe that was not kept).",
    ),
    Page(
        "MS400",
        "The file, pipe or disk failed",
        "The operating system could not open, read or write. The message is its own.",
    ),
    Page(
        "MS410",
        "A QEMU does not start or answer",
        "A verb was told to ask a QEMU (`--to-qemu` and the like), and that program could not be started, ended before\n"
        "it answered, or refused its arguments. The message has its own words.\n\n"
        "Start it by hand with the same arguments.",
    ),
    Page(
        "MS420",
        "Another package adds what cannot be used",
        "Packages that are installed beside migstream may add section codecs, containers, meanings, rules, exports and\n"
        "verbs (docs/extending.md). One of them cannot be imported, or claims a name that belongs to migstream or to a\n"
        "third package: which of the two is meant cannot be known.\n\n"
        "The message names the package. Update or uninstall it.",
    ),
    Page(
        "MS421",
        "A stream that was to fail does not",
        "`minimise` looks for the smallest stream that fails as the whole one does. The whole one does not fail, or the\n"
        "smallest one failed once and then no more. Nothing is written.\n\n"
        "Run the command by hand on the stream. One that fails at times only has to be told to fail each time, or with\n"
        "`--match` what is to be in its output.",
    ),
)
ERRORS = {page.code: page for page in _ALL}


def pages() -> list[Page]:
    """The pages of all errors and rules, by code."""
    return [*_ALL, *(Page(r.code, r.title, r.page, r.severity) for r in rules())]


def page(code: str) -> Page | None:
    """The page of a rule's or an error's code; None where there is none."""
    return next((one for one in pages() if one.code == code.upper()), None)
