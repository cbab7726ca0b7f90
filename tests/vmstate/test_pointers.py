"""Arrays of pointers: what each release says of them is understood as it was meant, element by element."""

from __future__ import annotations

import io
from itertools import product
from typing import Any

import pytest

import migstream
from migstream.analysis.check import check
from migstream.savevm import SaveVM
from migstream.vmstate import U8, U32, VMState, array, pointers

Shape = tuple[bool, ...]
SHAPES: list[Shape] = list(product((False, True), repeat=4))


class Target(VMState, name="target", version=1):
    low: U8
    high: U32


class Plain(VMState, name="plain", version=1):
    before: U8
    there: list[Target | None] = pointers(4)
    after: U8


class Marked(VMState, name="marked", version=1):
    before: U8
    there: list[Target | None] = pointers(4, marked=True)
    after: U8


class Holder(VMState, name="holder", version=1):
    number: U8
    there: list[Target | None] = pointers(2, marked=True)


class Holders(VMState, name="holders", version=1):
    holders: list[Holder] = array(2)
    after: U8


class Neighbour(VMState, name="neighbour", version=1):
    value: U8


def targets(shape: Shape) -> list[Target | None]:
    """Their bytes are such that they could be taken for null pointers."""
    return [
        Target(low=0x30, high=0x30303030 + n) if there else None for n, there in enumerate(shape)
    ]


def saved(subject: VMState, release: str) -> io.BytesIO:
    vm = SaveVM("toy", release=release)
    vm.register(Neighbour(value=1))
    vm.register(subject)
    vm.register(Neighbour(value=2))
    out = io.BytesIO()
    vm.save(out)
    return io.BytesIO(out.getvalue())


def findings(subject: VMState, release: str) -> list[str]:
    with migstream.open(saved(subject, release)) as stream:
        return [each.message for each in check(stream).findings if each.severity == "error"]


def elements(subject: VMState, release: str) -> Any:
    with migstream.open(saved(subject, release)) as stream:
        state = stream.devices[subject.vmstate.name].value.plain()
        assert [stream.devices["neighbour", n]["value"].value for n in (0, 1)] == [1, 2]
    return state


def expected(shape: Shape, null: object) -> list[Any]:
    return [null if each is None else {"low": 0x30, "high": each.high} for each in targets(shape)]


@pytest.mark.parametrize("shape", SHAPES)
def test_runs_of_10_0(shape: Shape) -> None:
    state = elements(Plain(before=5, there=targets(shape), after=6), "10.0")
    assert state == {"before": 5, "there": expected(shape, None), "after": 6}


# QEMU 11.1 says nothing of a last element that follows a run of several others. Where all the others are null, its type
# is nowhere; where none is, nothing tells the array from one of four structs.
UNTOLD = {(False, False, False, True), (True, True, True, False)}


@pytest.mark.parametrize("shape", [each for each in SHAPES if each not in UNTOLD])
def test_runs_of_11_1(shape: Shape) -> None:
    subject = Plain(before=5, there=targets(shape), after=6)
    assert elements(subject, "11.1") == {"before": 5, "there": expected(shape, False), "after": 6}
    assert not findings(subject, "11.1")


@pytest.mark.parametrize("shape", sorted(UNTOLD))
def test_what_the_description_does_not_say_is_not_made_up(shape: Shape) -> None:
    state = elements(Plain(before=5, there=targets(shape), after=6), "11.1")
    assert list(state) == ["data"]


@pytest.mark.parametrize("shape", SHAPES)
def test_markers_before_every_element(shape: Shape) -> None:
    subject = Marked(before=5, there=targets(shape), after=6)
    there = [
        False if each is False else {"ptr-marker": True, **each} for each in expected(shape, False)
    ]
    assert elements(subject, "11.1") == {"before": 5, "there": there, "after": 6}
    assert not findings(subject, "11.1")


@pytest.mark.parametrize("shape", SHAPES)
def test_an_array_of_structs_that_hold_marked_pointers(shape: Shape) -> None:
    """Each element has a length of its own, and its own entry in the description."""
    there = targets(shape)
    holders = [Holder(number=1, there=there[:2]), Holder(number=2, there=there[2:])]
    subject = Holders(holders=holders, after=9)
    state = elements(subject, "11.1")
    assert [each["number"] for each in state["holders"]] == [1, 2]
    assert [each is not False for one in state["holders"] for each in one["there"]] == [*shape]
    assert state["after"] == 9
    assert not findings(subject, "11.1")
