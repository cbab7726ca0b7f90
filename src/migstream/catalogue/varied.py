"""What options of a machine and CPU models make of it: images of its newest version with each, alone or with another."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import msgspec

from migstream.catalogue.arguments import Wanted, is_on
from migstream.catalogue.changes import Machine
from migstream.catalogue.levels import with_level
from migstream.catalogue.model import Family, Image, State
from migstream.catalogue.standing import standing_image
from migstream.catalogue.values import CPU_OPTIONS, SAME_CPUS
from migstream.qemu.release import Version

__all__ = ["Varied", "model_of", "switch", "varied_by", "without_msi"]

NEWER = {
    "gic-version=4": "gic-version=3",
    "gic-version=max": "gic-version=3",
}  # have no register more
# Properties that machine types up to a version give those of their CPUs that have them, whatever was asked for
# (hw/arm/virt.c: machvirt_init).
FORCED: dict[str, Version] = {"pmu=off": (2, 6), "lpa2=off": (6, 2)}
RARE = ("lpa2=off",)  # no other model has it than those that were tried with it
# Those that their CPUs have by themselves: hw/core/machine.c: hw_compat_9_0, hw_compat_9_2.
OLDER: dict[str, Version] = {
    "backcompat-cntfrq=on": (9, 0),
    "backcompat-pauth-default-use-qarma5=on": (9, 2),
}
# What no machine type has by itself (hw/ppc/spapr.c: spapr_get_max_cpu_compat).
UNSET = ("-machine max-cpu-compat",)
# One of these that another property makes nothing of.
VOID = {"backcompat-pauth-default-use-qarma5=on": "pauth=off"}
# The model with which properties are tried that another one was not tried with: it has all that there are.
MOST = "max"
# What a machine has by itself for more CPUs than its interrupt controller serves (hw/arm/virt.c: finalize_gic_version).
LARGE = "-machine gic-version=3"
FEW = 8
NO_ITS = (6, 1)
MSI, OTHER_MSI, MSI_SINCE = "msi", ("off", "gicv2m"), (11, 0)
GICV3, ITS = ("arm_gicv3", 0), ("arm_gicv3_its", 0)
CPU = "cpu"


def switch(value: str) -> str:
    """A switch's value as it was tried."""
    known = is_on(value)
    return value if known is None else ("off", "on")[known]


def model_of(name: str) -> str:
    """The CPU model of an image: of `max,pmu=off` and of `max -machine secure=on` it is `max`."""
    return re.split("[, ]", name, maxsplit=1)[0]


def varied_by(own: Family, others: Family) -> Family:
    """Which family says what options and CPU models change; a supplement has those models that are others there.

    Parameters
    ----------
    own : the target's own
    others : of the target that it is a supplement to, its own where it is none
    """
    if own.changed:
        return own
    models = {model_of(name) for name in own.cpus}
    kept = {name: image for name, image in others.cpus.items() if model_of(name) not in models}
    return msgspec.structs.replace(others, cpus=kept | own.cpus)


def without_msi(machine: Machine, release: Version) -> bool:
    """Whether no device has MSI, as what takes it is not there; later each has it all the same.

    References
    ----------
    QEMU, hw/arm/virt.c: create_its, create_v2m, virt_set_msi
    """
    return release < MSI_SINCE and GICV3 in machine.sections and ITS not in machine.sections


