from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.vmstate.meaning.virtio_queues import _ROLES, queue_name
from support.meaning import device
from support.virtio import TAIL, blob

SECTION = "0000:00:03.0/"


@pytest.mark.parametrize(
    ("kind", "count", "features", "expected"),
    [
        ("virtio-net", 3, 0, "receiveq1 transmitq1 controlq"),
        ("virtio-net", 5, 0, "receiveq1 transmitq1 receiveq2 transmitq2 controlq"),
        ("virtio-net", 2, 0, "receiveq1 transmitq1"),
        ("virtio-blk", 2, 0, "requestq1 requestq2"),
        ("vhost-user-blk", 1, 0, "requestq1"),
        ("virtio-scsi", 4, 0, "controlq eventq requestq1 requestq2"),
        ("virtio-vhost_scsi", 3, 0, "controlq eventq requestq1"),
        ("virtio-balloon", 3, 0, "inflateq deflateq statsq"),
        ("virtio-balloon", 5, 0, "inflateq deflateq statsq free_page_vq reporting_vq"),
        ("virtio-balloon", 4, 1 << 3, "inflateq deflateq statsq free_page_vq"),
        ("virtio-balloon", 4, 1 << 5, "inflateq deflateq statsq reporting_vq"),
        ("virtio-balloon", 4, 0, "inflateq deflateq statsq "),
        ("virtio-crypto", 3, 0, "dataq1 dataq2 controlq"),
        ("virtio-vhost_vsock", 3, 0, "rx tx event"),
        ("vhost-user-fs", 3, 0, "hiprio requestq1 requestq2"),
        ("virtio-gpu", 2, 0, "controlq cursorq"),
        ("virtio-teapot", 2, 0, " "),
    ],
)
def test_queues_of_each_kind(kind: str, count: int, features: int, expected: str) -> None:
    found = [queue_name(SECTION + kind, number, count, features) for number in range(count)]
    assert " ".join(found) == expected
    assert queue_name(kind, count, count, features) == ""
    assert queue_name(kind, -1, count, features) == ""


def test_ports_of_a_console() -> None:
    found = [queue_name("virtio-console", number, 64) for number in range(64)]
    assert found[:4] == [
        "receiveq(port0)",
        "transmitq(port0)",
        "control receiveq",
        "control transmitq",
    ]
    assert found[4:6] == ["receiveq(port1)", "transmitq(port1)"]
    assert found[63] == "transmitq(port30)"
    assert len(set(found)) == 64


@given(
    st.sampled_from([*_ROLES, ""]), st.integers(-5, 70), st.integers(0, 70), st.integers(0, 1 << 64)
)
def test_any_number_has_a_name_or_none(kind: str, number: int, count: int, features: int) -> None:
    name = queue_name(kind, number, count, features)
    assert isinstance(name, str)
    assert not name or 0 <= number < count


@given(st.sampled_from(sorted(_ROLES)), st.integers(1, 70))
def test_no_two_queues_have_one_name(kind: str, count: int) -> None:
    found = [queue_name(kind, number, count, 1 << 3 | 1 << 5) for number in range(count)]
    assert len(set(filter(None, found))) == len(list(filter(None, found)))


def test_the_queues_of_a_device_wherever_they_are_told_of() -> None:
    one = device(
        "virtio", blob(queues=3, tail=TAIL), section=f"{SECTION}virtio-net", field="virtio"
    )
    found = one["virtio"]
    for place in (
        "queues",
        "virtio/virtqueues/vq",
        "virtio/ringsize/num_default",
        "virtio/extra_state/virtio_pci/modern_state/vqs",
    ):
        assert [found[f"{place}[{n}]"].symbol for n in range(3)] == [
            "receiveq1", "transmitq1", "controlq",
        ]  # fmt: skip
        if place != "queues":
            assert found[f"{place}[3]"].symbol == ""
            assert found[place].symbol == ""
    assert found["queues[1]"].text == "transmitq1"
    assert found["queues[1]/last_avail_idx"].name_around == "transmitq1"
    assert found["status"].name_around == ""


def test_a_device_with_one_queue() -> None:
    one = device("virtio", blob(queues=1), section=f"{SECTION}virtio-rng", field="virtio")
    assert one["virtio/queues"].symbol == "requestq"
    assert one["virtio/queues/last_avail_idx"].name_around == "requestq"


def test_a_difference_says_which_queue_moved(named_sample: object) -> None:
    sample = named_sample("q35-7.2.mig")  # type: ignore[operator]
    other = io.BytesIO()
    with migstream.open(sample.path) as stream:
        edit = migstream.edit(stream)
        edit.set("virtio-net/virtio/queues[1]/last_avail_idx", "7")
        edit.write(other)
    with migstream.open(sample.path) as a, migstream.open(other.getvalue()) as b:
        [change] = migstream.diff(a, b)
        assert change.path.endswith("virtio/queues[1]/last_avail_idx")
        assert change.within == "transmitq1"
        assert (change.old, change.new) == (0, 7)


def test_without_meaning_no_queue_has_a_name(named_sample: object) -> None:
    sample = named_sample("q35-7.2.mig")  # type: ignore[operator]
    with migstream.open(sample.path, meaning=False) as stream:
        assert stream["virtio-net/virtio"].symbol == ""
