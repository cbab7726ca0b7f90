"""SaveVM: the registry of everything that a machine saves.

QEMU, migration/savevm.c: vmstate_register_with_alias_id, register_savevm_live.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO

from migstream.qemu.release import Bounds, parse
from migstream.savevm.configuration import (
    VALIDATED,
    Capabilities,
    ConfigurationState,
    PageBits,
    Uuid,
)
from migstream.savevm.handlers import Handler, Live
from migstream.savevm.incoming import Incoming
from migstream.savevm.outgoing import Outgoing
from migstream.savevm.pieces import pieces
from migstream.vmstate.declared.classes import VMState
from migstream.vmstate.declared.interpreter import VMStateDescription
from migstream.vmstate.declared.written import release as release_of
from migstream.wire.cursor import Cursor

__all__ = ["SaveVM"]


class SaveVM:
    """Everything that a machine saves.

    Parameters
    ----------
    machine : name of the machine type; None writes and expects no configuration, as machine types
        up to 2.3 do
    page_size : target page size in bytes, for the description
    release : the QEMU whose way of writing is followed, such as "7.2" or "10.0"
    footers : sections end with a footer (machine types from 2.4 on)
    suppress_vmdesc : write no description
    page_bits, capabilities, uuid : what the configuration says beside the name, where not None
        or empty; checked when loading. Capabilities are those that a stream records:
        `x-ignore-shared`, `mapped-ram`
    switchover_start : send that command before the last sections; what `release` does by default
    """

    def __init__(
        self,
        machine: str | None,
        *,
        page_size: int = 4096,
        release: str = "7.2",
        footers: bool = True,
        suppress_vmdesc: bool = False,
        page_bits: int | None = None,
        capabilities: Sequence[str] = (),
        uuid: bytes | None = None,
        switchover_start: bool | None = None,
    ) -> None:
        unknown = set(capabilities) - set(VALIDATED)
        if unknown:
            raise ValueError(f"no stream records {', '.join(sorted(unknown))}")
        self.machine = machine
        self.page_size = page_size
        self.release = release_of(release)
        self.words = Bounds.of(parse(release))  # whose words errors of a load have
        self.footers = footers
        self.suppress_vmdesc = suppress_vmdesc
        self.page_bits = page_bits
        self.capabilities = tuple(capabilities)
        self.uuid = uuid
        self.switchover_start = (
            self.release.switchover_start if switchover_start is None else switchover_start
        )
        self._handlers: list[Handler] = []
        self._next_section = 0

    # --- registration ------------------------------------------------------------------------

    def register(
        self,
        subject: Any,
        *,
        description: VMStateDescription | None = None,
        path: str = "",
        instance_id: int | None = None,
        alias_id: int | None = None,
        section_id: int | None = None,
    ) -> None:
        """Save `subject` in a section of its own (vmstate_register_with_alias_id).

        Parameters
        ----------
        description : where `subject` is not a VMState that has its own
        path : of the device, such as ``0000:00:03.0``; comes before the name in the stream. A
            section under the bare name is loaded too
        instance_id : tells sections of one name apart; the next free one by default
        alias_id : another number under which the section is loaded
        section_id : its number in the stream; the next one by default
        """
        description = subject.vmstate if description is None else description
        idstr = f"{path}/{description.name}" if path else description.name
        compat = None
        if path:
            compat = description.name, self._instance(description.name, instance_id, compat=True)
            instance_id = None
        self._insert(
            idstr,
            instance_id,
            section_id,
            alias_id=alias_id,
            compat=compat,
            version=description.version_id,
            priority=description.priority,
            description=description,
            subject=subject,
        )

    def register_old_style(
        self,
        name: str,
        save: Callable[[], bytes],
        load: Callable[[Cursor, int], None],
        *,
        version: int = 1,
        instance_id: int | None = None,
        section_id: int | None = None,
    ) -> None:
        """Save bytes that only the device knows how to read; described as one `data` buffer.

        `load` gets a cursor and the section's version. To undo it, what `save` gave before is
        loaded again.
        """
        self._insert(name, instance_id, section_id, version=version, save=save, load=load)

    def register_live(
        self,
        name: str,
        live: Live,
        *,
        instance_id: int | None = None,
        section_id: int | None = None,
    ) -> None:
        """Save in rounds: START, PARTs and END (register_savevm_live)."""
        if section_id is None:
            # a QEMU that loads PART 0 takes it for any device that has not had its section yet
            section_id = max(self._next_section, 1)
        self._insert(name, instance_id, section_id, version=live.version, live=live)

    def _insert(
        self, idstr: str, instance_id: int | None, section_id: int | None, **rest: Any
    ) -> None:
        if not 0 < len(idstr.encode("utf-8", "surrogateescape")) < 256:
            raise ValueError(f"the name of a section has 1 to 255 bytes: {idstr!r}")
        handler = Handler(
            idstr=idstr,
            instance_id=self._instance(idstr, instance_id),
            section_id=self._next_section if section_id is None else section_id,
            **({"alias_id": None, "compat": None} | rest),
        )
        if any(each.answers(handler.idstr, handler.instance_id) for each in self._handlers):
            raise ValueError(
                f"Detected duplicate SaveStateEntry: id={idstr}, "
                f"instance_id={handler.instance_id:#x}"
            )
        if any(each.section_id == handler.section_id for each in self._handlers):
            raise ValueError(f"{idstr}: section id {handler.section_id} is taken")
        self._next_section = max(self._next_section, handler.section_id + 1)
        self._handlers.append(handler)
        self._handlers.sort(key=lambda each: -each.priority)  # stable: then by registration

    def _instance(self, name: str, wanted: int | None, *, compat: bool = False) -> int:
        """The number asked for, or the next free one (calculate_new_instance_id)."""
        if wanted is not None:
            return wanted
        pairs = (
            each.compat if compat else (each.idstr, each.instance_id) for each in self._handlers
        )
        return max((pair[1] + 1 for pair in pairs if pair and pair[0] == name), default=0)

    @property
    def sections(self) -> list[tuple[str, int]]:
        """Name and instance id of everything registered, in the order of the stream."""
        return [(each.idstr, each.instance_id) for each in self._handlers]

    # --- save ----------------------------------------------------------------------------------

    def begin(self, sink: Any) -> Outgoing:
        """Write what comes before the rounds, and return the stream to go on with."""
        return Outgoing(self, sink, self._handlers)

    def save(self, to: Any, *, replace: bool = False) -> None:
        """Write the whole stream, the machine standing still.

        Parameters
        ----------
        to : a path, or anything with ``write(bytes)``. The file of a path is there whole or not at
            all; a new one may be read by its owner only
        replace : whether a plain file that is there may be replaced

        Raises
        ------
        SourceError : something is there already, or it cannot be written
        """
        if not isinstance(to, str | os.PathLike):
            self._save(to)
            return
        from migstream.source.output import new_file

        with new_file(to, replace=replace) as fd, os.fdopen(fd, "wb", closefd=False) as file:
            self._save(file)

    def _save(self, sink: Any) -> None:
        stream = self.begin(sink)
        while stream.pending():
            stream.iterate()
        stream.complete()

    def configuration(self) -> VMState | None:
        """The configuration to write, None where there is none."""
        if self.machine is None:
            return None
        name = self.machine.encode("utf-8", "surrogateescape")
        names = list(self.capabilities)
        return ConfigurationState(
            len=len(name),
            machine=name,
            page_bits=PageBits(target_page_bits=self.page_bits) if self.page_bits else None,
            capabilities=Capabilities(caps_count=len(names), capabilities=names) if names else None,
            uuid=Uuid(uuid=list(self.uuid)) if self.uuid else None,
        )

    # --- load ----------------------------------------------------------------------------------

    @contextmanager
    def loading(self) -> Iterator[Incoming]:
        """A stream to feed, piece by piece: ``feed(bytes)`` until ``done``.

        Left without an end marker, or by any error, every object is as it was.

        Raises
        ------
        StreamError : what QEMU would refuse, in its words
        """
        with ExitStack() as kept:
            stream = Incoming(self, self._handlers, kept)
            yield stream
            if not stream.done:
                stream.end()

    def load(
        self,
        source: bytes | memoryview | Cursor | str | os.PathLike[str] | BinaryIO | Iterable[bytes],
    ) -> None:
        """Load a stream, up to its end marker; what follows is not looked at.

        Parameters
        ----------
        source : a path, a file, the bytes, a cursor at the first of them, or pieces of them, such
            as reads from a socket

        Raises
        ------
        StreamError : what QEMU would refuse, in its words. Then every object is as it was
        SourceError : the file cannot be read
        """
        if isinstance(source, bytes | memoryview | Cursor):
            cur = source if isinstance(source, Cursor) else Cursor(source)
            with ExitStack() as kept:
                stream = Incoming(self, self._handlers, kept)
                while not stream.step(cur):
                    pass
            return
        with pieces(source) as all_of_it, self.loading() as stream:
            for piece in all_of_it:
                stream.feed(piece)
                if stream.done:
                    break
