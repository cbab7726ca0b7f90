"""What is registered: one handler for each section, of one of three kinds.

QEMU, migration/savevm.c (SaveStateEntry), include/migration/register.h (SaveVMHandlers).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any, Protocol

import msgspec

from migstream.vmstate.declared.interpreter import VMStateDescription
from migstream.vmstate.declared.snapshot import snapshot
from migstream.wire.cursor import Cursor
from migstream.wire.model import SectionType

__all__ = ["Handler", "Live"]


class Live(Protocol):
    """A handler that saves in rounds while the machine runs (SaveVMHandlers)."""

    version: int

    def pending(self) -> int:
        """Bytes that are to be sent, about."""
        ...

    def save_setup(self, out: Any, /) -> None:
        """Write the payload of START."""
        ...

    def save_iterate(self, out: Any, /) -> None:
        """Write the payload of a PART."""
        ...

    def save_complete(self, out: Any, /) -> None:
        """Write the payload of END: all that is left; the machine stands still."""
        ...

    def load(self, cur: Cursor, kind: SectionType, version: int, /) -> None:
        """Read one payload, up to its own end and no further.

        Where its bytes come in pieces, NeedData may be raised out of the cursor: what was done is
        undone (`keep`), and it is called again when there are more. A handler of large sections
        commits (``cur.commit()``) after each record that it has taken, and goes on behind it.
        """
        ...

    def keep(self) -> AbstractContextManager[None]:
        """Puts back the state of now when it is left by an error; one may stand inside another."""
        ...


class Handler(msgspec.Struct, frozen=True, kw_only=True):
    """One registration (SaveStateEntry). Exactly one of `description`, `save` and `live` is set."""

    idstr: str
    instance_id: int
    alias_id: int | None
    compat: tuple[str, int] | None
    section_id: int
    version: int
    priority: int = 0
    description: VMStateDescription | None = None
    subject: Any = None
    save: Callable[[], bytes] | None = None
    load: Callable[[Cursor, int], None] | None = None
    live: Live | None = None

    def answers(self, idstr: str, instance_id: int) -> bool:
        """Whether a section of that name is this one's (find_se)."""
        if idstr == self.idstr and instance_id in {self.instance_id, self.alias_id}:
            return True
        return (
            self.compat is not None
            and idstr == self.compat[0]
            and (instance_id in {self.compat[1], self.alias_id})
        )

    @property
    def early(self) -> bool:
        return self.description is not None and self.description.early_setup

    @property
    def needed(self) -> bool:
        return self.description is None or self.description.is_needed(self.subject)

    def keep(self) -> AbstractContextManager[None]:
        """Puts back the state of now when it is left by an error."""
        if self.live is not None:
            return self.live.keep()
        if self.description is not None:
            return _undone(snapshot(self.description, self.subject))
        assert self.save is not None
        assert self.load is not None
        return _undone(partial(self.load, Cursor(self.save()), self.version))


@contextmanager
def _undone(restore: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        restore()
        raise
