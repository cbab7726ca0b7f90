"""What a QEMU says of itself: its machines, its schema, and a stream of a machine after reset.

It stands still from the start, so the stream is that of a machine as it is before it loads one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from migstream.errors import QemuError
from migstream.qemu.child import Child
from migstream.qemu.process import COMMON, PATIENCE, Qemu, words
from migstream.source.temporary import temporary_folder

__all__ = ["Asked", "ask", "machines", "save", "schema"]

NUMBER = re.compile(r"(\d+)")


class Asked(msgspec.Struct, frozen=True):
    """Files with the answers, as long as the `with` block of `ask` lasts."""

    schema: Path
    stream: Path
    release: tuple[int, ...]


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


def save(command: Sequence[str], arguments: Sequence[str], path: Path) -> tuple[int, ...]:
    """Let it save itself as it was started; its release.

    Raises
    ------
    QemuError : it does not start, or does not save itself
    """
    with Qemu(command, arguments) as guest, path.open("wb") as out:
        guest.execute("migrate", {"uri": guest.give(out.fileno())})
        guest.finish_migration()
        return guest.release[:2]


def schema(command: Sequence[str], arguments: Sequence[str], path: Path) -> None:
    """Let it write its `-dump-vmstate`.

    Raises
    ------
    QemuError : it does not start with these arguments
    """
    try:
        with Child([*command, *arguments, *COMMON, "-dump-vmstate", str(path)]) as child:
            status, said = child.wait(PATIENCE), child.said()
    except OSError as error:
        raise QemuError(f"{command[0]}: {(error.strerror or str(error)).lower()}") from None
    if status is None:
        raise QemuError(f"{command[0]} did not write its schema within {PATIENCE:.0f} s")
    if status or not path.exists():
        raise QemuError(words(said) or f"{command[0]}: ended without a word")


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
        asked = Asked(
            schema=folder / "schema.json",
            stream=folder / "stream.mig",
            release=save(command, arguments, folder / "stream.mig"),
        )
        schema(command, arguments, asked.schema)
        yield asked
