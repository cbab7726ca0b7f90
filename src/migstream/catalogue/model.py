"""The parts of a catalogue: states of sections, each kept once, and what machines and devices have of them.

A name may hold `PLACE`: where the device that it belongs to is (`0000:00:04.0`), which the place where it is put decides.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

__all__ = [
    "CHANNEL",
    "NUMBER",
    "PLACE",
    "UNKNOWN",
    "About",
    "Added",
    "Family",
    "Frame",
    "Image",
    "Index",
    "Like",
    "Lines",
    "Live",
    "Made",
    "Option",
    "Placed",
    "Provenance",
    "State",
    "Type",
    "at_a_place",
    "with_placeless",
    "without_place",
]

# A catalogue may be anybody's file: numbers are no more than what a stream has room for.
Number = Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)]
Bytes = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]

PLACE = "{}"
# A device of a channel has its number among its first bytes: it is written as this one, and is as open as a place.
NUMBER = "1e1f"
CHANNEL = 20
UNKNOWN = -1


class State(msgspec.Struct, frozen=True, array_like=True):
    """What a section holds; `text` is what the description says of it behind name and instance id."""

    version: Number
    payload: bytes
    text: bytes


class Placed(msgspec.Struct, frozen=True, array_like=True):
    """A section: its name and instance id, and which of the family's states it has.

    `early` is whether it stands before guest memory.
    """

    name: str
    instance: Number
    state: Number
    early: bool = False

    @property
    def key(self) -> tuple[str, int]:
        return self.name, self.instance


class Live(msgspec.Struct, frozen=True, array_like=True):
    """A live section other than `ram`: the payload of START, and of its END."""

    name: str
    instance: Number
    version: Number
    start: bytes
    end: bytes


class Image(msgspec.Struct, frozen=True, array_like=True):
    """A machine as it saves itself after reset.

    `head` is the configuration section, `intro` the description up to its devices, `blocks` are RAM blocks with their
    lengths in bytes, `pci` the addresses on the root bus that are taken, devices without state included. `run` is the
    command line that it comes from, one of the family's; two images that differ in nothing else are alike.
    """

    head: bytes
    intro: bytes
    footers: bool
    switchover: bool
    ram_version: Number
    blocks: dict[str, Bytes]
    live: tuple[Live, ...]
    sections: tuple[Placed, ...]
    pci: tuple[str, ...] = ()
    run: int = UNKNOWN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Image) and _alike(self, other)


class Added(msgspec.Struct, frozen=True, array_like=True):
    """What one device adds to a machine: sections, RAM blocks; `root` is what its addresses begin with (`0000:00:`).

    `run` is the command line that its sections at a place come from. Those at none, where that line has other devices
    as well, come from the line of the same device on the newest machine type.
    """

    sections: tuple[Placed, ...] = ()
    blocks: dict[str, Bytes] = {}
    removed: tuple[tuple[str, Number], ...] = ()
    root: str = ""
    run: int = UNKNOWN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Added) and _alike(self, other)


def _alike(one: Image | Added, other: Image | Added) -> bool:
    """Whether they differ in nothing but the command line."""
    return msgspec.structs.astuple(one)[:-1] == msgspec.structs.astuple(other)[:-1]


class Option(msgspec.Struct, frozen=True, array_like=True):
    """One property of a device type, its type, its default where the binary tells it."""

    name: str
    type: str
    default: Any = None


class Type(msgspec.Struct, frozen=True, array_like=True):
    """A device type that a user can add: the bus it sits on, other names, its properties; `refused` are the
    words with which it was not created.
    """

    bus: str
    options: tuple[Option, ...] = ()
    refused: str = ""


class Made(msgspec.Struct, frozen=True, array_like=True):
    """Where a part comes from: how many command lines like this one were run."""

    arguments: str
    runs: int


class Lines(msgspec.Struct, frozen=True, array_like=True):
    """The command lines of a family as a shell would read them, in the order in which they were run, those that did
    not start included; and the sections that differed when the same line was run again.
    """

    lines: tuple[str, ...]
    noisy: tuple[tuple[str, int], ...] = ()


class Provenance(msgspec.Struct, frozen=True, array_like=True):
    """What was run: words that each command line had beside its own, and those of each family."""

    words: tuple[str, ...]
    families: dict[str, Lines]


class Family(msgspec.Struct, frozen=True, array_like=True):
    """Machine types that are versions of one board, and what devices add to each.

    `images` are by machine type, then by how it was started (`tcg`, `kvm`, `kvm split`, with `defaults`, with `smp=2`);
    `devices` by machine type, then device type; `changed` by what was added to the command line of `newest`;
    `options` by device type and `property=value`, on `newest`; `cpus` by model, on `newest`, `transports` are the places
    on the machine's own virtio bus, in the order in which devices get them; `behind` are devices behind a bridge, by its
    type, then as `devices`, without `newest`, whose are in `options` (`bus=pcie-root-port`).
    """

    newest: str
    images: dict[str, dict[str, Image]]
    devices: dict[str, dict[str, Added]]
    changed: dict[str, Image]
    options: dict[str, dict[str, Added]]
    cpus: dict[str, Image]
    transports: tuple[str, ...] = ()
    behind: dict[str, dict[str, dict[str, Added]]] = {}


class About(msgspec.Struct, frozen=True, array_like=True):
    """What a binary says of itself: device types, CPU models, capabilities of migration, QMP commands."""

    types: dict[str, Type]
    aliases: dict[str, str]
    cpus: tuple[str, ...]
    capabilities: tuple[str, ...]
    commands: tuple[str, ...]


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """Where a compressed part lies behind the index, and how long it is unpacked."""

    start: Bytes
    size: Bytes
    unpacked: Bytes


class Like(msgspec.Struct, frozen=True, array_like=True):
    """The catalogue of another target that one is a supplement to: the file's name, its SHA-256."""

    name: str
    digest: str


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What a catalogue's file begins with.

    `machines` says in which family each machine type is, `aliases` what other names stand for (`pc`, `q35`), `ram` which
    RAM block a machine type's memory is, `made` which command lines all of it comes from, `digest` the SHA-256 of the
    binary, empty where it could not be read; `names` are what its maker calls it (`rhel-9.4`). `chunks` are numbers of
    states, with which each of the parts begins that have them; those before the first are in the catalogue that it is
    `like`. `memory` is how many bytes of memory a machine type has by itself.
    """

    release: tuple[int, ...]
    package: str
    target: str
    machines: dict[str, str]
    aliases: dict[str, str]
    ram: dict[str, str]
    frames: dict[str, Frame]
    made: tuple[Made, ...]
    chunks: tuple[Number, ...]
    like: Like | None = None
    memory: dict[str, Bytes] = {}
    digest: str = ""
    names: tuple[str, ...] = ()


def without_place(added: Added) -> bool:
    """Whether a device's sections are of a machine type whose names have no places."""
    return bool(added.sections) and all(PLACE not in one.name for one in added.sections)


def at_a_place(added: Added) -> Added:
    """A device whose sections' names have no places, as if they had."""
    sections = tuple(
        msgspec.structs.replace(one, name=f"{PLACE}/{one.name}") for one in added.sections
    )
    return msgspec.structs.replace(added, sections=sections)


def with_placeless(added: Added, alone: Added) -> Added:
    """What was found at a place, with what the same device adds to none when it is alone."""
    if without_place(added):
        return added
    places = [one for one in added.sections if PLACE in one.name]
    more = [one for one in alone.sections if PLACE not in one.name]
    blocks = {name: size for name, size in alone.blocks.items() if PLACE not in name}
    root = alone.root or added.root  # among many it may have been put on another's bus
    return msgspec.structs.replace(
        added, sections=(*places, *more), blocks=added.blocks | blocks, root=root
    )
