"""Parts of registers by name, for templates: `xmm0@64` is what stands above the low 64 bits of `xmm0`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["Bits"]


class Bits(Mapping[str, int]):
    """Registers and their parts."""

    def __init__(self, values: Mapping[str, int]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> int:
        register, _, bit = name.partition("@")
        return self._values[register] >> int(bit or 0)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.partition("@")[0] in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
