"""Who wrote a stream: the true release is always among those that are named, and they are few."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.analysis.identify.builds import distribution
from migstream.analysis.identify.facts import declared_by, written_by
from migstream.analysis.identify.model import Fact, Identity, narrowed
from migstream.analysis.identify.states import Seen
from migstream.catalogue.evidence import TABLE, Life, elements, ranked
from migstream.catalogue.files import Catalogue
from migstream.catalogue.shelf import own_shelf
from migstream.edit.change import Edit
from migstream.errors import MigstreamError
from migstream.qemu.release import Bounds, Version, machine_version, parse
from migstream.stream import open_stream
from migstream.vmstate.description import parse_description
from migstream.wire.model import Span
from support import build, loads, samples
from support.qemu import Qemu, find
from support.samples import Sample

CATALOGUED = [(5, 2), (7, 2), (8, 2), (10, 0), (11, 1)]
ENOUGH = 0.9


def wide(bounds: Bounds) -> int:
    """How many releases of the catalogue are inside."""
    return sum(release in bounds for release in CATALOGUED)


# --- streams whose writer is known -----------------------------------------------------------------


def test_the_release_that_wrote_a_stream_is_one_of_those_that_are_named(sample: Sample) -> None:
    with open_stream(sample.path) as stream:
        assert parse(sample.meta["qemu"]) in written_by(stream)


def test_so_it_is_of_recorded_channels(channel_sample: Sample) -> None:
    release = channel_sample.name.rsplit("-", 1)[1].split(".")[:2]
    with open_stream(channel_sample.path) as stream:
        assert tuple(map(int, release)) in written_by(stream)


def test_so_it_is_of_what_of_a_damaged_stream_can_be_read(broken_sample: Sample) -> None:
    try:
        with open_stream(broken_sample.path) as stream:
            assert parse(broken_sample.meta["qemu"])[:2] in written_by(stream)
    except MigstreamError:
        assert broken_sample.meta["damage"]


def _known(unpack: Callable[[samples.Packed], Sample]) -> Iterator[tuple[str, Bounds, Version]]:
    """Every stream of the collections, with the release that wrote it."""
    for packed in samples.streams():
        one = unpack(packed)
        with open_stream(one.path) as stream:
            yield one.name, written_by(stream), parse(one.meta["qemu"])[:2]
    for row in {row["stream"]: row for row in (*loads.ROWS, *loads.ROWS_KVM)}.values():
        yield row["stream"], written_by(loads.source(row)), parse(row["source"])[:2]


def test_answers_are_one_release_of_the_catalogue_wide(
    unpack: Callable[[samples.Packed], Sample],
) -> None:
    answers = list(_known(unpack))
    wrong = [name for name, bounds, release in answers if release not in bounds]
    narrow = sum(wide(bounds) <= 1 for _, bounds, _ in answers)
    print(f"{narrow} of {len(answers)} answers have one release of the catalogue")
    assert not wrong
    assert narrow / len(answers) >= ENOUGH


@loads.needs_loads
def test_a_schema_names_its_release() -> None:
    names = {row["destination_schema"]: row for row in loads.ROWS}
    for name, row in names.items():
        bounds = declared_by(loads.declared(name))
        release = parse(row["destination"])[:2]
        assert release in bounds, name
        assert wide(bounds) == 1, name


# --- streams that are made now ---------------------------------------------------------------------

# Devices that any of the boards takes, by the program.
BOARDS = {
    "qemu-system-x86_64": ("pc", "q35", "isapc", "microvm", "pc-i440fx-5.2", "pc-q35-6.1", "none"),
    "qemu-system-aarch64": ("virt", "virt-5.2", "raspi3b", "sbsa-ref"),
    "qemu-system-ppc64": ("pseries", "powernv9"),
    "qemu-system-riscv64": ("virt", "sifive_u"),
    "qemu-system-s390x": ("s390-ccw-virtio",),
}
DEVICES = (
    "virtio-net-pci",
    "e1000",
    "e1000e",
    "rtl8139",
    "VGA",
    "virtio-rng-pci",
    "nec-usb-xhci",
    "edu",
    "pvpanic-pci",
)
ON_PCI = {"pc", "q35", "virt", "pseries", "pc-i440fx-5.2", "pc-q35-6.1", "virt-5.2"}


@pytest.mark.qemu
@pytest.mark.parametrize("program", BOARDS)
def test_a_fresh_stream_of_any_machine_names_its_writer(program: str, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)  # noqa: S311
    print(f"seed {seed}")
    choose = random.Random(seed)  # noqa: S311
    answers: list[Bounds] = []
    for binary in find(program):
        board = choose.choice(BOARDS[program])
        words = ["-M", board]
        if board in ON_PCI:
            for kind in choose.sample(DEVICES, 3):
                words += ["-device", kind]
        path = tmp_path / f"{len(answers)}.mig"
        try:
            with Qemu(binary, words) as guest:
                guest.migrate(path)
        except MigstreamError:  # this release has no such board or device
            continue
        with open_stream(path) as stream:
            bounds = written_by(stream)
        print(binary, words, bounds)
        assert parse(binary.version)[:2] in bounds, (seed, binary, words, bounds)
        answers.append(bounds)
    assert answers or not find(program)


# --- what speaks against each other ----------------------------------------------------------------


def fact(subject: str, first: Version | None, before: Version | None) -> Fact:
    return Fact(
        where=subject, span=None, what="", releases=Bounds(first, before), subject=subject, source="rule"
    )  # fmt: skip


def test_facts_that_agree_are_taken_together() -> None:
    bounds, believed, against = narrowed([fact("a", (7, 2), None), fact("b", None, (8, 2))])
    assert bounds == Bounds((7, 2), (8, 2))
    assert len(believed) == 2
    assert not against


def test_the_most_subjects_decide_and_a_draw_is_wide() -> None:
    older = [fact("a", None, (8, 2)), fact("b", None, (8, 0)), fact("b", None, (8, 1))]
    newer = fact("c", (10, 0), None)
    bounds, _, against = narrowed([*older, newer])
    assert bounds == Bounds(None, (8, 0))
    assert against == [newer]
    assert narrowed([older[0], newer])[0] == Bounds()


def test_no_fact_tells_nothing() -> None:
    assert narrowed([]) == (Bounds(), [], [])


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.none() | st.tuples(st.integers(2, 5), st.integers(0, 2)),
            st.none() | st.tuples(st.integers(2, 5), st.integers(0, 2)),
        ),
        max_size=8,
    )
)
def test_whatever_facts_say_some_release_is_left(
    said: list[tuple[str, Version | None, Version | None]],
) -> None:
    facts = [fact(*one) for one in said]
    bounds, believed, against = narrowed(facts)
    assert bounds.first is None or bounds.before is None or bounds.first < bounds.before
    assert sorted(map(repr, [*believed, *against])) == sorted(map(repr, facts))


def test_a_machine_type_that_was_put_in_is_outvoted(
    named_sample: Callable[[str], Sample],
) -> None:
    raw = named_sample("pc-7.2.mig").read()
    with open_stream(raw) as stream:
        assert written_by(stream) == Bounds((7, 2), (8, 2))
        edit = Edit(stream)
        edit.machine("pc-i440fx-10.0")
        edit.write(changed := io.BytesIO())
    one = migstream.identify(changed.getvalue())
    assert (7, 2) in one.releases
    assert not one.releases.since((8, 2))
    assert [fact.what for fact in one.against] == ["the machine type is pc-i440fx-10.0"]


# --- single facts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("control", "newer"), [(0x60000010, True), (0x80050033, False)])
def test_what_a_guest_switched_on_is_no_mark_of_a_release(control: int, *, newer: bool) -> None:
    """Every release sends the new way of plugging CPUs in, once a guest's system has asked for it."""
    subsection = {"vmsd_name": "piix4_pm/cpuhp", "version": 1, "fields": []}
    devices = [
        build.device("cpu", [build.field("env.cr[0]", "uint64", 8)]),
        build.device("piix4_pm", []) | {"subsections": [subsection]},
    ]
    raw = (
        build.HEADER + build.configuration("pc-i440fx-7.2")
        + build.full(3, "cpu", build.be64(control))
        + build.full(4, "piix4_pm", build.subsection("piix4_pm/cpuhp", b""))
        + build.END + build.description(build.described(*devices))
    )  # fmt: skip
    one = migstream.identify(raw)
    marks = [fact for fact in (*one.facts, *one.against) if "cpuhp, and no system" in fact.what]
    assert bool(marks) is newer


