"""Every error migstream raises on purpose.

    MigstreamError                what: message, code, hint, exit status
    ├── StreamError               about a stream: at (offset), path (of sections and fields)
    │   ├── ParseError            MS100  the bytes are wrong (also a ValueError)
    │   │   ├── Truncated         MS101  the bytes end too early (also an EOFError)
    │   │   ├── NotAStream        MS102  no magic where a stream should begin
    │   │   ├── BadFraming        MS103  a section, footer or command that cannot be
    │   │   ├── BadRam            MS110  a RAM record that cannot be
    │   │   ├── BadSection        MS120  the content of another section
    │   │   └── BadDescription    MS130  the JSON description
    │   ├── BadValue              MS140  a value that its place in a stream cannot hold (also a ValueError)
    │   └── Unsupported           MS200  right, perhaps, but nothing here reads it
    ├── NoSuchPath                MS300  a path that names nothing (also a KeyError)
    ├── NoSuchAddress             MS301  an address or offset that is not guest memory (also a LookupError)
    ├── SourceError               MS400  the file, pipe or disk (also an OSError)
    ├── QemuError                 MS410  a QEMU that was asked does not start or answer
    ├── PluginError               MS420  another package adds what cannot be used
    ├── NoFailure                 MS421  a stream that was to fail does not
    └── OverLimit                 MS430  an object of a fleet took more than it was given

A wrong call raises TypeError or plain ValueError, never one of these. `message` says what, `hint` what to do next (it
may be empty). The docstring of a class is the page that `migstream explain CODE` prints: its first line is the title.
"""

from __future__ import annotations

from typing import ClassVar


class MigstreamError(Exception):
    """migstream failed.

    An error without a kind of its own. Every other code is one of its kinds.
    """

    code: ClassVar[str] = "MS000"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def place(self) -> str:
        """Where it happened, for the start of a line; empty when there is no place."""
        return ""

    def __str__(self) -> str:
        return f"{self.place}{self.message} [{self.code}]"


