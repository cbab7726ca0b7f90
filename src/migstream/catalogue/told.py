"""Descriptions for machine types that send none: those that newer ones of the same board have for the same sections.

References
----------
QEMU, hw/i386/pc_piix.c: pc_i440fx_machine_2_2_options (suppress_vmdesc)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from migstream.catalogue.model import Family, Image, Placed, State
from migstream.qemu.release import machine_version

__all__ = ["Texts", "as_sent", "texts_of", "told", "unseen"]

# By the end of a section's name, the version, and the length in bytes: what the description says of it.
Texts = Mapping[tuple[str, int, int], bytes]


# Machine types up to this version neither send nor take a configuration section and footers; since 8.2 none of them can
# be saved, so that a catalogue has none of them (hw/core/machine.c: hw_compat_2_3; migration/savevm.c:
# qemu_savevm_state_header).
PLAIN = (2, 3)
# What those of before differ in from the next one.
UNSEEN = ("/rom@etc/acpi/", "0000:00:01.3/piix4_pm")


def unseen(machine: str, looked_at: str) -> tuple[str, ...]:
    """Names of sections and RAM blocks of which the machine type that is looked at instead says nothing."""
    return UNSEEN if machine != looked_at and _is_plain(machine) else ()


def as_sent(image: Image, machine: str, family: Family) -> Image:
    """The image, with the beginning of a description where it has none, and with what that machine type frames it with."""
    if _is_plain(machine):
        image = msgspec.structs.replace(image, head=b"", footers=False)
    if image.intro:
        return image
    return msgspec.structs.replace(image, intro=family.images[family.newest]["tcg"].intro)


def _is_plain(machine: str) -> bool:
    stem, version = machine_version(machine)
    return stem.startswith("pc-") and version is not None and version <= PLAIN


def texts_of(image: Image, family: Family, states: Sequence[State]) -> Texts:
    """What newer machine types say of their sections; nothing where the image says it itself."""
    if image.intro:
        return {}
    found: dict[tuple[str, int, int], bytes] = {}
    for one in _sections(family):
        state = states[one.state]
        if state.text:
            found.setdefault(_key(one.name, state), state.text)
    return found


def told(name: str, state: State, texts: Texts) -> State:
    """A section's state with a description, where one is known."""
    text = b"" if state.text or not texts else texts.get(_key(name, state), b"")
    return msgspec.structs.replace(state, text=text) if text else state


def _key(name: str, state: State) -> tuple[str, int, int]:
    return name.rpartition("/")[2], state.version, len(state.payload)


def _sections(family: Family) -> Iterator[Placed]:
    for images in (family.images[family.newest], *family.images.values()):
        for image in images.values():
            yield from image.sections
    for added in (*family.devices.values(), *family.options.values()):
        for one in added.values():
            yield from one.sections
    for image in family.changed.values():
        yield from image.sections
