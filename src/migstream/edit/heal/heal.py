"""`heal`: the way out for a stream that a destination does not take.

found = migstream.heal("guest.mig", "10.0", ["-M", "pc-i440fx-7.2", "-m", "4G", "-device", "virtio-net-pci"])
found.changes, found.arguments
healed_edit("guest.mig", found).save("healed.mig")
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from migstream._version import __version__
from migstream.analysis.compat.destination import as_destination
from migstream.analysis.compat.foretell import guest_architecture, started
from migstream.catalogue.shelf import find, nearest
from migstream.edit.heal.commandline import parse_line
from migstream.edit.heal.judge import RealJudge
from migstream.edit.heal.model import Healed
from migstream.edit.heal.play import AsItIs, Player, RealQemu, Shelved
from migstream.edit.heal.search import Told, search
from migstream.edit.heal.streams import altered
from migstream.errors import Unsupported
from migstream.stream import as_stream

if TYPE_CHECKING:
    from migstream.analysis.compat.destination import Destination
    from migstream.edit.change import Edit
    from migstream.qemu.release import Version
    from migstream.source.opened import Openable
    from migstream.stream import Stream

__all__ = ["heal", "healed_edit"]

PLAYS = 120
SELF = f"migstream {__version__} heal"


def heal(
    stream: Stream | Openable,
    release: Version | str | None = None,
    arguments: Sequence[str] = (),
    *,
    to: Destination | Stream | Openable | None = None,
    qemu: str | Sequence[str] | None = None,
    capabilities: Collection[str] = (),
    verify: bool = False,
    plays: int = PLAYS,
    folder: str | os.PathLike[str] | None = None,
    domain: str | None = None,
    told: Told = lambda *_: None,
) -> Healed:
    """The smallest set of changes after which a stream is foretold to load: of the destination's options first, then of it.

    Parameters
    ----------
    stream : a Stream, all of whose bytes are at hand, or whatever `open` takes
    release : of the catalogue, (10, 0) or a name
    arguments : with which the destination is started
    to : in place of a release: a stream of the destination, or its `-dump-vmstate` file; its options cannot be changed
    qemu : in place of a release: a QEMU that is started with these arguments, and asked
    capabilities : of migration, that are on there
    verify : whether the QEMU has the last word: it is given the stream, and where it refuses its words are the next problem
    plays : how often the load may be foretold
    folder, domain : as `compat` has them: of catalogues, the XML of the domain that is started
    told : hears of each play, and of what it came to: a problem, or whether it loads

    Raises
    ------
    ValueError : it is not said where to, or more than once
    Unsupported : the catalogue has no such release or machine; the stream is a pipe, or has channels besides
    QemuError : the QEMU does not start with these arguments, or does not answer
    """
    if sum(one is not None for one in (release, to, qemu)) != 1:
        raise ValueError("say where to, once: a release, what is known of a destination, or a QEMU")
    with ExitStack() as stack:
        source = stack.enter_context(as_stream(stream, spool=True))
        words = tuple(arguments)
        player: Player
        if to is not None:
            player = AsItIs(stack.enter_context(as_destination(to)))
        elif qemu is not None:
            player = _real([qemu] if isinstance(qemu, str) else qemu, source, capabilities, folder)
        else:
            assert release is not None  # one of the three is given
            how = started(source, arguments, domain)
            words = how.arguments
            catalogue = find(release, guest_architecture(source), folder)
            player = Shelved(catalogue, capabilities, how)
        judge = RealJudge(player, capabilities) if verify else None
        found = search(source, parse_line(words), player, plays=plays, judge=judge, told=told)
        return found if player.starts else msgspec.structs.replace(found, line=None)


def _real(
    command: Sequence[str],
    stream: Stream,
    capabilities: Collection[str],
    folder: str | os.PathLike[str] | None,
) -> RealQemu:
    """A QEMU, with the catalogue of its release, or of the one that is nearest to it."""
    from migstream.qemu.process import Qemu

    with Qemu(command, ["-M", "none"]) as guest:
        release = guest.release[:2]
    try:
        catalogue = nearest(release, guest_architecture(stream), folder)
    except Unsupported:
        catalogue = None
    return RealQemu(command, catalogue, release, capabilities)


def healed_edit(stream: Stream | Openable, found: Healed) -> Edit:
    """The stream with the changes that were found for it, to be saved; its description says who made them.

    Raises
    ------
    Unsupported : one of them cannot be made
    """
    edit = altered(stream, found.alters)
    told = [one.what for one in found.changes if one.alters]
    if told:
        edit.bench.description.sign(SELF, told)
    return edit
