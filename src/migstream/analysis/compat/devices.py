"""Rules for what a device's own code checks when it loads, each with evidence from both streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from migstream.analysis.compat.align import flatten, parts
from migstream.analysis.compat.cpus import arm_registers, embedded_tlb, power_model
from migstream.analysis.compat.destination import Destination
from migstream.analysis.compat.features import features
from migstream.analysis.compat.model import Problem
from migstream.analysis.compat.pci import first_mismatch
from migstream.analysis.compat.said import Words
from migstream.analysis.compat.virtio import (
    blob_subsections,
    gpu_outputs,
    memory_device,
    serial_ports,
    virtqueues,
)
from migstream.analysis.rules.known import RUN_STATES
from migstream.vmstate.meaning.pci import config_space, msix_vectors
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.stream import Device

__all__ = ["device_problems", "own_problems"]

Rule = Callable[["Device", "Device", Destination, Words], Iterator[Problem]]


def device_problems(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """What the code of a device would refuse, whatever its fields say."""
    for rule in RULES:
        yield from rule(ours, theirs, destination, words)


def own_problems(ours: Device, words: Words) -> Iterator[Problem]:
    """What any destination would refuse, whatever it has of its own."""
    yield from _run_state(ours, words)


def _run_state(ours: Device, words: Words) -> Iterator[Problem]:
    """The name of a run state that QEMU does not know.

    References
    ----------
    QEMU, migration/global_state.c: global_state_post_load
    """
    if ours.value.type != "globalstate":
        return
    text = parts(ours.value).get("runstate")
    if text is None or text.kind != "leaf":
        return
    name = bytes(text.raw).partition(b"\0")[0].decode("ascii", "backslashreplace")
    if name not in RUN_STATES:
        yield Problem(
            kind="value",
            device=ours.path,
            path=text.path,
            span=text.span,
            message=f"the run state is {name!r}, which QEMU does not know",
            said=words.post_load(ours, words.say("run-state", value=name), code=-22, minimum=1),
            hint=f"`migstream set` with '{text.path}=\"paused\"' makes it one that every QEMU knows",
            late=True,
        )


# --- PCI -----------------------------------------------------------------------------------------


def _pci(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    config, other = config_space(ours.value), config_space(theirs.value)
    if config is None or other is None:
        return
    wrong = first_mismatch(bytes(config.raw), bytes(other.raw))
    if wrong is not None:
        at = config.span.start + wrong.at
        cmask, wmask = wrong.masks
        inside = config.path.removeprefix(ours.path).strip("/").split("/")
        register = config.owner(at).path.removeprefix(config.path).strip("/")
        named = f" ({register})" if register else ""
        yield Problem(
            kind="pci",
            device=ours.path,
            path=f"{config.path}+{wrong.at:#x}",
            span=Span(at, at + 1),
            message=(
                f"byte {wrong.at:#x} of the PCI configuration space{named} is {wrong.read:#x},"
                f" that of the destination {wrong.device:#x}, and neither guest nor hardware can change it"
            ),
            said=words.device(
                ours,
                words.say(
                    "pci-config",
                    index=wrong.at,
                    read=wrong.read,
                    local=wrong.device,
                    cmask=cmask,
                    wmask=wmask,
                    w1cmask=0,
                ),
                fields=[("PCIDevice", "config"), *words.chain(ours, inside[:-1])],
            ),
            hint="an option of the device differs: vectors, queues, revision or a capability",
        )


# --- values that a device compares with an option of its own -------------------------------------


class Compared(NamedTuple):
    """Fields of a VMState that post_load compares with the destination's options."""

    fields: tuple[str, ...]
    properties: str
    code: int


# hw/net/e1000e.c: e1000e_post_load
COMPARED = {
    "e1000e": Compared(
        ("subsys_used", "subsys_ven_used", "subsys", "subsys_ven"),
        "subsys/subsys_ven",
        -1,
    )
}