class Varied:
    """The changes that a machine's options and its CPU model make.

    Parameters
    ----------
    family : of which the images are
    version : of the machine type
    own : the machine type's own image, as it is started
    """

    def __init__(self, family: Family, wanted: Wanted, version: Version | None, own: Image) -> None:
        self._own = own
        self._changed = family.changed
        self._cpus = family.cpus
        self._base = family.images[family.newest]["tcg"]
        self._tried = {name.partition("=")[0] for name in family.changed}
        self._wanted = wanted
        self._older, self._forced = (
            [name for name, last in table.items() if version is not None and version <= last]
            for table in (OLDER, FORCED)
        )
        options = [f"{name}={switch(value)}" for name, value in wanted.options.items()]
        if LARGE in self._changed and wanted.max_cpus > FEW and "gic-version" not in wanted.options:
            options.append(LARGE.partition(" ")[2])
        # one that brings another interrupt controller, with which the others were tried as well
        firsts = (f"-machine {option}" for option in options)
        self._first = next((one for one in firsts if f"{one} smp=2" in self._changed), None)
        model, *self._features = (wanted.cpu or "").split(",")
        # ppc's are found in capitals, too (target/ppc/cpu_init.c: ppc_cpu_class_by_name)
        self._model = model if model in self._cpus else model.lower()
        tcg = wanted.accelerator in (None, "tcg")
        # no ITS of TCG's up to this version (hw/arm/virt.c: virt_machine_6_1_options), where there is one at all
        older = tcg and self._first and version and version <= NO_ITS
        other = wanted.options.get(MSI) in OTHER_MSI
        self._options = wanted.options | ({"its": "off"} if older or other else {})
        same = {NEWER.get(option, option) for option in options}
        some = max((one for one in CPU_OPTIONS if same.issuperset(one)), key=len, default=())
        self._image = self._cpus.get(f"{self._model} -machine {','.join(some)}")
        # options that are in the image of the CPU model
        self._done = {one.partition("=")[0] for one in some} if self._image is not None else set()
        if self._image is None:
            self._image = self._cpus.get(self._model)

    def two_cpus(self) -> tuple[Image, Image] | None:
        """Images with one CPU, and with two, of a machine whose interrupt controller is another one than by itself."""
        if self._first is None:
            return None
        return self._changed[self._first], self._changed[f"{self._first} smp=2"]

    def options(self, machine: Machine, silent: Collection[str]) -> Iterator[str]:
        """Make the changes of the machine's own options; what is assumed."""
        first = (self._first or "").partition(" ")[2]
        if first and first.partition("=")[0] not in self._done:
            machine.change(self._base, self._changed[f"-machine {first}"])
        for name, value in self._options.items():
            option = f"{name}={switch(value)}"
            if name in silent or name in self._done or option == first:
                continue
            if with_level(machine, self._wanted, name, switch(value)):
                continue
            if not first:
                words = f"the machine's {name}={value}"
                yield from self.change(machine, f"-machine {option}", words)
        if first.partition("=")[0] not in self._done:
            self._beside(machine, first)

    def _beside(self, machine: Machine, first: str) -> None:
        """Make the changes of options that were tried with another interrupt controller."""
        for name, value in self._options.items():
            both = self._changed.get(f"-machine {first},{name}={switch(value)}")
            if first and name not in self._done and both is not None:
                machine.change(self._changed[f"-machine {first}"], both)

    def change(self, machine: Machine, what: str, words: str) -> Iterator[str]:
        """Make the change of what was added to a command line; what is assumed."""
        image, option = self._changed.get(what), what.partition("=")[0]
        before = self._base
        if option not in UNSET:
            before = standing_image(self._changed, option, self._base, self._own)
        if image is not None or option in self._tried:
            machine.change(before, image or self._base)
        else:
            yield f"{words} changes nothing of what is saved"

    def model(self, machine: Machine, known: Collection[str], *, same: bool) -> Iterator[str]:
        """Make the change of the CPU model and its properties; what is assumed.

        Parameters
        ----------
        known : models that the binary has
        same : whether all features save the same
        """
        model, image = self._model, self._image
        if same and model:
            image = self._alike(model)
        if image is not None:
            machine.change(self._default(machine), image)
            first = (self._first or "").partition(" ")[2]
            if first.partition("=")[0] in self._done:
                self._beside(machine, first)
        elif model and model not in set(known) - self._cpus.keys():
            yield f"a CPU {model} saves what the default one saves"
        for name in self._older:
            changed = self._cpus.get(f"{model},{name}")
            if changed is not None and VOID.get(name) not in self._features:
                machine.change(self._cpus[model], changed)
        for feature in () if same else self._features:
            name, _, value = feature.partition("=")
            sign = {"+": "on", "-": "off"}.get(name[:1])
            name = name.lstrip("+-")
            value = switch(value or "on") if sign is None else sign
            self._feature(machine, model, f"{name}={value}")
            if model not in self._cpus:
                yield f"the CPU's {name}={value} changes nothing of what is saved"
        for feature in self._forced:
            self._feature(machine, model, feature)

    def _feature(self, machine: Machine, model: str, feature: str) -> None:
        """Make the change of one property of a CPU, as it was tried with this model, or with the one that has all."""
        models = (model,) if feature in RARE else (model, MOST)
        tried = next((one for one in models if f"{one},{feature}" in self._cpus), None)
        if tried is not None and model in self._cpus:
            machine.change(self._cpus[tried], self._cpus[f"{tried},{feature}"])

    def _default(self, machine: Machine) -> Image:
        """The image of the CPU that the machine has by itself: of older machine types that may be another model."""
        key = next((one.key for one in self._base.sections if one.name == CPU), None)
        own = next((one for one in self._own.sections if one.key == key), None)
        if own is None:
            return self._base
        here = machine.state_of(own)
        models = (image for name, image in self._cpus.items() if not set(", ") & set(name))
        return min((self._base, *models), key=lambda image: self._differ(machine, image, here))

    def _differ(self, machine: Machine, image: Image, here: State) -> int:
        """In how many bytes an image's CPU is another one."""
        states = (machine.state_of(one) for one in image.sections if one.name == CPU)
        raw = next(states, here).payload
        pairs = zip(raw, here.payload, strict=False)
        return abs(len(raw) - len(here.payload)) + sum(a != b for a, b in pairs)

    @property
    def untold(self) -> tuple[str, ...]:
        """Names of sections and RAM blocks of which nothing is known: memory with tags is where the CPU has them."""
        tags = self._model == MOST and is_on(self._wanted.options.get("mte", "off"))
        return (CPU, "mach-virt.tag", "mach-virt.secure-tag") if tags else ()

    @property
    def without_apic(self) -> bool:
        """Whether its CPU has no APIC, so that no device has MSI (hw/intc/apic_common.c: msi_nonbroken)."""
        return self._number(self._model) != 1

    def _number(self, model: str) -> int:
        """Which of the models that were tried one is like, where all are nearly alike."""
        if self._wanted.cpus > 1:  # then each has an APIC (target/i386/cpu.c: x86_cpu_realizefn)
            return 1
        if {"-apic", "apic=off"} & set(self._features):
            return 2
        return 0 if any(model.startswith(models[0]) for models in SAME_CPUS.values()) else 1

    def _alike(self, model: str) -> Image | None:
        """The image of the CPU model that stands for one."""
        number = self._number(model)
        names = (models[number] for models in SAME_CPUS.values())
        return next((self._cpus[name] for name in names if name in self._cpus), None)
