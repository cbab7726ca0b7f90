"""The matrix of releases, machine types and devices: what is played, what is put together, and its forms."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from migstream.analysis.compat.matrix import (
    Cell,
    Fault,
    Row,
    Subject,
    Transition,
    subjects,
    transition,
    transitions,
)
from migstream.catalogue.arguments import parse_arguments
from migstream.catalogue.shelf import find, on_shelf
from migstream.names import json_text
from migstream.render.matrix.answer import Matrix, matrix, releases
from migstream.render.matrix.entries import Entry, blamed, depending, entries, place, ranges
from migstream.render.matrix.markdown import markdown
from migstream.render.matrix.page import page
from migstream.render.matrix.values import values
from support.samples import REPOSITORY

MACHINES = ["pc-q35-7.2", "pc-i440fx-7.2", "microvm"]
OLD, NEW = find((7, 2), "x86_64"), find((10, 0), "x86_64")


@pytest.fixture(scope="module")
def one() -> Transition:
    return transition(OLD, NEW, MACHINES)


def test_what_is_known_to_break_does(one: Transition) -> None:
    """As real QEMUs of these releases do (tests/qemu/test_matrix.py tries others)."""
    broken = {row.device for row in one.rows for cell in row.cells if cell.verdict == "fails"}
    assert {"", "am53c974", "dc390"} <= broken
    assert not broken & {"virtio-net-pci", "VGA", "e1000e", "vmxnet3", "virtio-mem-pci"}
    [bios] = {
        (cell.machines, fault.field)
        for row in one.rows
        if not row.device
        for cell in row.cells
        for fault in cell.faults
    }
    assert bios == (("microvm",), "pc.bios")


def test_a_release_loads_what_it_saves() -> None:
    same = transition(NEW, NEW, ["pc-q35-10.0"])
    broken = {row.device for row in same.rows for cell in row.cells}
    assert broken == set()
    assert not any(fault.kind != "value" for row in same.rows for fault in row.depends)


def test_pairs_go_from_old_to_new_first() -> None:
    done: list[tuple[int, int]] = []
    found = [
        *transitions(
            [one for one in on_shelf() if one.index.target == "x86_64"],
            ["pc-q35-5.2"],
            ["VGA"],
            wanted=lambda source, destination: {source, destination} <= {(7, 2), (10, 0)},
            done=lambda *figures: done.append(figures),
        )
    ]
    assert [one.source[0] for one in found] == ["7", "1"]
    assert done[-1][0] == done[-1][1]


def test_a_subject_has_arguments_that_make_it() -> None:
    for subject in subjects(OLD, NEW, "pc-q35-7.2"):
        wanted = parse_arguments(subject.words)
        assert [part.driver for part in wanted.parts] == [part.driver for part in subject.parts]
    assert Subject("VGA", "pci-bridge").words[-1] == "VGA,bus=bridge,addr=1"
    assert Subject("", "kvm").words == ["-accel", "kvm"]


def test_the_tables_of_the_documentation_are_those_of_the_catalogues() -> None:
    """Of one pair of releases; `make matrix` makes them again."""
    one = transition(find((10, 0), "x86_64"), find((11, 1), "x86_64"))
    made = markdown(releases(on_shelf(), [one]), [one])
    section = made[made.index("\n### ") :]
    assert section in (REPOSITORY / "docs" / "matrix-tables.md").read_text()


# --- what is put together --------------------------------------------------------------------------


def _fault(field: str, message: str = "differs") -> Fault:
    return Fault(kind="fields", section="dev", field=field, message=message, hint="")


def _row(device: str, where: str, machines: str, broken: str = "", *faults: Fault) -> Row:
    cells = (Cell(verdict="fails", machines=tuple(broken.split()), faults=faults),)
    return Row(
        device=device,
        where=where,
        machines=tuple(machines.split()),
        cells=cells if broken else (),
        depends=(),
    )


def _transition(*rows: Row) -> Transition:
    return Transition(
        architecture="x86_64",
        source="7.2.22",
        destination="10.0.13",
        machines=("pc-1.0", "pc-1.1", "pc-1.2", "q35-1.2"),
        gone=(),
        new=(),
        gone_devices=(),
        rows=rows,
    )


def test_what_happens_alike_stands_together() -> None:
    fault = _fault("a")
    [entry] = entries(
        _transition(
            _row("one", "", "pc-1.0 q35-1.2", "pc-1.0", fault),
            _row("one", "pci-bridge", "q35-1.2"),
            _row("two", "", "pc-1.0 q35-1.2", "pc-1.0", fault),
        )
    )
    assert entry == Entry("fails", ("one", "two"), (), ("pc-1.0",), False, (fault,))


def test_where_it_happens_is_said_where_it_is_not_everywhere() -> None:
    fault = _fault("a")
    [entry] = entries(
        _transition(
            _row("one", "", "q35-1.2"), _row("one", "pci-bridge", "q35-1.2", "q35-1.2", fault)
        )
    )
    assert (place(entry), entry.every) == ("behind pci-bridge", True)


def test_fields_of_which_the_same_is_said() -> None:
    faults = (_fault("a"), _fault("b"), _fault("c", "is gone"))
    entry = Entry("fails", ("one",), (), (), True, faults)
    assert [field for field, _ in blamed(entry)] == ["dev/a, b", "dev/c"]


def test_machine_types_that_follow_each_other() -> None:
    known = ["pc-1.0", "pc-1.1", "pc-1.2", "pc-1.3", "q35-1.2", "q35-1.3"]
    assert ranges(known, known) == ["pc-1.0 to 1.3", "q35-1.2 and 1.3"]
    assert ranges(["pc-1.3", "pc-1.0", "q35-1.2"], known) == ["pc-1.0", "pc-1.3", "q35-1.2"]


# --- its forms -------------------------------------------------------------------------------------


def test_it_is_the_same_every_time(one: Transition) -> None:
    again = transition(find((7, 2), "x86_64"), find((10, 0), "x86_64"), MACHINES)
    known = releases(on_shelf(), [one])
    for form in (markdown, page, lambda k, f: json_text(matrix(k, f), pretty=False)):
        assert form(known, [one]) == form(known, [again])


def test_every_cell_is_in_the_document_and_in_the_table(one: Transition) -> None:
    document = msgspec.json.decode(
        json_text(matrix(releases(on_shelf(), [one]), [one]), pretty=False), type=Matrix
    )
    [told] = document.transitions
    cells = {
        (subject.device, subject.where, machine): "loads"
        for subject in told.subjects
        for machine in told.sets[subject.machines]
    }
    for subject in told.subjects:
        for broken in subject.breaks:
            for machine in told.sets[broken.machines]:
                cells[subject.device, subject.where, machine] = broken.verdict
    lines = [*csv.DictReader(StringIO(values([one])))]
    assert {(n["device"], n["where"], n["machine"]): n["verdict"] for n in lines} == cells


def test_a_page_has_all_that_breaks_and_loads_nothing(one: Transition) -> None:
    text = page(releases(on_shelf(), [one]), [one]).decode()
    for entry in entries(one) + depending(one):
        for device in entry.devices:
            assert (device or "the machine itself") in text
    for address in re.findall(r'(?:src|href|action|srcset)="([^"]*)"', text):
        assert address.startswith("#"), address
    linked = page(releases(on_shelf(), [one]), [one], "../").decode()
    anchors = set(re.findall(r'href="\.\./compat\.html#kind-(\w+)"', linked))
    known = re.findall(r'<a id="kind-(\w+)">', (REPOSITORY / "docs/compat.md").read_text())
    assert anchors
    assert anchors <= set(known)


NAMES = st.text(min_size=1, max_size=8) | st.sampled_from(
    ["<script>alert(1)</script>", "a|b`c", '"><img>', "\x1b[2J", "]]>", "\n# x"]
)


@settings(max_examples=10)
@given(NAMES, NAMES, NAMES)
@example("0", "0", "\r0")
def test_names_of_somebody_s_catalogue_are_text(device: str, machine: str, message: str) -> None:
    row = Row(
        device=device,
        where="",
        machines=(machine,),
        cells=(Cell(verdict="fails", machines=(machine,), faults=(_fault(device, message),)),),
        depends=(_fault(device, message),),
    )
    made = msgspec.structs.replace(
        _transition(row), machines=(machine,), gone=(machine,), gone_devices=(device,)
    )
    text = page([], [made]).decode()
    assert text.count("<script") == 1
    assert "<img" not in text
    lines = markdown([], [made]).splitlines()
    assert "# x" not in lines
    assert not re.search(r"(?<!\\)<", re.sub("`[^`]*`", "", "\n".join(lines)))
    json.loads(json_text(matrix([], [made]), pretty=True))
    assert len([*csv.reader(StringIO(values([made]), newline=""))]) == 2