def _options(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    """Fields that were sent only to be compared."""
    compared = COMPARED.get(ours.value.type)
    if compared is None:
        return
    mine, other = parts(ours.value), parts(theirs.value)
    for name in compared.fields:
        if name in mine and name in other and mine[name].raw != other[name].raw:
            yield Problem(
                kind="value",
                device=ours.path,
                path=mine[name].path,
                span=mine[name].span,
                message=f"{name} is {mine[name].text}, on the destination {other[name].text}",
                said=words.post_load(
                    ours,
                    words.say("device-option", properties=compared.properties),
                    code=compared.code,
                ),
                hint=f"an option of the device: {name}",
                late=True,
            )
            return


TIMERS, TIMERS_CHECKED = "num_timers", "num_timers_save"


def _hpet_timers(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    """An HPET has as many timers as the destination's, which is looked at before they are read.

    Under the older name the destination took the number that it read.

    References
    ----------
    QEMU, hw/timer/hpet.c: vmstate_hpet, hpet_validate_num_timers
    """
    if ours.value.type != "hpet":
        return
    own, there = parts(ours.value), parts(theirs.value).get(TIMERS_CHECKED)
    mine = own.get(TIMERS_CHECKED, own.get(TIMERS))
    if mine is not None and there is not None and mine.raw != there.raw:
        yield Problem(
            kind="value",
            device=ours.path,
            path=mine.path,
            span=mine.span,
            message=f"there are {mine.text} timers, on the destination {there.text}",
            said=words.invalid(ours, "hpet/num_timers must match"),
            hint="an option of the device: timers",
        )


CAPABILITY = "spapr/cap/"
CAPABILITY_NAMES = {"nested_kvm_hv": "nested-hv", "hpt_maxpagesize": "hpt-max-page-size"}
WORKAROUND = 1
MAX_PAGE = "hpt_maxpagesize"  # the one capability that is sent although it is the default


def _vectors_of_xhci(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """A controller without MSI-X gives back vectors that it does not have; seen in 7.2 and all later ones, not in 5.2.

    References
    ----------
    QEMU, hw/usb/hcd-xhci-pci.c: xhci_pci_vmstate_post_load; hw/pci/msix.c: msix_vector_unuse
    """
    space = config_space(theirs.value) if ours.value.type == XHCI else None
    if (
        space is None
        or msix_vectors(space.raw) is not None
        or not destination.release.since(STRICT)
    ):
        return
    yield Problem(
        kind="value",
        device=ours.path,
        span=ours.section.payload,
        message="the destination's controller has no MSI-X: this QEMU aborts when it loads one, whatever is sent",
        said=words.aborts("msix_vector_unuse", "vector < dev->msix_entries_nr"),
        hint="start without msix=off, and with a CPU that has an APIC",
        late=True,
    )


XHCI, STRICT = "xhci", (7, 2)


def _power_capabilities(
    ours: Device, theirs: Device, _: Destination, words: Words
) -> Iterator[Problem]:
    """A pseries machine takes no capability above its own; what is not sent has its default.

    The default of a machine type is not in a stream. But one that is sent differs from it: a
    destination that says 0 has a higher default, and one that says nothing has its default, which is
    below what the source had to send: off, or a workaround where there is something better.

    References
    ----------
    QEMU, hw/ppc/spapr_caps.c: spapr_caps_post_migration, SPAPR_CAP_MIG_STATE
    """
    mine, other = _capabilities(ours), _capabilities(theirs)
    found: list[tuple[str, int, int]] = []
    for name in mine | other:
        if name in mine and name in other:
            levels = mine[name], other[name]
        elif name == MAX_PAGE:
            continue
        elif name in other:
            levels = (0, other[name]) if other[name] else (1, 0)
        else:
            levels = mine[name], max(0, min(mine[name] - 1, WORKAROUND))
        if levels[0] > levels[1]:
            found.append((name, *levels))
    if not found:
        return
    at = next((c for c in ours if c.name == CAPABILITY + found[0][0]), ours.value)
    said = [
        words.say(
            "spapr-cap",
            cap=CAPABILITY_NAMES.get(name, name.replace("_", "-")),
            way="higher",
            received=level,
            local=local,
        )
        for name, level, local in found
    ]
    yield Problem(
        kind="value",
        device=ours.path,
        path=at.path,
        span=at.span,
        message=said[0],
        said=words.post_load(ours, *said, code=-22, minimum=1),
        hint="a capability of the machine: -machine cap-…",
        late=True,
    )


def _capabilities(device: Device) -> dict[str, int]:
    """Capabilities of a pseries machine that were sent, by name."""
    if device.value.type != "spapr":
        return {}
    return {
        part.name.removeprefix(CAPABILITY): part.raw[-1]
        for part in device
        if part.name.startswith(CAPABILITY) and len(part.raw)
    }


IDLE = 0  # hw/sd/sd.c: SDCardStates


def _card_powered_up(
    ours: Device, theirs: Device, _: Destination, words: Words
) -> Iterator[Problem]:
    """Before an SD card loads it powers up, which a card in SPI mode has done at reset: QEMU aborts.

    The register is sent by a card that has not powered up yet, and by no other. A card that a guest
    has used is not idle any more, and says nothing of what it is like at reset.

    References
    ----------
    QEMU, hw/sd/sd.c: sd_vmstate_pre_load, sd_ocr_powerup, sd_set_ocr, sd_ocr_vmstate_needed
    """
    other = parts(theirs.value) if ours.value.type == "sd-card" else {}
    idle = "state" in other and int(other["state"]) == IDLE
    if idle and "sd-card/ocr-state" not in other:
        yield Problem(
            kind="value",
            device=ours.path,
            path=ours.path,
            span=Span(ours.section.payload.start, ours.section.payload.start + 1),
            message="the destination's card has powered up at reset: QEMU ends in an assertion",
            said=words.aborts("sd_ocr_powerup", "!FIELD_EX32(sd->ocr, OCR, CARD_POWER_UP)"),
            hint="no stream with this card loads there, not even one of its own",
        )


class Extra(NamedTuple):
    """A field that is read from a stream of an older version of a part, whose version is in a field."""

    version: str
    before: int
    size: int
    last: str


# hw/scsi/esp.c: esp_is_between_version_5_and_6, ti_cmd; from version 7 on drq_state stands in its place,
# and a destination that has both reads both.
EXTRA = {
    name: Extra(version="esp.mig_version_id", before=7, size=1, last="esp.drq_state")
    for name in ("pciespscsi", "sysbusespscsi")
}


def _extra(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    """A destination that reads more from an older stream than that has."""
    extra = EXTRA.get(ours.value.type)
    if extra is None or ours.layout is None or theirs.layout is None:
        return
    mine = {token.path: token for token in flatten(ours.layout.children)}
    if extra.last in mine:
        return
    if extra.last not in {token.path for token in flatten(theirs.layout.children)}:
        return
    token = mine.get(extra.version)
    version, said = 0, "not sent"  # by a section from before that
    if token is not None:
        version = int.from_bytes(ours.value.raw[token.offset : token.offset + token.size], "big")
        said = str(version)
    if version < extra.before:
        at = ours.section.payload.stop
        yield Problem(
            kind="fields",
            device=ours.path,
            path=f"{ours.path}/{extra.last}",
            span=Span(at, at + extra.size),
            message=(
                f"{extra.version} is {said}: the destination reads {extra.size} byte more"
                f" ({extra.last}) than the stream has"
            ),
            said=words.missing_footer(ours.section),
            beyond=extra.size,
        )


RULES: tuple[Rule, ...] = (
    _pci,
    virtqueues,
    blob_subsections,
    memory_device,
    serial_ports,
    gpu_outputs,
    features,
    arm_registers,
    embedded_tlb,
    power_model,
    _options,
    _hpet_timers,
    _vectors_of_xhci,
    _power_capabilities,
    _card_powered_up,
    _extra,
)
