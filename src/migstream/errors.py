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
    ├── NoSuchAddress             MS301  an address or offset that is no guest memory (also a LookupError)
    ├── SourceError               MS400  the file, pipe or disk (also an OSError)
    ├── QemuError                 MS410  a QEMU that was asked does not start or answer
    ├── PluginError               MS420  another package adds what cannot be used
    └── NoFailure                 MS421  a stream that was to fail does not

A wrong call raises TypeError or plain ValueError, never one of these.
"""

from __future__ import annotations

from typing import ClassVar


class MigstreamError(Exception):
    """Base of all: `message` says what, `hint` says what to do next (may be empty)."""

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
    """The bytes are wrong."""


class Truncated(ParseError, EOFError):
    """The bytes end before what they announce."""

    code = "MS101"


class NotAStream(ParseError):
    """No migration stream begins here."""

    code = "MS102"


class BadFraming(ParseError):
    """A section type, header, footer or command that no QEMU writes."""

    code = "MS103"


class BadRam(ParseError):
    """A RAM record that no QEMU writes."""

    code = "MS110"


class BadSection(ParseError):
    """The content of a live or old-style section is not what its kind allows."""

    code = "MS120"


class BadDescription(ParseError):
    """The JSON description does not parse, or contradicts itself."""

    code = "MS130"


class BadValue(StreamError, ValueError):
    """A value that its place cannot hold; `path` leads to it, `expected` and `found` say why."""

    code = "MS140"
    exit_status = 2

    def under(self, segment: str) -> None:
        """Add the enclosing name; an index that leads the path belongs to it."""
        if self.path and self.path[0].startswith("["):
            self.path[0] = segment + self.path[0]
        else:
            super().under(segment)


class Unsupported(StreamError):
    """Something that may well be right, but that migstream does not read."""

    code = "MS200"
    exit_status = 4


class NoSuchPath(MigstreamError, KeyError):
    """A path that names no section and no value."""

    code = "MS300"
    exit_status = 2

    __str__ = MigstreamError.__str__


class NoSuchAddress(MigstreamError, LookupError):
    """An address, or an offset in a block, that is no guest memory, or whose contents are elsewhere."""

    code = "MS301"
    exit_status = 2

    __str__ = MigstreamError.__str__


class SourceError(MigstreamError, OSError):
    """The file, pipe or disk failed."""

    code = "MS400"
    exit_status = 5

    __str__ = MigstreamError.__str__


class QemuError(MigstreamError):
    """A QEMU that was run does not start, refuses a command, or ends."""

    code = "MS410"
    exit_status = 5


class PluginError(MigstreamError):
    """What another package adds cannot be imported, or has a name that is taken."""

    code = "MS420"
    exit_status = 5


class NoFailure(MigstreamError):
    """A stream that was to fail does not, or not each time: there is nothing smaller to look for."""

    code = "MS421"


class NeedData(Exception):
    """Internal: the window ends, the source does not. The driver rolls back and refills."""
