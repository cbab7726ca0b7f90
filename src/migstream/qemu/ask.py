"""What a QEMU says of itself: its machines, its schema, and a stream of a machine after reset.

It stands still from the start, so the stream is that of a machine as it is before it loads one.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from migstream.errors import QemuError
from migstream.qemu.child import Child
from migstream.qemu.process import COMMON, PATIENCE, Qemu, words
from migstream.qemu.release import Version
from migstream.source.temporary import temporary_folder

__all__ = ["Asked", "ask", "machines", "save", "schema"]

# Where a schema is written, when a path of ours is none of the QEMU's.
STDOUT = "/dev/stdout"
TEMPORARY = "tmp"
BEGIN = b"{"
NUMBER = re.compile(r"(\d+)")


class Asked(msgspec.Struct, frozen=True):
    """Files with the answers, as long as the `with` block of `ask` lasts.

    `capabilities` are those of migration that it has, and whether its arguments switch each on.
    """

    schema: Path
    stream: Path
    release: Version
    capabilities: Mapping[str, bool]


def machines(command: Sequence[str]) -> list[str]:
    """Machine types that it has, without other names for them, sorted as people count.

    Raises
    ------
    QemuError : it does not start, or does not answer
    """
    with Qemu(command, ["-M", "none"]) as guest:
        found = {str(machine["name"]) for machine in guest.execute("query-machines")}
    return sorted(found - {"none"}, key=_counted)


def _counted(name: str) -> list[tuple[int, str]]:
    """Numbers inside a name as numbers: 2.9 comes before 2.10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in NUMBER.split(name)]


def save(command: Sequence[str], arguments: Sequence[str], path: Path) -> Version:
    """Let it save itself as it was started; its release.

    Raises
    ------
    QemuError : it does not start, or does not save itself
    """
    return _saved(command, arguments, path)[0]


def _saved(
    command: Sequence[str], arguments: Sequence[str], path: Path
) -> tuple[Version, dict[str, bool]]:
    """Let it save itself; its release, and its capabilities.

    Those that its arguments switch on are off meanwhile: they may need more than one file.
    """
    with Qemu(command, arguments) as guest, path.open("wb") as out:
        found = guest.capabilities()
        guest.set_capabilities([name for name, on in found.items() if on], on=False)
        guest.execute("migrate", {"uri": guest.give(out.fileno())})
        guest.finish_migration()
        return guest.release[:2], found


def schema(command: Sequence[str], arguments: Sequence[str], path: Path) -> None:
    """Let it write its `-dump-vmstate`.

    It takes a path only, and may stand behind a wrapper that does not see ours: then its standard output is
    that path, or, in a root without that, a file in the root's own folder for temporary files.

    Raises
    ------
    QemuError : it does not start with these arguments

    References
    ----------
    QEMU, system/vl.c: qemu_init (fopen; no open file that it inherits has a path without /proc)
    """
    for place in (str(path), STDOUT):
        if _dumped(command, arguments, place, path):
            return
    with Qemu(command, ["-M", "none"]) as guest:
        root = guest.root()
    inside = None if root is None else root / TEMPORARY
    if root is None or inside is None or not inside.resolve().is_relative_to(root):
        raise QemuError(
            f"{command[0]} wrote its schema where nobody finds it: neither to {path}, nor to {STDOUT}",
            hint="let the wrapper show it the folder for temporary files (TMPDIR), or /proc",
        )
    with temporary_folder(inside) as folder:
        there = folder / path.name
        if not _dumped(command, arguments, f"/{there.relative_to(root)}", there):
            raise QemuError(f"{command[0]} writes no file below {inside}")
        shutil.copyfile(there, path)


def _dumped(command: Sequence[str], arguments: Sequence[str], place: str, path: Path) -> bool:
    """Let it write its schema to a place; whether it is at a path of ours then."""
    start = [*command, *arguments, *COMMON, "-dump-vmstate", place]
    try:
        with path.open("wb") as out:
            stdout = out.fileno() if place == STDOUT else None
            with Child(start, stdout=stdout) as child:
                status, said = child.wait(PATIENCE), child.said()
    except OSError as error:
        raise QemuError(f"{command[0]}: {(error.strerror or str(error)).lower()}") from None
    if status is None:
        raise QemuError(f"{command[0]} did not write its schema within {PATIENCE:.0f} s")
    with path.open("rb") as file:
        begin = file.read(len(BEGIN))
    if begin == BEGIN and not status:
        return True
    if status and f"open {place}: " not in said:
        raise QemuError(words(said) or f"{command[0]}: ended without a word")
    return False


@contextmanager
def ask(command: Sequence[str], arguments: Sequence[str]) -> Iterator[Asked]:
    """Ask it for its schema and a stream.

    Parameters
    ----------
    command : a path or name, or a wrapper and what it runs
    arguments : as it will be started for the load, without `-incoming`

    Raises
    ------
    QemuError : it does not start, or does not answer
    """
    with temporary_folder() as folder:
        release, capabilities = _saved(command, arguments, folder / "stream.mig")
        asked = Asked(
            schema=folder / "schema.json",
            stream=folder / "stream.mig",
            release=release,
            capabilities=capabilities,
        )
        schema(command, arguments, asked.schema)
        yield asked
