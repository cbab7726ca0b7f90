"""QEMU's load-side messages of all releases, as data: wording, what it means, why, where to look.

One table for each part of QEMU that prints them; `table` has them all, `silent` what QEMU refuses without a
word, `model` what a message is. `say` gives the text of one, `recognise` finds them in a text. The tables are
read when the first message is said or recognised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migstream.qemu.release import Bounds

__all__ = ["opening", "say"]


def say(name: str, release: Bounds | None = None, /, **values: int | str) -> str:
    """The text that a release prints.

    Parameters
    ----------
    name : the message's; `name/variant` where its wordings say different things
    release : None for the newest that says it. Where it is open, a wording counts that it certainly has
        and not certainly no longer; where there is none, one that it can have
    values : what the wording has in braces, and what a release may have; text is put in as it stands, numbers
        in the wording's form

    Raises
    ------
    LookupError : no wording has these values in such a release
    """
    from migstream.qemu.words.model import formatted
    from migstream.qemu.words.table import wording

    return formatted(wording(name, release, frozenset(values)).text, values)


def opening(name: str) -> str:
    """How a message begins: its first wording up to its first value."""
    from migstream.qemu.words.model import TOKEN
    from migstream.qemu.words.table import MESSAGES

    text = next(m.wordings[0].text for m in MESSAGES if m.name == name)
    return text[: found.start()] if (found := TOKEN.search(text)) else text