class StreamError(MigstreamError):
    """An error with a place: `at` is the absolute byte offset, `path` the names that lead there."""

    code = "MS100"
    exit_status = 3

    def __init__(
        self,
        message: str,
        *,
        at: int | None = None,
        path: list[str] | None = None,
        expected: object = None,
        found: object = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.at = at
        self.path = path or []
        self.expected = expected
        self.found = found

    def under(self, segment: str) -> None:
        """Add the enclosing path segment. Called while unwinding, so success pays nothing."""
        self.path.insert(0, segment)

    @property
    def place(self) -> str:
        offset = "" if self.at is None else f"{self.at:#x}"
        where = " ".join(part for part in (offset, "/".join(self.path)) if part)
        return f"{where}: " if where else ""


class ParseError(StreamError, ValueError):
    """The bytes are wrong.

    What stands here cannot stand in a stream. The place is where the reader noticed it; the cause may lie
    before it, mostly a length that was read wrong. Other codes say more exactly what is wrong.
    """


class Truncated(ParseError, EOFError):
    """The bytes end too early.

    Something announces more bytes than the file has: the file is cut off (disk full, an interrupted copy or
    migration), or the length that announces them is damaged. QEMU says `Failed to load DEVICE:FIELD` for the
    field where the bytes end, and `Input/output error` at last. Behind the end marker QEMU does not care.

    Compare the file's size with that of the original; copy it again.
    """

    code = "MS101"


class NotAStream(ParseError):
    """No migration stream begins here.

    A stream begins with 51 45 56 4d (QEVM). QEMU says `Not a migration stream`. The hint says what it is
    instead, where that is known: a container with something in front, a compressed file, another channel.
    """

    code = "MS102"


class BadFraming(ParseError):
    """A section, footer or command that cannot be.

    Between sections stand a type byte, and behind each section a footer with its number. Where they are not
    what they must be, the payload before them is longer or shorter than the source meant it to be, or these
    bytes are damaged. QEMU says `Missing section footer for NAME`, `Mismatched section id in footer`,
    `Unknown savevm section type N` (`Unknown section type N`), or `MIG_CMD ... bad length`.

    Look at the section before this place first.
    """

    code = "MS103"


class BadRam(ParseError):
    """A RAM record that cannot be.

    RAM sections consist of records: a word with an offset and flags, a block's name, contents. A wrong record
    makes all that follows it in the section unreadable. QEMU says `Unknown combination of migration flags`,
    `Can't find block`, `Illegal RAM offset` or `Ack, bad migration stream!`.

    Mostly the record before it is the damaged one: a whole page taken for a zero page, or the other way round.
    """

    code = "MS110"


class BadSection(ParseError):
    """The content of a section is not what its kind allows.

    A device section contradicts the stream's own description or its own name (version, subsection, PCI ids,
    an instance that the description does not list), or a live section other than RAM breaks its format.
    """

    code = "MS120"


class BadDescription(ParseError):
    """The description is damaged.

    The JSON behind the end marker does not parse, or contradicts itself. QEMU does not read it, so the stream
    loads; but nothing can tell the fields of its devices apart any more. `--like OTHER` takes the description
    of another stream of the same machine and QEMU.
    """

    code = "MS130"


class BadValue(StreamError, ValueError):
    """A value that its place cannot hold.

    A value given to `set`, `encode` or the library is too wide for its field, or of another type.
    """

    code = "MS140"  # `path` leads to the place, `expected` and `found` say why
    exit_status = 2

    def under(self, segment: str) -> None:
        """Add the enclosing name; an index that leads the path belongs to it."""
        if self.path and self.path[0].startswith("["):
            self.path[0] = segment + self.path[0]
        else:
            super().under(segment)


class Unsupported(StreamError):
    """Something that migstream does not read.

    The bytes may be right: a section, compression or feature that migstream does not know, or more of
    something than it is ready for. Please report it, with `migstream redact` for the stream.
    """

    code = "MS200"
    exit_status = 4


class NoSuchPath(MigstreamError, KeyError):
    """A path that names nothing.

    No section or value is called so. `migstream ls` and `tree` show the names; docs/paths.md has the grammar.
    """

    code = "MS300"
    exit_status = 2

    __str__ = MigstreamError.__str__


class NoSuchAddress(MigstreamError, LookupError):
    """An address that is not guest memory.

    The address or offset is outside of guest memory, or its contents are not in this stream (shared memory,
    multifd channels, a pipe that was not kept).
    """

    code = "MS301"
    exit_status = 2

    __str__ = MigstreamError.__str__


class SourceError(MigstreamError, OSError):
    """The file, pipe or disk failed.

    The operating system could not open, read or write. The message is its own.
    """

    code = "MS400"
    exit_status = 5
    passing = False  # whether it may well succeed when it is tried again later

    __str__ = MigstreamError.__str__


class QemuError(MigstreamError):
    """A QEMU does not start or answer.

    A verb was told to ask a QEMU (`--to-qemu` and the like), and that program could not be started, ended before
    it answered, or refused its arguments. The message has its own words.

    Start it by hand with the same arguments.
    """

    code = "MS410"
    exit_status = 5


class PluginError(MigstreamError):
    """Another package adds what cannot be used.

    Packages that are installed beside migstream may add section codecs, containers, meanings, rules, exports and
    verbs (docs/extending.md). One of them cannot be imported, or claims a name that belongs to migstream or to a
    third package: which of the two is meant cannot be known.

    The message names the package. Update or uninstall it.
    """

    code = "MS420"
    exit_status = 5


class NoFailure(MigstreamError):
    """A stream that was to fail does not.

    `minimise` looks for the smallest stream that fails as the whole one does. The whole one does not fail, or the
    smallest one failed once and then no more. Nothing is written.

    Run the command by hand on the stream. One that fails only at times has to be told to fail each time, or with
    `--match` what is to be in its output.
    """

    code = "MS421"


class OverLimit(MigstreamError):
    """An object of a fleet took more than it was given.

    `fleet scan` reads each object in a process that has a time (`--limit`) and memory (`--memory`). The one that read
    this object took more of either, or was ended by the system, more than once.

    Look at the object by itself (`migstream info`), or give more.
    """

    code = "MS430"
    exit_status = 5


class NeedData(Exception):
    """Internal: the window ends, the source does not. The driver rolls back and refills."""
