"""Rules for what a device's own code checks when it loads, each with evidence from both streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from migstream.analysis.compat_destination import Destination
from migstream.analysis.compat_fields import flatten
from migstream.analysis.compat_model import Problem
from migstream.analysis.compat_pci import first_mismatch
from migstream.analysis.compat_words import Words
from migstream.vmstate.pci import config_space
from migstream.wire.model import Span

if TYPE_CHECKING:
    from migstream.stream import Device
    from migstream.vmstate.values import Value

__all__ = ["device_problems"]

Rule = Callable[["Device", "Device", Destination, Words], Iterator[Problem]]


def device_problems(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """What the code of a device would refuse, whatever its fields say."""
    for rule in RULES:
        yield from rule(ours, theirs, destination, words)


def _parts(value: Value) -> dict[str, Value]:
    return {child.name: child for child in value.children}


# --- PCI -----------------------------------------------------------------------------------------


def _pci(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    config, other = config_space(ours.value), config_space(theirs.value)
    if config is None or other is None:
        return
    wrong = first_mismatch(bytes(config.raw), bytes(other.raw))
    if wrong is not None:
        at = config.span.start + wrong.at
        inside = config.path.removeprefix(ours.path).strip("/").split("/")
        yield Problem(
            kind="pci",
            device=ours.path,
            path=f"{config.path}+{wrong.at:#x}",
            span=Span(at, at + 1),
            message=(
                f"byte {wrong.at:#x} of the PCI configuration space is {wrong.read:#x},"
                f" that of the destination {wrong.device:#x}, and neither guest nor hardware can change it"
            ),
            said=words.device(
                ours,
                f"get_pci_config_device: Bad config data: i=0x{wrong.at:x} read: {wrong.read:x}"
                f" device: {wrong.device:x} cmask: ff wmask: 0 w1cmask:0",
                fields=[("PCIDevice", "config"), *words.chain(ours, inside[:-1])],
            ),
            hint="an option of the device differs: vectors, queues, revision or a capability",
        )


# --- virtio --------------------------------------------------------------------------------------

QUEUE_SIZE_CHECKED = (11, 1)  # hw/virtio/virtio.c: virtio_load; not in 10.0


def _blob(device: Device) -> Value | None:
    return next((child for child in device if child.type == "virtio"), None)


def _numbers(queues: Value) -> list[int]:
    """The first word of every queue: how many entries it has."""
    stride = queues.node.stride
    raw = queues.raw
    return [int.from_bytes(raw[at : at + 4], "big") for at in range(0, len(raw), stride)]


def _virtqueues(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """A queue may not be larger than the device made it; nobody looked before 11.1."""
    blob, other = _blob(ours), _blob(theirs)
    if blob is None or other is None or not destination.release.since(QUEUE_SIZE_CHECKED):
        return
    queues, limits = _parts(blob).get("queues"), _parts(other).get("queues")
    if queues is None or limits is None:
        return
    most = _numbers(limits)
    for index, number in enumerate(_numbers(queues)):
        limit = most[index] if index < len(most) else 0
        if number > limit:
            at = queues.span.start + index * queues.node.stride
            yield Problem(
                kind="virtqueue",
                device=ours.path,
                path=f"{queues.path}[{index}]/num",
                span=Span(at, at + 4),
                message=f"queue {index} has {number} entries, on the destination it has {limit} at most",
                said=words.device(
                    ours,
                    f"VQ {index} vring.num {number} exceeds allocated max {limit}",
                    fields=words.chain(ours, ["virtio"]),
                    errno="EINVAL",
                ),
                hint="the size of a queue is an option of the device (queue-size, rx_queue_size)",
            )
            return


def _inside(value: Value) -> Iterator[Value]:
    for child in value.children:
        if child.kind == "subsection" or child.type == "subsection":
            yield child
            yield from _inside(child)


def _virtio_subsections(
    ours: Device, _: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """Subsections inside the blob, which neither description nor schema shows."""
    blob = _blob(ours)
    for part in _inside(blob) if blob is not None else ():
        if destination.lacks(part.name):
            yield Problem(
                kind="subsection",
                device=ours.path,
                path=part.path,
                span=part.span,
                message=f"the destination knows no subsection {part.name}",
                said=words.device(ours, fields=words.chain(ours, ["virtio"]), errno="ENOENT"),
                hint="a feature that only a newer QEMU offers was taken by the guest",
            )


# --- CPUs ----------------------------------------------------------------------------------------

LENGTH, INDEXES, VALUES = "cpreg_vmstate_array_len", "cpreg_vmstate_indexes", "cpreg_vmstate_values"
REGISTERS_SAID = (11, 0)  # target/arm/machine.c: cpu_post_load names them; silent in 10.0
SYSREG64 = 0x6030000000130000
SYSREG64_MASK = 0xFFFFFFFFFFFF0000


def _words64(value: Value) -> list[int]:
    raw = value.raw
    return [int.from_bytes(raw[at : at + 8], "big") for at in range(0, len(raw), 8)]


def _fixed(index: int) -> bool:
    """Whether a register of an Arm CPU says what CPU it is: op0 3, CRn 0, or cp15 c0; not CSSELR, VPIDR, VMPIDR.

    References
    ----------
    QEMU, target/arm/kvm-consts.h: CP_REG_ARM64_SYSREG; target/arm/cpregs.h: ENCODE_CP_REG
    """
    if index & SYSREG64_MASK == SYSREG64 & SYSREG64_MASK:
        op0, op1, crn, crm, op2 = (
            index >> 14 & 3,
            index >> 11 & 7,
            index >> 7 & 15,
            index >> 3 & 15,
            index & 7,
        )
        if (op0, crn) != (3, 0):
            return False
        return op1 in {0, 1, 3} and (op1, crm, op2) != (0, 0, 5)
    cp, crn, op1 = index >> 16 & 0x1FFF, index >> 11 & 15, index >> 3 & 7
    return cp & 0xF == 15 and crn == 0 and op1 in {0, 1} and not index & CP64


CP64 = 1 << 15  # QEMU's own ids of registers: target/arm/cpregs.h
NON_SECURE = 1 << 29
AARCH64 = 1 << 28
SIZE, SIZE64 = 0x00F0000000000000, 0x0030000000000000


def _register_id(index: int) -> int:
    """The id that QEMU prints for a register's index in the stream (target/arm/cpregs.h: kvm_to_cpreg_id)."""
    low = index & 0xFFFFFFFF
    if index & SYSREG64_MASK == SYSREG64 & SYSREG64_MASK:
        return low | AARCH64
    return low | NON_SECURE | (CP64 if index & SIZE == SIZE64 else 0)


