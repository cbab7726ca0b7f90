"""What was found: one of each cause is kept, the smallest stream that has it, with how to see it again."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

from fuzz.case import Found

__all__ = ["Findings", "known"]

KNOWN = tuple(
    line
    for line in Path(__file__).with_name("known.txt").read_text().splitlines()
    if line and not line.startswith("#")
)


def known(key: str) -> bool:
    """Whether a cause is known already, and waits to be mended."""
    return key.startswith(KNOWN)


class Findings:
    """Faults by cause, in memory and in a folder that is made when there is the first.

    Parameters
    ----------
    folder : where streams and texts go: `NAME.mig`, `NAME.txt`
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._smallest: dict[str, int] = {}
        self.counts: Counter[str] = Counter()

    def add(self, found: Found) -> bool:
        """Enter one; whether its cause is new."""
        key = found.fault.key
        self.counts[key] += 1
        new = key not in self._smallest
        if new or len(found.data) < self._smallest[key]:
            self._smallest[key] = len(found.data)
            self._write(found)
        return new

    @property
    def unknown(self) -> list[str]:
        """The causes that nobody knew of."""
        return [key for key in self.counts if not known(key)]

    def _write(self, found: Found) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(found.fault.key.encode()).hexdigest()[:10]
        (self._folder / f"{name}.mig").write_bytes(found.data)
        asked = f" ASK={found.question.replace(' ', '-')}" if found.question else ""
        text = [
            found.fault.key,
            f"  make fuzz CASE={found.number}{asked}",
            f"  stream: {found.told}",
            "",
            found.fault.text,
        ]
        (self._folder / f"{name}.txt").write_text("\n".join(text), errors="backslashreplace")
