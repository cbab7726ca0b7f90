"""The destination of a load: what its schema, a stream of its own, and its release say of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING, NamedTuple

from migstream.analysis.compat.capabilities import has_capability
from migstream.analysis.compat.damage import fatal
from migstream.analysis.compat.declared import Stretch, pieces_of
from migstream.analysis.identify.facts import declared_by, written_by
from migstream.names import brief
from migstream.qemu.release import Bounds, Version
from migstream.stream import Stream, as_stream
from migstream.vmstate.layout import Node
from migstream.vmstate.schema import is_schema, open_schema

if TYPE_CHECKING:
    from migstream.errors import StreamError
    from migstream.source.opened import Openable
    from migstream.stream import Device
    from migstream.vmstate.schema import Schema, State
    from migstream.wire.model import Section

__all__ = ["NEEDS_TIMER", "Destination", "Versions", "as_destination"]


class Versions(NamedTuple):
    """Of one VMState on the destination; `minimum` None where only a stream told the version."""

    version: int
    minimum: int | None


# VMStates that were registered by hand, so that no schema had them, before they became devices' own; their
# version and minimum as long as that was so: hw/ipmi/ipmi_bmc_sim.c, ipmi_bmc_extern.c, isa_ipmi_kcs.c,
# isa_ipmi_bt.c. Seen in 5.2 to 10.0; those of 11.1 are in its schema.
BY_HAND = {
    "ipmi-bmc-sim": Versions(1, 1),
    "ipmi-bmc-extern": Versions(1, 1),
    "ipmi-interface": Versions(2, 1),
    "ipmi-interface-isa-bt": Versions(2, 2),
}


class Destination:
    """What is known of where the stream is to be loaded.

    Parameters
    ----------
    schema : its `-dump-vmstate`
    stream : one that it saved itself, started as it will be for the load
    release : its release, (10, 0); found out as far as possible where not given
    label : what to call it
    features : of virtio, those that its devices offer, by name and instance id of their sections
    capabilities : migration capabilities that are on there, besides those that `stream` records;
        all others are off, as they are in a QEMU that was told nothing
    blocked : devices there that cannot be migrated: with one of them QEMU takes no stream
    lacking : device types that it is to have and does not know: it does not start
    absent : VMStates that no device there has
    roms : lengths in bytes of RAM blocks that are known without a stream, by name
    max_cpus : how many CPUs it can have, those that can be plugged in among them
    offered : capabilities that it has, on or off, where it was asked; by its release otherwise
    assumptions : what `stream` was put together with, where the destination did not save it
    unknown : what the names of sections and RAM blocks begin with of which `stream` then tells nothing
    """

    def __init__(
        self,
        schema: Schema | None = None,
        stream: Stream | None = None,
        release: Version | None = None,
        label: str = "",
        features: Mapping[tuple[str, int], int] | None = None,
        capabilities: Collection[str] = (),
        offered: Collection[str] | None = None,
        assumptions: Collection[str] = (),
        blocked: Collection[str] = (),
        lacking: Collection[str] = (),
        unknown: Collection[str] = (),
        absent: Collection[str] = (),
        roms: Mapping[str, int] | None = None,
        max_cpus: int | None = None,
    ) -> None:
        self.assumptions = tuple(assumptions)
        self._unknown = tuple(unknown)
        self.schema = schema
        self.stream = stream
        recorded = () if stream is None else stream.capabilities
        self.capabilities = tuple(dict.fromkeys((*capabilities, *recorded)))
        self.blocked = tuple(blocked)
        self.lacking = tuple(dict.fromkeys(lacking))
        self.absent = frozenset(absent)
        self.roms: Mapping[str, int] = {} if roms is None else roms
        self.max_cpus = max_cpus
        self._offered = offered
        self.features: Mapping[tuple[str, int], int] = {} if features is None else features
        self._release = release
        self._label = label

    def __repr__(self) -> str:
        return brief("Destination", self.label)

    @property
    def label(self) -> str:
        """What to call it; the names of its files where nothing else was said."""
        return self._label or " and ".join(
            one.name for one in (self.schema, self.stream) if one is not None
        )

    @cached_property
    def damage(self) -> StreamError | None:
        """The first damage of its own stream: behind that nobody knows what it has."""
        return None if self.stream is None else fatal(self.stream)

    # --- release ---------------------------------------------------------------------------------

    @cached_property
    def release(self) -> Bounds:
        """As given, else from what its schema and its stream show of it (`analysis.identify`)."""
        if self._release is not None:
            return Bounds.of(self._release)
        bounds = Bounds() if self.schema is None else declared_by(self.schema)
        return bounds if self.stream is None else bounds.narrowed(written_by(self.stream))

    # --- capabilities ----------------------------------------------------------------------------

    def on(self, capability: str) -> bool:
        """Whether a capability is on there."""
        return capability in self.capabilities

    def offers(self, capability: str) -> bool | None:
        """Whether it has a capability, on or off; None where that is not known."""
        if self._offered is not None:
            return capability in self._offered
        return has_capability(capability, self.release)

    # --- sections --------------------------------------------------------------------------------

    @cached_property
    def devices(self) -> dict[tuple[str, int], Device]:
        """Devices of its own stream."""
        return {} if self.stream is None else {d.section.key: d for d in self.stream.devices}

    @cached_property
    def live(self) -> dict[tuple[str, int], Section]:
        """Live sections (START) of its own stream, as far as its head shows them."""
        from migstream.wire.model import Section, SectionType

        items = () if self.stream is None else self.stream.head
        return {i.key: i for i in items if isinstance(i, Section) and i.type is SectionType.START}

    def tells_of(self, name: str) -> bool:
        """Whether its stream says if it has a section or RAM block of that name."""
        return self.stream is not None and not name.startswith(self._unknown)

    def sections_of(self, name: str) -> list[Device]:
        return [d for (n, _), d in self.devices.items() if n == name]

    def sections_ending(self, name: str) -> list[Device]:
        """Devices whose name, without the path of the device, is this."""
        return [d for (n, _), d in self.devices.items() if n.rpartition("/")[2] == name]

    @cached_property
    def _called(self) -> dict[str, list[Device]]:
        """Its devices by their names without places, in the order in which it saves them."""
        found: dict[str, list[Device]] = {}
        for (name, _), device in self.devices.items():
            found.setdefault(name.rpartition("/")[2], []).append(device)
        return found

    def handler(self, name: str, instance: int) -> Device | None:
        """The device that a section is loaded by.

        References
        ----------
        QEMU, migration/savevm.c: find_se (the first whose name and instance id these are, or the alias of the id; or
        whose name is this without the device's path, as machines before 1.0 sent it)
        """
        found = self.devices.get((name, instance))
        if "/" in name:
            return found
        alias = LEGACY_IDS.get(name, {}).get(instance)
        if found is None and alias is not None:
            found = self.devices.get((name, alias))
        placed = 0
        for device in self._called.get(name, ()):
            if device is found:
                return found
            if "/" in device.name:
                if placed == instance:
                    return device
                placed += 1
        return found

    # --- VMStates --------------------------------------------------------------------------------

    @cached_property
    def subsections(self) -> dict[str, Node]:
        """Subsections that its own stream has, by name."""
        found: dict[str, Node] = {}
        for device in self.devices.values():
            if device.layout is not None:
                _collect(device.layout.children, found)
        return found

    def knows(self, vmsd: str) -> bool:
        """Whether the schema has this VMState of a device, and so all that is inside."""
        return self.schema is not None and vmsd in self.schema.devices

    def types(self, vmsd: str) -> list[str]:
        """Device types of the schema whose VMState that is: what the destination can have such a section of."""
        types = {} if self.schema is None else self.schema.types
        return [
            name
            for name, one in types.items()
            if one.description is not None and one.description.name == vmsd
        ]

    def states(self, name: str) -> tuple[State, ...]:
        """VMStates of that name in the schema."""
        return () if self.schema is None else self.schema.states.get(name, ())

    def pieces(self, state: State, version: int, singles: AbstractSet[str]) -> list[Stretch]:
        """Pieces of a VMState of the schema, as they are loaded from that version."""
        assert self.schema is not None
        numbered = self.schema.numbered
        return list(pieces_of(state, numbered=numbered, version=version, singles=singles))

    def versions(self, name: str, seen: int | None) -> Versions | None:
        """Version and minimum of a VMState; `seen` is the version in the destination's stream."""
        states = self.states(name)
        if seen is not None:
            states = tuple(s for s in states if s.version_id == seen)
        if states:
            version = max(s.version_id for s in states)
            return Versions(version, min(s.minimum_version_id for s in states))
        return None if seen is None else Versions(seen, None)

    def by_hand(self, name: str) -> Versions | None:
        """Version and minimum of a VMState that the schema would have, if it were not registered by hand."""
        return None if self.schema is None or self.knows(name) else BY_HAND.get(name)

    def lacks(self, subsection: str) -> bool:
        """Whether its release is older than a subsection that no schema shows."""
        since = SUBSECTION_SINCE.get(subsection)
        return since is not None and self.release.until(since)


@contextmanager
def as_destination(what: Destination | Stream | Openable) -> Iterator[Destination]:
    """What is known of a destination: as it is, or by its stream or its `-dump-vmstate` file alone."""
    if isinstance(what, Destination):
        yield what
    elif isinstance(what, str | PathLike) and is_schema(fspath(what)):
        yield Destination(schema=open_schema(what))
    else:
        with as_stream(what) as stream:
            yield Destination(stream=stream)


def _collect(nodes: tuple[Node, ...], found: dict[str, Node]) -> None:
    for node in nodes:
        if node.kind == "subsection":
            found.setdefault(node.name, node)
        if node.children:
            _collect(node.children, found)


# Subsections by the first of the releases 7.2, 8.2, 10.0 and 11.1 that knows them: of what is registered by hand,
# which no schema has (target/*/machine.c, hw/virtio/virtio.c), and of devices, for where there is no schema.
SUBSECTION_SINCE: dict[str, Version] = {
    "acpi-ged/cpuhp": (10, 0),
    "acpi-ged/hest": (11, 1),
    "acpi-ged/pcihp": (11, 1),
    "cpu/amd_tsc_scale_msr": (7, 2),
    "cpu/apx": (11, 1),
    "cpu/arch_lbr": (7, 2),
    "cpu/bhrb": (10, 0),
    "cpu/cet": (11, 1),
    "cpu/cet_shstk": (11, 1),
    "cpu/ctr": (10, 0),
    "cpu/elp": (10, 0),
    "cpu/error_code": (11, 1),
    "cpu/event": (11, 1),
    "cpu/fpmr": (11, 1),
    "cpu/fred": (10, 0),
    "cpu/intel_amx_xtile": (7, 2),
    "cpu/intel_sgx": (7, 2),
    "cpu/jvt": (10, 0),
    "cpu/lasx": (10, 0),
    "cpu/lbt": (10, 0),
    "cpu/lsx": (10, 0),
    "cpu/m/mve": (7, 2),
    "cpu/mseccfg": (10, 0),
    "cpu/msgint": (11, 1),
    "cpu/msr_hwcr": (10, 0),
    "cpu/msr_pl0_ssp": (11, 1),
    "cpu/msr_xfd": (7, 2),
    "cpu/pdptrs": (7, 2),
    "cpu/pkrs": (7, 2),
    "cpu/pmsav8/pmsav8r": (10, 0),
    "cpu/pstate64": (11, 1),
    "cpu/reservation": (10, 0),
    "cpu/rtas_stopped": (11, 1),
    "cpu/smtateen": (10, 0),
    "cpu/ssp": (10, 0),
    "cpu/svm_guest": (7, 2),
    "cpu/syndrome64": (11, 1),
    "cpu/timer": (10, 0),
    "cpu/tlb_entry": (10, 0),
    "cpu/triple_fault": (7, 2),
    "cpu/vfp/fpcr_fpsr": (10, 0),
    "cpu/wfxt-timer": (10, 0),
    "cpu/xen_vcpu": (10, 0),
    "cpu/zt0": (11, 1),
    "i8259/ltim": (8, 2),
    "ich9_pm/pcihp": (7, 2),
    "pckbd/extended_state": (7, 2),
    "scsi-disk/pr": (11, 1),
    "sd-card/ext_csd_modes-state": (10, 0),
    "tpm-crb/chunk": (11, 1),
    "vhost-user-blk/inflight": (11, 1),
    "virtio/128bit_features": (11, 1),
    "virtio_pci/modern_state/features128": (11, 1),
}

# Subsections with a timer that a device without the feature does not have, and what gives it one; QEMU does not look
# before it loads and ends in an assertion: target/arm/machine.c, target/riscv/machine.c.
NEEDS_TIMER = {
    "cpu/timer": "the same CPU model (-cpu); a release that gives it the same features",
    "cpu/wfxt-timer": "the same CPU model (-cpu); a release that gives it the same features",
    # hw/acpi/ich9.c: vmstate_tco_io_state; those of before 8.0 have it whatever they were told
    "ich9_pm/tco": "start without -global ICH9-LPC.enable_tco=off",
}

# Instance ids that QEMU still takes for ISA devices: their first port
# (qdev_set_legacy_instance_id; hw/core/qdev.c, and each device).
LEGACY_IDS: dict[str, dict[int, int]] = {
    "fdc": {0x3F0: 0},
    "i8254": {0x40: 0},
    "i8259": {0x20: 0, 0xA0: 1},
    "mc146818rtc": {0x70: 0},
    "parallel_isa": {0x378: 0, 0x278: 1},
    "serial": {0x3F8: 0, 0x2F8: 1, 0x3E8: 2, 0x2E8: 3},
}
