"""Commands of a stream: which release knows which, and in which order and with which capabilities they are taken.

References
----------
QEMU, migration/savevm.c: mig_cmd_args, loadvm_process_command, loadvm_postcopy_handle_advise,
loadvm_postcopy_handle_listen, loadvm_postcopy_handle_run, loadvm_postcopy_ram_handle_discard,
loadvm_handle_cmd_packaged, process_incoming_colo
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from migstream.analysis.compat.model import Problem
from migstream.wire.frames import COMMANDS
from migstream.wire.model import Command, flat

if TYPE_CHECKING:
    from migstream.analysis.compat.framing import Sides
    from migstream.qemu.release import Version
    from migstream.stream import Stream

__all__ = ["SWITCHOVER_START", "command_problems", "commands_of"]

OPEN_RETURN_PATH, PING, ADVISE, LISTEN, RUN, DISCARD = range(1, 7)
ENABLE_COLO, SWITCHOVER_START = 8, 11
COMMAND_SINCE: dict[int, Version] = {SWITCHOVER_START: (10, 0)}
COLO_GONE: Version = (11, 1)  # the command, not COLO
COLO_CHECKED: Version = (8, 1)  # older ones become a secondary without being asked
# States of postcopy (migration/savevm.h: PostcopyState), and those in which a command is taken.
NONE, ADVISED, DISCARDING, LISTENING, RUNNING = range(5)
TAKEN_IN = {
    ADVISE: ((NONE,), ADVISED),
    DISCARD: ((ADVISED, DISCARDING), DISCARDING),
    LISTEN: ((ADVISED, DISCARDING), LISTENING),
    RUN: ((LISTENING,), RUNNING),
}
TOO_EARLY = {  # what is said of one that comes in another state
    ADVISE: "advise",
    DISCARD: "discard",
    LISTEN: "postcopy-order/listen",
    RUN: "postcopy-order/run",
}


def command_problems(frame: Sides, commands: Sequence[Command]) -> Iterator[Problem]:
    """Commands in their order, as the destination comes to them."""
    state, answered = NONE, False
    for item in commands:
        yield from _known(frame, item)
        if item.command == OPEN_RETURN_PATH:
            answered = True
        elif item.command == PING and not answered:
            yield _refused(
                frame,
                item,
                "a PING, and nothing before it opened the way back",
                frame.words.say("ping", value=int(item.value)),
                errno="EPERM",
                hint="the command OPEN_RETURN_PATH was taken out of this stream",
            )
        elif item.command in TAKEN_IN:
            before, after = TAKEN_IN[item.command]
            if state not in before:
                yield _refused(
                    frame,
                    item,
                    f"the command {item.name} comes when postcopy is not ready for it",
                    frame.words.say(TOO_EARLY[item.command], state=state),
                    errno="EPERM",
                )
                return
            state = after
            if item.command == ADVISE:
                yield from _advise(frame, item)


def _refused(
    frame: Sides, item: Command, message: str, line: str, errno: str = "EINVAL", hint: str = ""
) -> Problem:
    return frame.problem("command", item.span, message, frame.words.plain(line, errno), hint=hint)


def _known(frame: Sides, item: Command) -> Iterator[Problem]:
    """Commands that the destination's release does not have, or no longer."""
    release = frame.destination.release
    since = COMMAND_SINCE.get(item.command)
    unknown = item.command not in COMMANDS
    if unknown or (since is not None and release.until(since)):
        yield _refused(
            frame,
            item,
            f"the destination does not know the command {item.name}",
            frame.words.say("unknown-command", command=item.command, length=item.payload.size),
            hint="no QEMU up to 11.1 has it"
            if unknown
            else "`migstream convert --to-machine` leaves out what a machine type does not have",
        )
    elif item.command == ENABLE_COLO:
        yield from _colo(frame, item)


def _colo(frame: Sides, item: Command) -> Iterator[Problem]:
    release = frame.destination.release
    if release.since(COLO_GONE):
        yield _refused(
            frame,
            item,
            f"the destination no longer takes the command {item.name}",
            frame.words.say("deprecated-command", command=item.command, length=item.payload.size),
            hint="COLO is no longer announced by a command: make the stream with a newer QEMU",
        )
    elif not release.until(COLO_CHECKED) and not (
        frame.destination.on("x-colo")
        or any(c.command == ENABLE_COLO for c in commands_of(frame.other))
    ):
        yield _refused(
            frame,
            item,
            "the stream is one of COLO, and the capability x-colo is off on the destination",
            frame.words.say("deprecated-command"),
            hint="migrate_set_capability x-colo on (tell compat with --cap x-colo)",
        )


def _advise(frame: Sides, item: Command) -> Iterator[Problem]:
    """The announcement of postcopy: of RAM where it has page sizes, else of dirty bitmaps alone."""
    theirs = next((c for c in commands_of(frame.other) if c.command == ADVISE), None)
    ram = bool(item.payload.size)
    on = frame.destination.on("postcopy-ram") or (theirs is not None and bool(theirs.payload.size))
    if ram and not on:
        yield _refused(
            frame,
            item,
            "the stream announces postcopy, and the capability postcopy-ram is off on the destination",
            frame.words.say("advise-capability/off"),
            hint="migrate_set_capability postcopy-ram on (tell compat with --cap postcopy-ram);"
            " `migstream convert` leaves the announcement out",
        )
    elif on and not ram:
        yield _refused(
            frame,
            item,
            "the stream announces postcopy of dirty bitmaps alone, and the capability postcopy-ram is"
            " on at the destination",
            frame.words.say("advise-capability/on"),
            hint="migrate_set_capability postcopy-ram off",
        )
    elif ram and theirs is not None and theirs.payload.size and theirs.value != item.value:
        yield _page_sizes(frame, item, theirs)


def _page_sizes(frame: Sides, item: Command, theirs: Command) -> Problem:
    """Sizes of pages, where the destination's own stream announces other ones."""
    (mine, page), (local, there) = item.value, theirs.value
    line = (
        frame.words.say("advise-pages/memory", received=mine, local=local)
        if mine != local
        else frame.words.say("advise-pages/target", received=page, local=there)
    )
    return _refused(
        frame,
        item,
        "the pages behind the memory of the two sides have other sizes",
        line,
        errno="EPERM",
        hint="back it by pages of the same size: postcopy needs that",
    )


def commands_of(stream: Stream | None) -> list[Command]:
    """Commands of a stream's head."""
    return [i for i in flat(stream.head) if isinstance(i, Command)] if stream is not None else []
