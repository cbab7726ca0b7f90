"""YARA rules over guest memory; yara-python is the extra `yara`.

A rule is judged on a window at a time: MEMORY bytes, and AROUND bytes before and behind them. So
strings that lie no farther apart than these are seen together wherever they lie, and what counts
from the beginning of a file (`at 0`, `uint16(0)`, `filesize`) is that of a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from migstream.errors import Unsupported
from migstream.machine.search import Hit
from migstream.machine.windows import Blocks, Gap, Segment, windows

__all__ = ["Match", "Rules", "compile_rules"]

MEMORY = 8 << 20
AROUND = 1 << 20


class Match(Hit, frozen=True):
    """Bytes that a string of a rule stands for, where the rule is true."""

    rule: str
    string: str

    @property
    def label(self) -> str:
        return f"{self.rule} {self.string}"


class Rules:
    """Rules that are compiled.

    Attributes
    ----------
    crowded : strings of rules, with their names, that matched so often in one window that YARA left some out
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self.crowded: set[tuple[str, str]] = set()

    def search(
        self,
        segments: Iterable[Segment],
        blocks: Blocks,
        missed: Callable[[Gap], None] = lambda _: None,
        tell: Callable[[int], object] = lambda _: None,
        window: int = MEMORY,
        around: int = AROUND,
    ) -> Iterator[Match]:
        """What the strings of true rules match, ascending; as `machine.search.search` otherwise.

        Parameters
        ----------
        window, around : bytes on which rules are judged, and so many on either side
        """
        for one in windows(segments, blocks, window, around, around, missed, tell, before=around):
            view, base = one.view, one.base
            found = sorted(
                (base + at, rule, string, size)
                for rule, string, at, size in self._matches(view)
                if one.start <= base + at < one.stop
            )
            for place, rule, string, size in found:
                data = bytes(view[place - base : place - base + size])
                yield Match(one.address(place), data, "yara", rule, string)

    def _matches(self, view: memoryview) -> Iterator[tuple[str, str, int, int]]:
        """Rule, string, place and size."""
        import yara

        def warned(kind: int, about: Any) -> int:
            if kind == yara.CALLBACK_TOO_MANY_MATCHES:
                self.crowded.add((about.rule, about.string))
            return int(yara.CALLBACK_CONTINUE)

        try:
            matches = self._compiled.match(data=view, warnings_callback=warned)
        except yara.Error as error:
            raise Unsupported(f"YARA ends: {error}", hint="the rules ask too much of it") from None
        for match in matches:
            for string in match.strings:
                for one in string.instances:
                    yield match.rule, string.identifier, one.offset, one.matched_length


def compile_rules(paths: Sequence[str]) -> Rules:
    """Rules of some files, each of which is a namespace of its own.

    Raises
    ------
    Unsupported : yara-python is not installed
    ValueError : these are no rules
    """
    try:
        import yara
    except ImportError:
        raise Unsupported(
            "YARA rules need yara-python, which is not installed",
            hint="pip install 'migstream[yara]'; --find, --text and --regex need nothing",
        ) from None
    try:
        return Rules(yara.compile(filepaths={path: path for path in paths}))
    except (yara.Error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
