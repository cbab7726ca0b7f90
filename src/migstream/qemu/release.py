"""Releases of QEMU: their numbers, bounds of what is not known exactly, the versions of machine types."""

from __future__ import annotations

import re

import msgspec

__all__ = ["Bounds", "Version", "following", "machine_version", "parse", "spelt"]

Version = tuple[int, ...]

RELEASE = re.compile(r"\d{1,3}(\.\d{1,3}){1,3}")
NUMBERED = re.compile(
    r"(.+)-(\d+(?:\.\d+)+)(?:-sxxm)?"
)  # pseries-2.12-sxxm is another kind of 2.12
LAST_MINOR = {1: 7, 2: 12, 3: 1}  # the last release of each series; all others end with .2

# Versions behind the names that Ubuntu gives to machine types (pc-i440fx-jammy, pc-q35-noble-hpb), and of the
# QEMUs whose machine types Red Hat's are (pc-q35-rhel9.4.0; qemu-kvm, hw/core/machine.c: hw_compat_rhel_*): at least.
DISTRIBUTIONS: dict[str, Version] = {
    "trusty": (2, 0), "utopic": (2, 1), "vivid": (2, 2), "wily": (2, 3), "xenial": (2, 5), "yakkety": (2, 6),
    "zesty": (2, 8), "artful": (2, 10), "bionic": (2, 11), "cosmic": (2, 12), "disco": (3, 1), "eoan": (4, 0),
    "focal": (4, 2), "groovy": (5, 0), "hirsute": (5, 2), "impish": (6, 0), "jammy": (6, 2), "kinetic": (7, 0),
    "lunar": (7, 2), "mantic": (8, 0), "noble": (8, 2), "oracular": (9, 0), "plucky": (9, 2), "questing": (10, 1),
    "rhel7.3.0": (2, 6), "rhel7.4.0": (2, 9), "rhel7.5.0": (2, 10), "rhel7.6.0": (2, 12), "rhel8.0.0": (2, 12),
    "rhel8.1.0": (4, 0), "rhel8.2.0": (4, 2), "rhel8.3.0": (5, 1), "rhel8.4.0": (5, 2), "rhel8.5.0": (6, 0),
    "rhel8.6.0": (6, 2), "rhel9.0.0": (6, 2), "rhel9.2.0": (7, 2), "rhel9.4.0": (8, 2), "rhel9.6.0": (9, 0),
    "rhel10.0.0": (9, 0),
}  # fmt: skip


class Bounds(msgspec.Struct, frozen=True):
    """Releases that a QEMU can be: from `first` on, before `before`; None where open."""

    first: Version | None = None
    before: Version | None = None

    @classmethod
    def of(cls, release: Version) -> Bounds:
        """That release, and those that only correct it (of (10, 0): 10.0.13 as well)."""
        return cls(release, (*release[:-1], release[-1] + 1))

    @property
    def ends(self) -> tuple[Version | None, Version | None]:
        """Both, in their order."""
        return self.first, self.before

    def narrowed(self, other: Bounds) -> Bounds:
        """What both say."""
        firsts = [one.first for one in (self, other) if one.first is not None]
        befores = [one.before for one in (self, other) if one.before is not None]
        return _sound(max(firsts, default=None), min(befores, default=None))

    def since(self, release: Version) -> bool:
        """Whether it certainly is that release or a newer one."""
        return self.first is not None and self.first >= release

    def likely(self, release: Version) -> bool:
        """Whether it is that release or a newer one, where "10.1 or newer" is taken for the newest."""
        return self.since(release) or (self.first is not None and self.before is None)

    def until(self, release: Version) -> bool:
        """Whether it certainly is older than that."""
        return self.before is not None and self.before <= release

    def __contains__(self, release: object) -> bool:
        """Whether it can be that release."""
        assert isinstance(release, tuple)
        return (self.first is None or release >= self.first) and (
            self.before is None or release < self.before
        )

    def __str__(self) -> str:
        """What is known: `7.2`, `6.0 or newer, older than 8.2`; `unknown`."""
        if self.first is not None and self.before == Bounds.of(self.first).before:
            return spelt(self.first)
        first, before = (spelt(version or ()) for version in self.ends)
        parts = [f"{first} or newer" if first else "", f"older than {before}" if before else ""]
        return ", ".join(part for part in parts if part) or "unknown"

    def named(self) -> str:
        """The first and the last release by name: `6.0 to 8.1`, `8.2 or later`; empty where unknown."""
        last = None if self.before is None else _previous(self.before)
        if self.first is None:
            return "" if last is None else f"{spelt(last)} or earlier"
        if last is None:
            return f"{spelt(self.first)} or later"
        return spelt(self.first) if last <= self.first else f"{spelt(self.first)} to {spelt(last)}"


def parse(text: str) -> Version:
    """A QEMU's version, of `10.0.13` (10, 0, 13).

    Raises
    ------
    ValueError : it is not one
    """
    if not RELEASE.fullmatch(text):
        raise ValueError(f"{text!r} is not a QEMU version, such as 7.2")
    return tuple(map(int, text.split(".")))


def machine_version(machine: str) -> tuple[str, Version | None]:
    """Family and version of a machine type: of `pc-i440fx-7.2`, `pc-i440fx` and (7, 2).

    Names of distributions are looked up; a name without version has none.
    """
    numbered = NUMBERED.fullmatch(machine)
    if numbered is not None and RELEASE.fullmatch(numbered[2]):
        return numbered[1], parse(numbered[2])
    parts = machine.split("-")
    for index, part in enumerate(parts):
        if index and part in DISTRIBUTIONS:
            return "-".join(parts[:index]), DISTRIBUTIONS[part]
    return machine, None


def _sound(first: Version | None, before: Version | None) -> Bounds:
    """Bounds; a newer mark is not made by an older release, an older one may have been kept."""
    if first is not None and before is not None and before <= first:
        before = None
    return Bounds(first, before)


def spelt(version: Version) -> str:
    """`7.2`, of (7, 2)."""
    return ".".join(map(str, version))


def _previous(version: Version) -> Version:
    """The last release before another: of (8, 2) it is (8, 1), of (6, 0) it is (5, 2)."""
    major, minor = version[0], version[1] if len(version) > 1 else 0
    return (major, minor - 1) if minor else (major - 1, LAST_MINOR.get(major - 1, 2))


def following(version: Version) -> Version:
    """The next release: of (5, 2) it is (6, 0), of (10, 0) it is (10, 1)."""
    major, minor = version[:2]
    return (major + 1, 0) if minor >= LAST_MINOR.get(major, 2) else (major, minor + 1)
