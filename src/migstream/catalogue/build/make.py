"""A catalogue of one binary: what it says of itself, its machines in many forms, what each device adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from migstream.catalogue.build.about import Machine, Told, tell
from migstream.catalogue.build.devices import INNER, Job, on_buses, on_pci, with_placeless
from migstream.catalogue.build.helpers import PARENTS
from migstream.catalogue.build.options import machine_words, part_options, worth
from migstream.catalogue.build.snapshot import Bench
from migstream.catalogue.files import write_catalogue
from migstream.catalogue.model import Added, Family, Image, Index, Made, State
from migstream.errors import QemuError
from migstream.qemu.ask import schema
from migstream.qemu.release import machine_version
from migstream.source.temporary import temporary_folder

__all__ = ["build"]

BARE = ("-nodefaults",)
# How every machine type is started, by what the image is called.
FORMS: dict[str, tuple[str, ...]] = {
    "tcg": ("-accel", "tcg", *BARE),
    "tcg defaults": ("-accel", "tcg"),
    "tcg smp=2": ("-accel", "tcg", *BARE, "-smp", "2"),
    "kvm": ("-accel", "kvm", *BARE),
    "kvm smp=2": ("-accel", "kvm", *BARE, "-smp", "2"),
    "kvm defaults": ("-accel", "kvm"),
    "kvm split": ("-accel", "kvm,kernel-irqchip=split", *BARE),
    "kvm off": ("-accel", "kvm,kernel-irqchip=off", *BARE),
}
BUSES = {"", "ISA", "System", *PARENTS}  # beside PCI, on which a device is made
# What needs another process, a device or an image of this host before it is made.
ELSEWHERE = (
    "vhost-",
    "vfio-",
    "ivshmem-",
    "xen-",
    "x-pci-proxy",
    "cxl-",
    "virtio-input-host",
    "ufs",
)
BOARDS = {
    "isapc",
    "microvm",
    "pseries",
}  # families with nothing on PCI of which devices are tried, too
# The bridge behind which devices are tried on every machine type, as virtual machines have them, and boards without its bus.
EXPRESS = "pcie-root-port"
CONVENTIONAL = {"pc-i440fx", "isapc"}
SAME_CPUS = ("x86_64", "i386")  # targets of which every CPU model sends the same fields
MEMORY = ("32", "256", "")  # MiB, the first with which a machine starts


def build(
    command: Sequence[str], path: Path, said: Callable[[str], None], *, replace: bool = False
) -> Index:
    """Make the catalogue of a binary and write it to `path`.

    Parameters
    ----------
    command : a path or name, or a wrapper and what it runs
    said : told what is being done, a line each
    replace : whether a file that is there is written over

    Raises
    ------
    QemuError : it does not start, or does not answer
    """
    told = tell(command)
    families: dict[str, list[Machine]] = {}
    for machine in told.machines:
        stem, _ = machine_version(machine.name)
        families.setdefault(stem, []).append(machine)
    made: list[Made] = []
    parts: dict[str, tuple[Family, Sequence[State]]] = {}
    with temporary_folder() as folder:
        for stem, machines in families.items():
            said(f"{stem}: {len(machines)} machine types")
            bench = Bench(command, folder / "stream.mig")
            family = _family(bench, told, machines)
            if family is not None:
                parts[stem] = family, bench.states.all
                made.append(Made(f"-M {stem}…", bench.runs))
        schema(command, ["-M", "none"], folder / "schema.json")
        text = (folder / "schema.json").read_bytes()
    return write_catalogue(path, told, parts, text, made, replace=replace)


def _family(bench: Bench, told: Told, machines: Sequence[Machine]) -> Family | None:
    """Machine types of one board; None where none of them starts."""
    ordered = sorted(machines, key=lambda m: machine_version(m.name)[1] or ())
    images: dict[str, dict[str, Image]] = {}
    words: dict[str, list[str]] = {}
    for machine in ordered:
        found = _machine(bench, machine.name)
        if found is not None:
            words[machine.name], images[machine.name] = found
    if not images:
        return None
    newest = next(reversed(images))
    base = images[newest]["tcg"]
    start = [*words[newest], *FORMS["tcg"]]
    again = bench.take(start)
    bench.noisy = {
        one.key for one, other in zip(base.sections, again.sections, strict=False) if one != other
    }
    devices: dict[str, dict[str, Added]] = {}
    options: dict[str, dict[str, Added]] = {}
    changed: dict[str, Image] = {}
    cpus: dict[str, Image] = {}
    behind: dict[str, dict[str, dict[str, Added]]] = {}
    if base.pci or machine_version(newest)[0] in BOARDS:
        properties = next(m.options for m in machines if m.name == newest)
        more = {
            name: [*start, *words]
            for name, words in machine_words(bench, start, newest, properties)
        }
        changed = {
            name: image for name, image in _tried(bench, more) if worth(image, base, bench.noisy)
        }
        devices, options = _devices(bench, told, images, words, newest)
        if machine_version(newest)[0] not in CONVENTIONAL and EXPRESS in devices[newest]:
            behind = {EXPRESS: _behind(bench, told, images, words, devices, newest)}
        if told.target not in SAME_CPUS:
            models = {model: [*start, "-cpu", model] for model in told.about.cpus}
            cpus = dict(_tried(bench, models))
    return Family(newest, (), images, devices, changed, options, cpus, behind)


def _tried(bench: Bench, lines: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Image]]:
    """The images of those command lines with which a machine starts."""
    for name, words in lines.items():
        try:
            yield name, bench.take(words)
        except QemuError:
            continue


def _machine(bench: Bench, name: str) -> tuple[list[str], dict[str, Image]] | None:
    """A machine type in all its forms, and what starts it."""
    for memory in MEMORY:
        words = ["-M", name, *(("-m", memory) if memory else ())]
        try:
            images = {"tcg": bench.take([*words, *FORMS["tcg"]])}
        except QemuError:
            continue
        for form, more in FORMS.items():
            if form not in images and (form == "kvm" or "kvm" in images or form[:3] == "tcg"):
                try:
                    images[form] = bench.take([*words, *more])
                except QemuError:
                    continue
        return words, images
    return None


def _devices(
    bench: Bench,
    told: Told,
    images: dict[str, dict[str, Image]],
    words: dict[str, list[str]],
    newest: str,
) -> tuple[dict[str, dict[str, Added]], dict[str, dict[str, Added]]]:
    """What each device type adds to each machine type, and with each property to the newest."""
    types = told.about.types
    start = [*words[newest], *FORMS["tcg"]]
    base = images[newest]["tcg"]
    pci = [
        Job(name, kind)
        for name, kind in types.items()
        if kind.bus == "PCI" and not name.startswith(ELSEWHERE)
    ]
    others = [Job(name, kind) for name, kind in types.items() if kind.bus in BUSES]
    found = _kept(on_buses(bench, start, base, others))
    options: dict[str, dict[str, Added]] = {}
    # one by one: what a device adds to no place of its own is not told apart on a machine with many
    found |= _kept(one for job in pci for one in on_pci(bench, start, base, [job]))
    pci = [job for job in pci if job.name in found]
    jobs = [Job(job.name, job.kind, (option,)) for job in pci for option in part_options(job.kind)]
    for bridge in INNER:
        if bridge in found:
            jobs += [Job(job.name, job.kind, (), (bridge, types[bridge])) for job in pci]
    for job, added in on_pci(bench, start, base, jobs):
        if isinstance(added, Added):
            whole = with_placeless(added, found[job.name])
            name = job.more[0] if job.behind is None else f"bus={job.behind[0]}"
            if whole != found[job.name]:
                options.setdefault(job.name, {})[name] = whole
    devices = {newest: found}
    for name in images:
        if name != newest and pci:
            begin = [*words[name], *FORMS["tcg"]]
            older = _kept(on_pci(bench, begin, images[name]["tcg"], pci))
            devices[name] = {one: with_placeless(added, found[one]) for one, added in older.items()}
    return devices, options


def _behind(
    bench: Bench,
    told: Told,
    images: dict[str, dict[str, Image]],
    words: dict[str, list[str]],
    devices: dict[str, dict[str, Added]],
    newest: str,
) -> dict[str, dict[str, Added]]:
    """What each device on PCI adds behind a port, of every machine type but the newest.

    Capabilities that it has there alone depend on the machine type, too.
    """
    types = told.about.types
    found: dict[str, dict[str, Added]] = {}
    refused: set[str] = set()  # by an older machine type: each one costs some starts
    for name in images:
        if name != newest and EXPRESS in devices.get(name, {}):
            jobs = [
                Job(one, types[one], (), (EXPRESS, types[EXPRESS]))
                for one in devices[name]
                if types[one].bus == "PCI" and one not in refused
            ]
            begin = [*words[name], *FORMS["tcg"]]
            parts = _kept(on_pci(bench, begin, images[name]["tcg"], jobs))
            refused |= {job.name for job in jobs} - parts.keys()
            found[name] = {
                one: with_placeless(added, devices[name][one]) for one, added in parts.items()
            }
    return found


def _kept(results: Iterable[tuple[Job, Added | str]]) -> dict[str, Added]:
    return {job.name: added for job, added in results if isinstance(added, Added)}