def _arm_registers(
    ours: Device, theirs: Device, destination: Destination, words: Words
) -> Iterator[Problem]:
    """Every system register of the stream must be one of the destination's, and take its value.

    References
    ----------
    QEMU, target/arm/machine.c: cpu_post_load; target/arm/helper.c: write_list_to_cpustate
    """
    mine, other = _parts(ours.value), _parts(theirs.value)
    if not {LENGTH, INDEXES, VALUES} <= mine.keys() & other.keys():
        return
    indexes, values = _words64(mine[INDEXES]), _words64(mine[VALUES])
    known = dict(zip(_words64(other[INDEXES]), _words64(other[VALUES]), strict=False))
    gone = [n for n, index in enumerate(indexes) if index not in known]
    wrong = [
        n
        for n, (index, value) in enumerate(zip(indexes, values, strict=False))
        if index in known and _fixed(index) and known[index] != value
    ]
    if not gone and not wrong:
        return
    said: tuple[str, ...] = ()
    if destination.release.since(REGISTERS_SAID):
        said = tuple(
            f"handle_cpreg_only_in_incoming_stream: system register {_register_id(indexes[n]):#x}"
            " in the incoming stream but unknown on the destination: fail migration"
            for n in gone
        )
    first, place = (gone[0], INDEXES) if gone else (wrong[0], VALUES)
    at = mine[place].span.start + 8 * first
    what = (
        f"{len(gone)} system registers that the destination's CPU does not have: "
        + ", ".join(f"{indexes[n]:#x}" for n in gone[:4])
        if gone
        else f"system register {indexes[first]:#x} is {values[first]:#x}, of the destination's CPU"
        f" {known[indexes[first]]:#x}, and it cannot be written"
    )
    yield Problem(
        kind="registers",
        device=ours.path,
        path=f"{mine[place].path}[{first}]",
        span=Span(at, at + 8),
        message=what,
        said=words.post_load(ours, *said, code=-1),
        late=True,
        hint="the same CPU model (-cpu) and a release of QEMU that gives it the same registers",
    )


