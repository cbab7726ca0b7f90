"""A catalogue of one binary: what it says of itself, its machines in many forms, what each device adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from migstream.catalogue.build.about import Machine, Told, tell
from migstream.catalogue.build.boards import FORMS, boards, forms, memory, starts, tried
from migstream.catalogue.build.devices import (
    INNER,
    OWN,
    Job,
    on_buses,
    on_own,
    on_pci,
    transports,
)
from migstream.catalogue.build.helpers import PARENTS
from migstream.catalogue.build.older import Placeless
from migstream.catalogue.build.options import (
    BASES,
    built_in_options,
    cpu_options,
    cpu_words,
    global_words,
    machine_options,
    once_each,
    part_options,
    started_options,
    worth,
)
from migstream.catalogue.build.snapshot import WORDS, Bench
from migstream.catalogue.files import Catalogue, write_catalogue
from migstream.catalogue.model import (
    UNKNOWN,
    Added,
    Family,
    Image,
    Index,
    Lines,
    Provenance,
    with_placeless,
)
from migstream.catalogue.values import CPU_OPTIONS, PLAIN, SAME_CPUS, WHOLE
from migstream.catalogue.varied import model_of
from migstream.errors import QemuError
from migstream.qemu.ask import schema
from migstream.source.temporary import temporary_folder

__all__ = ["build"]

BUSES = {
    "",
    "ISA",
    "System",
    "s390-sclp-events-bus",
    *PARENTS,
}  # beside PCI, on which a device is made
# What needs another process, a device or an image of this host before it is made.
ELSEWHERE = (
    "vhost-",
    "vfio-",
    "ivshmem-doorbell",
    "xen-",
    "x-pci-proxy",
    "cxl-",
    "virtio-input-host",
    "ufs",
)
# Boards on which a device behind a bridge is as it is before it, and each bridge takes long.
FLAT = {"pseries"}
# The bridge behind which devices are tried on every machine type, as virtual machines have them, and boards without its bus.
EXPRESS = "pcie-root-port"
CONVENTIONAL = {"pc-i440fx", "isapc", "pseries", "mac99", "g3beige"}
EMPTY_SCHEMA = b'{"vmschkmachine": {"Name": "none"}}'
# Words of a QEMU that does not save, and not load, a machine with a device (migration/savevm.c: qemu_savevm_state_blocked).
BLOCKED = "State blocked by non-migratable device"


def build(
    command: Sequence[str],
    path: Path,
    said: Callable[[str], None],
    names: Sequence[str] = (),
    *,
    like: Catalogue | None = None,
    replace: bool = False,
) -> Index:
    """Make the catalogue of a binary and write it to `path`.

    Parameters
    ----------
    command : a path or name, or a wrapper and what it runs
    said : told what is being done, a line each
    names : what people call this QEMU (`rhel-9.4`)
    like : the catalogue of another target of the same release: what is the same there is not tried again, nor kept twice
    replace : whether a file that is there is written over

    Raises
    ------
    QemuError : it does not start, or does not answer
    """
    told = tell(command)
    made: dict[str, Lines] = {}
    parts: dict[str, Family] = {}
    sizes: dict[str, int] = {}
    with temporary_folder() as folder:
        bench = Bench(command, folder / "stream.mig", () if like is None else like.states)
        for stem, machines in boards(told.machines).items():
            said(f"{stem}: {len(machines)} machine types")
            bench.lines = []
            family = _Family(bench, told, stem, machines, like).made()
            if family is not None:
                parts[stem] = family
                found = ((name, memory(bench, name)) for name in family.images)
                sizes |= {name: size for name, size in found if size is not None}
                made[stem] = Lines(tuple(bench.lines), tuple(sorted(bench.noisy)))
        text = _schema(command, folder / "schema.json", said)
    states = bench.states.all
    provenance = Provenance(WORDS, made)
    return write_catalogue(
        path, told, parts, states, text, provenance, names, sizes, like=like, replace=replace
    )


def _schema(command: Sequence[str], path: Path, said: Callable[[str], None]) -> bytes:
    """What it says of its VMStates; of none where it ends over that, as 5.2 does for POWER."""
    try:
        schema(command, ["-M", "none"], path)
    except QemuError as error:
        said(f"no schema: {error}")
        return EMPTY_SCHEMA
    return path.read_bytes()


class _Started(NamedTuple):
    """What starts the newest machine type of a family, bare, and the image that it has."""

    name: str
    words: list[str]
    image: Image


class _Family:
    """Machine types of one board, looked at one after the other.

    Parameters
    ----------
    stem : what their names begin with
    like : a catalogue that may have the same board
    """

    def __init__(
        self,
        bench: Bench,
        told: Told,
        stem: str,
        machines: Sequence[Machine],
        like: Catalogue | None,
    ) -> None:
        self.bench = bench
        self.told = told
        self.stem = stem
        self.machines = machines
        self.other = None if like is None else like.part_of(stem)
        self.words: dict[str, list[str]] = {}
        self.images: dict[str, dict[str, Image]] = {}

    def made(self) -> Family | None:
        """All of them; None where none starts."""
        for machine in self.machines:
            self._machine(machine.name)
        if not self.images:
            return None
        name = next(reversed(self.images))
        newest = _Started(name, [*self.words[name], *FORMS["tcg"]], self.images[name]["tcg"])
        whole = self.stem in WHOLE or (self.told.target in SAME_CPUS and bool(newest.image.pci))
        if not whole and self.stem not in PLAIN:
            return Family(name, self.images, {}, {}, {}, {})
        again = self.bench.take(newest.words)
        self.bench.noisy = {
            one.key
            for one, other in zip(newest.image.sections, again.sections, strict=False)
            if one != other
        }
        if self.other is not None:
            return self._supplement(newest, self.other)
        places = transports(self.bench, newest.words)
        if not whole:
            at = self.bench, newest.words, newest.image
            jobs = self._on_pci() if newest.image.pci else []
            found = self._kept(chain(on_pci(*at, jobs), on_own(*at, self._on_own(), places)))
            devices = {name: found} if found else {}
            return Family(name, self.images, devices, {}, {}, {}, places)
        changed = self._changed(newest)
        devices, options = self._devices(newest, places)
        behind = self._behind(devices, newest.name)
        cpus = self._cpus(newest)
        return Family(name, self.images, devices, changed, options, cpus, places, behind)

    def _machine(self, name: str) -> None:
        known = next(reversed(self.words.values()), ())
        found = starts(self.bench, name, self.stem, known)
        if found is None:
            return
        self.words[name], bare = found
        other = {} if self.other is None else self.other.images.get(name, {})
        if "tcg" in other and self.bench.alike(bare, other["tcg"]):
            self.images[name] = {
                form: msgspec.structs.replace(image, run=UNKNOWN) for form, image in other.items()
            }
        else:
            self.images[name] = forms(
                self.bench, self.words[name], bare, self.stem, self.told.target
            )

    def _supplement(self, newest: _Started, other: Family) -> Family:
        """What differs from the same board of another target."""
        found = other.devices.get(other.newest, {})
        jobs = [job for job in self._on_pci() if job.name in found]
        own = {
            name: added
            for name, added in self._kept(
                on_pci(self.bench, newest.words, newest.image, jobs)
            ).items()
            if with_placeless(added, found[name]) != found[name]
        }
        same = self.told.target in SAME_CPUS or newest.image == other.images[other.newest]["tcg"]
        changed = {} if same or not other.changed else self._changed(newest)
        alike = self.told.target in SAME_CPUS or not other.cpus
        cpus = {} if alike else self._cpus(newest)
        if same:  # but for models that are others here, as the `max` of arm is
            models = {model_of(name) for name in cpus}
            differ = {one for one in models if cpus.get(one) != other.cpus.get(one)}
            cpus = {name: image for name, image in cpus.items() if model_of(name) in differ}
        return Family(
            newest.name, self.images, {newest.name: own} if own else {}, changed, {}, cpus
        )

    # --- the machine -------------------------------------------------------------------------------

    def _changed(self, newest: _Started) -> dict[str, Image]:
        """Images with each property of the machine, of what is built into it, of its CPUs."""
        options = next(m.options for m in self.machines if m.name == newest.name)
        options = options or started_options(self.bench, newest.words)
        lines = (
            (f"-machine {one}", ["-M", f"{newest.name},{one}"]) for one in machine_options(options)
        )
        found = self._worth(newest.words, lines, newest.image)
        for names in once_each(built_in_options(self.bench, newest.words)):
            found |= self._sought(newest.words, names, global_words, newest.image)
        for first in [name for name in found if name.partition(" ")[2].startswith(BASES)]:
            above = [*newest.words, "-M", f"{newest.name},{first.partition(' ')[2]}"]
            more = [
                (f"{first},{name}", ["-M", f"{newest.name},{name}"])
                for name in machine_options(options)
                if not name.startswith(BASES)
            ]
            again = dict(tried(self.bench, {"": above})).get("", found[first])
            noise = self.bench.noisy | {
                one.key
                for one, other in zip(found[first].sections, again.sections, strict=False)
                if one != other
            }
            found |= self._worth(above, more, found[first], noise)
            found |= tried(self.bench, {f"{first} smp=2": [*above, "-smp", "2"]})
        return found

    def _worth(
        self,
        start: Sequence[str],
        lines: Iterable[tuple[str, list[str]]],
        base: Image,
        noise: set[tuple[str, int]] | None = None,
    ) -> dict[str, Image]:
        """The images that differ from another one, by name."""
        images = tried(self.bench, {name: [*start, *words] for name, words in lines})
        noise = self.bench.noisy if noise is None else noise
        return {
            name: image
            for name, image in images
            if worth(image, base, noise, self.bench.states.all)
        }

    def _sought(
        self,
        start: Sequence[str],
        names: Sequence[str],
        words: Callable[[Sequence[str]], list[str]],
        base: Image,
    ) -> dict[str, Image]:
        """The same where few of many differ: all at once, and the halves where that is another image, or none."""
        if not names:
            return {}
        image = dict(tried(self.bench, {"": [*start, *words(names)]})).get("")
        if image is not None and not worth(image, base, self.bench.noisy, self.bench.states.all):
            return {}
        if len(names) == 1:
            return {} if image is None else {names[0]: image}
        half = len(names) // 2
        first, second = (
            self._sought(start, some, words, base) for some in (names[:half], names[half:])
        )
        return first | second

    def _cpus(self, newest: _Started) -> dict[str, Image]:
        """Images with each CPU model, and with what the machine and the model's properties change of it."""
        machine = next(m for m in self.machines if m.name == newest.name)
        own = {option.name for option in machine.options}
        every = SAME_CPUS.get(self.told.target, self.told.about.cpus)
        found = dict(tried(self.bench, {model: [*newest.words, "-cpu", model] for model in every}))
        if self.told.target in SAME_CPUS:
            base = self._fields(newest.image)
            return {model: one for model, one in found.items() if self._fields(one) != base}
        switched = [
            ",".join(some)
            for some in CPU_OPTIONS
            if own.issuperset(o.partition("=")[0] for o in some)
        ]
        for model, image in list(found.items()):
            lines = [
                (f"{model} -machine {some}", ["-M", f"{newest.name},{some}", "-cpu", model])
                for some in switched
            ]
            found |= self._worth(newest.words, lines, image)
        for model in (machine.cpu, "max"):
            properties = cpu_options(self.told.models.get(model, ()), self.told.target)
            for names in once_each(properties if model in found else ()):
                differ = self._sought(newest.words, names, partial(cpu_words, model), found[model])
                found |= {f"{model},{name}": image for name, image in differ.items()}
        return found

    def _fields(self, image: Image) -> set[tuple[str, int, bytes]]:
        """What an image's sections hold, whatever its value is."""
        states = self.bench.states.all
        return {(*one.key, states[one.state].text) for one in image.sections}

    # --- devices -----------------------------------------------------------------------------------

    def _on_pci(self) -> list[Job]:
        return [
            Job(name, kind)
            for name, kind in self.told.about.types.items()
            if kind.bus == "PCI" and not name.startswith(ELSEWHERE)
        ]

    def _on_own(self) -> list[Job]:
        return [
            Job(name, kind)
            for name, kind in self.told.about.types.items()
            if kind.bus in OWN and not name.startswith(ELSEWHERE)
        ]

    def _devices(
        self, newest: _Started, places: Sequence[str]
    ) -> tuple[dict[str, dict[str, Added]], dict[str, dict[str, Added]]]:
        """What each device type adds to each machine type, and with each property to the newest."""
        types = self.told.about.types
        on_board = self.bench, newest.words, newest.image
        others = [
            Job(name, kind)
            for name, kind in types.items()
            if kind.bus in BUSES and not name.startswith(ELSEWHERE)
        ]
        found = self._kept(on_buses(*on_board, others))
        own = self._on_own()
        found |= self._kept(one for job in own for one in on_own(*on_board, [job], places))
        own = [job for job in own if job.name in found]
        # one by one: what a device adds to no place of its own is not told apart on a machine with many
        found |= self._kept(one for job in self._on_pci() for one in on_pci(*on_board, [job]))
        pci = [job for job in self._on_pci() if job.name in found]
        jobs = _with_options(pci)
        for bridge in INNER:
            if bridge in found and self.stem not in FLAT:
                jobs += [Job(job.name, job.kind, (), (bridge, types[bridge])) for job in pci]
        options: dict[str, dict[str, Added]] = {}
        for job, added in chain(
            on_pci(*on_board, jobs), on_own(*on_board, _with_options(own), places)
        ):
            if isinstance(added, Added):
                whole = with_placeless(added, found[job.name])
                name = job.more[0] if job.behind is None else f"bus={job.behind[0]}"
                if whole != found[job.name]:
                    options.setdefault(job.name, {})[name] = whole
        devices = {newest.name: found}
        placeless = Placeless(types, found)
        for name, images in self.images.items():
            if name != newest.name and pci + own:
                begin = [*self.words[name], *FORMS["tcg"]]
                at = self.bench, begin, images["tcg"]
                jobs = [job._replace(known=found[job.name]) for job in pci]
                known = [job._replace(known=found[job.name]) for job in own]
                older = self._kept(chain(on_pci(*at, jobs), on_own(*at, known, places)))
                devices[name] = {
                    one: with_placeless(added, found[one]) for one, added in older.items()
                }
                devices[name] |= dict(placeless.on(*at))
        return devices, options

    def _behind(
        self, devices: Mapping[str, Mapping[str, Added]], newest: str
    ) -> dict[str, dict[str, dict[str, Added]]]:
        """What each device on PCI adds behind a port, of every machine type but the newest.

        Capabilities that it has there alone depend on the machine type, too.
        """
        types = self.told.about.types
        found: dict[str, dict[str, Added]] = {}
        for name, images in self.images.items():
            if name == newest or self.stem in CONVENTIONAL or EXPRESS not in devices.get(name, {}):
                continue
            jobs = [
                Job(one, types[one], (), (EXPRESS, types[EXPRESS]), devices[name][one])
                for one in devices[name]
                if types[one].bus == "PCI"
            ]
            begin = [*self.words[name], *FORMS["tcg"]]
            parts = self._kept(on_pci(self.bench, begin, images["tcg"], jobs))
            found[name] = {
                one: with_placeless(added, devices[name][one]) for one, added in parts.items()
            }
        return {EXPRESS: found} if found else {}

    def _kept(self, results: Iterable[tuple[Job, Added | str]]) -> dict[str, Added]:
        """What was added; of types that cannot be migrated at all, the words are noted."""
        types = self.told.about.types
        found = {}
        for job, added in results:
            if isinstance(added, Added):
                found[job.name] = added
            elif BLOCKED in added:
                types[job.name] = msgspec.structs.replace(types[job.name], refused=added)
        return found


def _with_options(jobs: Iterable[Job]) -> list[Job]:
    return [Job(job.name, job.kind, (option,)) for job in jobs for option in part_options(job.kind)]
