"""Machine types as they are started: what some of them need before they start, and in which forms each is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from migstream.catalogue.build.about import Machine
from migstream.catalogue.build.snapshot import Bench
from migstream.catalogue.model import Image
from migstream.catalogue.values import SAME_CPUS, WHOLE
from migstream.errors import QemuError
from migstream.qemu.process import Qemu
from migstream.qemu.release import machine_version

__all__ = ["FORMS", "boards", "forms", "memory", "starts", "tried"]

BARE = ("-nodefaults",)
# How every machine type is started, by what the image is called.
FORMS: dict[str, tuple[str, ...]] = {
    "tcg": ("-accel", "tcg", *BARE),
    "tcg defaults": ("-accel", "tcg"),
    "tcg smp=2": ("-accel", "tcg", *BARE, "-smp", "2"),
    "tcg slots=1": ("-accel", "tcg", *BARE, "-m", "slots=1,maxmem=2G"),
    "tcg slots=2": ("-accel", "tcg", *BARE, "-m", "slots=2,maxmem=2G"),
    "tcg serial": ("-accel", "tcg", *BARE, "-serial", "null"),
    "kvm": ("-accel", "kvm", *BARE),
    "kvm smp=2": ("-accel", "kvm", *BARE, "-smp", "2"),
    "kvm defaults": ("-accel", "kvm"),
    "kvm split": ("-accel", "kvm,kernel-irqchip=split", *BARE),
    "kvm off": ("-accel", "kvm,kernel-irqchip=off", *BARE),
}
FEW = ("tcg defaults", "tcg smp=2")  # of a board that is not tried whole
MEMORY = ("32", "256", "", "1G")  # MiB, the first with which a machine starts
# What machine types of a family are started with where they do not start without: TCG has no transactional memory.
MORE = {"pseries": ("", ",cap-htm=off")}


def boards(machines: Iterable[Machine]) -> dict[str, list[Machine]]:
    """Machine types by board, sorted; a distribution's own (`pc-i440fx-noble`) are among those with numbers."""
    stems = {stem for stem, version in map(machine_version, (m.name for m in machines)) if version}
    found: dict[str, list[Machine]] = {}
    for machine in sorted(machines, key=lambda m: machine_version(m.name)[1] or ()):
        stem, version = machine_version(machine.name)
        like = (one for one in stems if version is None and machine.name.startswith(f"{one}-"))
        board = max(like, key=len, default=stem)
        found.setdefault(board, []).append(machine)
    return found


def starts(
    bench: Bench, name: str, stem: str, known: Sequence[str] = ()
) -> tuple[list[str], Image] | None:
    """What starts a machine type, and its bare image; None where nothing does.

    Parameters
    ----------
    known : what started another one of its family
    """
    tries = [["-M", name, *known[2:]]] if known else []
    for memory, more in product(MEMORY, MORE.get(stem, ("",))):
        words = ["-M", name + more, *(("-m", memory) if memory else ())]
        if words not in tries:
            tries.append(words)
    for words in tries:
        for _, image in tried(bench, {"tcg": [*words, *FORMS["tcg"]]}):
            return words, image
    return None


def memory(bench: Bench, name: str) -> int | None:
    """Bytes of memory that a machine type has where nobody says how many; None where it does not start so."""
    try:
        with Qemu(bench.command, ["-M", name, *FORMS["tcg"]]) as guest:
            return int(guest.execute("query-memory-size-summary")["base-memory"])
    except QemuError:
        return None


def forms(
    bench: Bench, words: Sequence[str], bare: Image, stem: str, target: str
) -> dict[str, Image]:
    """A machine type in all forms in which it starts, or in few. Serial ports of a PC are devices like others.

    Parameters
    ----------
    stem, target : the board, which is tried whole or not
    """
    images = {"tcg": bare}
    for form, more in FORMS.items():
        if form not in FEW and (stem not in WHOLE and target not in SAME_CPUS):
            continue
        if form == "tcg serial" and target in SAME_CPUS:
            continue
        if form not in images and (form == "kvm" or "kvm" in images or form[:3] == "tcg"):
            images |= tried(bench, {form: [*words, *more]})
    return images


def tried(bench: Bench, lines: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Image]]:
    """The images of those command lines with which a machine starts."""
    for name, words in lines.items():
        try:
            yield name, bench.take(words)
        except QemuError:
            continue