def test_a_field_that_is_called_like_a_key_is_no_mark() -> None:
    device = build.device("thing", [build.field("index", "uint64", 8)])
    raw = (
        build.HEADER + build.configuration("pc-i440fx-7.2") + build.full(3, "thing", bytes(8))
        + build.END + build.description(build.described(device))
    )  # fmt: skip
    assert not any("index" in fact.what for fact in migstream.identify(raw).facts)


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ("pc-i440fx-noble", "Ubuntu 24.04 (noble)"),
        ("pc-q35-jammy-hpb", "Ubuntu 22.04 (jammy)"),
        ("pc-q35-rhel9.4.0", "Red Hat Enterprise Linux 9.4, or a rebuild of it"),
        ("pc-q35-8.2", None),
        ("noble", None),
        (None, None),
    ],
)
def test_whose_machine_type_it_is(machine: str | None, said: str | None) -> None:
    assert distribution(machine) == said


def test_the_processor_is_named(named_sample: Callable[[str], Sample]) -> None:
    def of(name: str) -> Identity:
        return migstream.identify(named_sample(name).path)

    assert of("arm-vexpress-7.2.mig").cpu == "Arm Cortex-A9 r0p0"
    assert str(of("pseries-7.2.mig").cpu).startswith("POWER")
    assert of("riscv64-virt-7.2.mig").cpu == "rv64imafdch"
    assert of("pc-7.2.mig").accelerator == "tcg"
    assert "SeaBIOS" in str(of("pc-7.2.mig").firmware)