PVR = 287  # SPR_PVR
POWER_BASE = 0xFFFF0000
POWER9, SAME_MAJOR = 0x004E0000, {0x004E0000, 0x00800000, 0x00820000}


def _same_power(pvr: int, other: int) -> bool:
    """Whether a POWER CPU takes the state of another: the same family, and of newer ones the same step.

    References
    ----------
    QEMU, target/ppc/cpu_init.c: ppc_pvr_match_power7, _power8, _power9, _power10
    """
    if pvr == other:
        return True
    base = pvr & POWER_BASE
    if base != other & POWER_BASE:
        return False
    if base in SAME_MAJOR and (pvr ^ other) & 0x0F00:
        return False
    return base != POWER9 or (pvr & 0xF < 2) == (other & 0xF < 2)


def _ppc_model(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    """Without a compatibility mode the processor version must be the destination's.

    References
    ----------
    QEMU, target/ppc/machine.c: cpu_post_load
    """
    mine, other = _parts(ours.value), _parts(theirs.value)
    if "env.spr" not in mine or "env.spr" not in other or "cpu/compat" in mine:
        return
    size = mine["env.spr"].node.stride
    spans = [one["env.spr"].raw[size * PVR : size * (PVR + 1)] for one in (mine, other)]
    pvr, local = (int.from_bytes(raw, "big") for raw in spans)
    if not _same_power(pvr, local):
        at = mine["env.spr"].span.start + size * PVR
        yield Problem(
            kind="cpu",
            device=ours.path,
            path=f"{mine['env.spr'].path}[{PVR}]",
            span=Span(at, at + size),
            message=f"the processor version is {pvr:#010x}, that of the destination's CPU {local:#010x}",
            said=words.post_load(ours, code=-22),
            late=True,
            hint="name the model with -cpu; the default of a machine type changed",
        )


# --- values that a device compares with an option of its own -------------------------------------


class Compared(NamedTuple):
    """Fields of a VMState that post_load compares with the destination's options."""

    fields: tuple[str, ...]
    line: str
    code: int


# hw/net/e1000e.c: e1000e_post_load
COMPARED = {
    "e1000e": Compared(
        ("subsys_used", "subsys_ven_used", "subsys", "subsys_ven"),
        "ERROR: Cannot migrate while device properties (subsys/subsys_ven) differ",
        -1,
    )
}


def _options(ours: Device, theirs: Device, _: Destination, words: Words) -> Iterator[Problem]:
    """Fields that were sent only to be compared."""
    compared = COMPARED.get(ours.value.type)
    if compared is None:
        return
    mine, other = _parts(ours.value), _parts(theirs.value)
    for name in compared.fields:
        if name in mine and name in other and mine[name].raw != other[name].raw:
            yield Problem(
                kind="value",
                device=ours.path,
                path=mine[name].path,
                span=mine[name].span,
                message=f"{name} is {mine[name].text}, on the destination {other[name].text}",
                said=words.post_load(ours, compared.line, code=compared.code),
                hint=f"an option of the device: {name}",
                late=True,
            )
            return


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
    if extra.version not in mine or extra.last in mine:
        return
    if extra.last not in {token.path for token in flatten(theirs.layout.children)}:
        return
    token = mine[extra.version]
    version = int.from_bytes(ours.value.raw[token.offset : token.offset + token.size], "big")
    if version < extra.before:
        at = ours.section.payload.stop
        yield Problem(
            kind="fields",
            device=ours.path,
            path=f"{ours.path}/{extra.last}",
            span=Span(at, at + extra.size),
            message=(
                f"{extra.version} is {version}: the destination reads {extra.size} byte more"
                f" ({extra.last}) than the stream has"
            ),
            said=words.missing_footer(ours.section),
        )


RULES: tuple[Rule, ...] = (
    _pci,
    _virtqueues,
    _virtio_subsections,
    _arm_registers,
    _ppc_model,
    _options,
    _extra,
)
