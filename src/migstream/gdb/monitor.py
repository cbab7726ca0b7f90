"""`monitor` commands: what gdb has no command for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from migstream.errors import MigstreamError
from migstream.gdb.guest import Guest
from migstream.names import unescape
from migstream.render.errors import error_lines

__all__ = ["answer"]

MOST = 1 << 20  # characters of an answer
CACHED = "gdb may still have what it read before: maintenance flush dcache"


def answer(guest: Guest, line: str) -> str:
    """What is printed for a command; words of its own where it is wrong."""
    name, _, rest = line.strip().partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        return (
            f"no command {name!r}; `monitor help` lists them\n" if name else _text(_help(guest, ""))
        )
    try:
        return _text(command.run(guest, rest.strip()))
    except MigstreamError as error:
        return _text(error_lines(error, guest.stream.name))


def _text(lines: Iterable[str]) -> str:
    out, size = [], 0
    for line in lines:
        size += len(line) + 1
        if size > MOST:
            out.append("... and more: `migstream get` and `migstream info` print all of it\n")
            break
        out.append(f"{line}\n")
    return "".join(out)


def _help(guest: Guest, _: str) -> Iterator[str]:  # noqa: ARG001
    width = max(len(f"{name} {one.words}") for name, one in COMMANDS.items())
    for name, one in COMMANDS.items():
        yield f"{f'{name} {one.words}':<{width}}  {one.meaning}"


def _info(guest: Guest, _: str) -> Iterator[str]:
    from migstream.render.info import info, info_parts
    from migstream.render.paint import text

    stream = guest.stream
    yield from text(info_parts(info(stream, walked=stream.walked)))


def _get(guest: Guest, path: str) -> Iterator[str]:
    from migstream.places import places
    from migstream.render.values import is_several, place_line

    if not path:
        yield "get what? A path, as `migstream tree` lists them"
        return
    name = unescape(path)
    found = list(places(guest.stream, name))
    several = is_several(name) or len(found) > 1
    for place in found:
        label = place.path if several else ""
        yield place_line(guest.stream, place, label, hexadecimal=False, where=False)


def _round(guest: Guest, word: str) -> Iterator[str]:
    count = guest.stream.ram.round_count
    if word == "end":
        guest.show_round(None)
    elif word.isascii() and word.isdecimal() and len(word) < 10:
        guest.show_round(int(word))
    elif word:
        yield f"{word!r} is no round: they are 1 to {count}, or `end`"
        return
    shown = f"after dirty round {guest.round} of {count}" if guest.round else "at its end"
    yield f"memory as it was {shown}; registers are those of the end"
    if word:
        yield CACHED


def _physical(guest: Guest, word: str) -> Iterator[str]:
    guest.physical_mode = {"on": True, "off": False}.get(word, guest.physical_mode)
    kind = "guest-physical" if guest.physical_mode else "virtual"
    yield f"addresses are {kind}"
    if word:
        yield CACHED


class Command(NamedTuple):
    """What it does, how it is called beyond its name, and what that means."""

    run: Callable[[Guest, str], Iterator[str]]
    words: str
    meaning: str


COMMANDS = {
    "info": Command(_info, "", "what the stream is, as `migstream info` says it"),
    "get": Command(_get, "PATH", "a value of the device state, as `migstream get`"),
    "round": Command(_round, "[N|end]", "memory as it was after dirty round N; registers stay"),
    "physical": Command(_physical, "[on|off]", "addresses are guest-physical, or virtual"),
    "help": Command(_help, "", "these commands"),
}