# --- the table -------------------------------------------------------------------------------------


def test_the_table_reads_as_it_is_written() -> None:
    known = elements("", "globalstate")["vm_was_suspended"]
    assert known == Life((9, 0), (9, 0), None, None, always=True)
    assert known.having() == Bounds((9, 0))
    assert known.lacking() == Bounds(None, (9, 0))
    assert elements("", "no such") == {}
    for line in Path(TABLE).read_text("utf-8").splitlines():
        scope, state, part, *_ = line.split("\t")
        life = elements(scope, state)[part]
        assert life.since is not None or life.gone is not None
        assert (life.since or (0,)) <= (life.surely or (0,))
        assert (life.lacked or (99,)) <= (life.gone or (99,))


def test_sections_are_ranked_where_there_is_one() -> None:
    assert ranked(["apic", "0:1/ide", "apic", "0:2/vga", "0:3/vga"]) == {"apic": 0, "ide": 1}


# --- hostile ---------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["globalstate", "cpu", "spapr", "timer", "a", "apic", "pc-i440fx-rhel9.9.9"]
)


@given(
    machine=WORDS | st.text(max_size=20),
    names=st.lists(st.tuples(WORDS, WORDS | st.text(max_size=8)), max_size=4),
    payload=st.binary(max_size=40),
)
def test_whatever_a_stream_says_there_is_an_answer(
    machine: str, names: list[tuple[str, str]], payload: bytes
) -> None:
    devices = [
        build.device(name, [build.field(field, "buffer", len(payload))]) for name, field in names
    ]
    raw = build.HEADER + build.configuration(machine)
    for number, (name, _) in enumerate(names):
        raw += build.full(number + 3, name, payload)
    for whole in (
        raw + build.END + build.description(build.described(*devices)),
        raw + build.END,
        raw,
    ):
        one = migstream.identify(whole)
        assert one.releases.first is None or one.releases.first in one.releases
        assert repr(one)


# --- who changed it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edited", "lines"),
    [
        (
            [{"by": "migstream 1 heal", "changes": ["a", "b"]}],
            ("migstream 1 heal: a", "migstream 1 heal: b"),
        ),
        ([{"by": 1, "changes": ["a", 2, None]}, "text", {"by": "x"}], ("1: a",)),
        ("text", ()),
        ({"by": "x", "changes": ["a"]}, ()),
        ([{"by": "x", "changes": "a"}], ()),
    ],
)
def test_what_the_description_says_of_changes_is_told(
    edited: object, lines: tuple[str, ...]
) -> None:
    described = build.described() | {"edited": edited}
    raw = build.HEADER + build.configuration("pc-i440fx-7.2") + build.END
    assert migstream.identify(raw + build.description(described)).changed == lines


def test_an_edit_that_is_signed_is_told(named_sample: Callable[[str], Sample]) -> None:
    with open_stream(named_sample("none-7.2.mig").read()) as stream:
        edit = Edit(stream)
        edit.bench.description.sign("migstream 1 heal", ["another machine type"])
        edit.write(changed := io.BytesIO())
    assert migstream.identify(changed.getvalue()).changed == (
        "migstream 1 heal: another machine type",
    )


# --- the table against the catalogues --------------------------------------------------------------

SAMPLED = 400  # states of each catalogue


@pytest.mark.parametrize("catalogue", [*own_shelf()], ids=lambda one: one.path.stem)
def test_the_table_allows_what_each_catalogue_has(catalogue: Catalogue) -> None:
    """`make evidence` is to be run when a catalogue was made again."""
    release = catalogue.index.release[:2]
    every = [state for state in catalogue.states[:] if state.text]
    states = every[:: max(1, len(every) // SAMPLED)]
    seen = Seen(catalogue.index.target)
    texts = [b'{"name": "x", "instance_id": 0, ' + state.text for state in states]
    whole = b'{"page_size": 4096, "devices": [' + b", ".join(texts) + b"]}"
    for device in parse_description(whole).devices:
        seen.group(device.group, "", Span(0, 0))
    for machine in catalogue.index.machines:
        for form, image in catalogue.family(machine).images[machine].items():
            if "defaults" not in form:
                names = [one.name for one in image.sections if not one.early]
                seen.order(machine_version(machine)[0], names, [("", Span(0, 0))] * len(names))
    wrong = [fact for fact in seen.found.values() if release not in fact.releases]
    assert not wrong, wrong[:5]
