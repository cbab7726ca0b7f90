"""qcow2 images made by hand: tables, clusters of every kind, and what is wrong with an image."""

import contextlib
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import MigstreamError, NotAStream, SourceError, Unsupported
from migstream.source.qcow2 import DATA_FILE, Image, VmState
from migstream.source.store import Whole
from migstream.stream import open_anything
from support import build
from support.qcow2 import CLUSTER, OFFSET, made, packed, snapshot, tables

STREAM = build.small()


@pytest.mark.parametrize("disk", [0, 1, CLUSTER * 64 * 3 + 5])
@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("version", [2, 3])
def test_the_state_is_found_behind_the_disk(disk: int, version: int, *, extended: bool) -> None:
    if extended and version == 2:
        pytest.skip("version 2 has no features")
    data = made({"one": STREAM}, disk=disk, version=version, extended=extended)
    with migstream.open(data) as stream:
        assert stream.damage == []
        assert bytes(stream.store.view(0, stream.size)) == STREAM
        facts = stream.layers[0].facts
        assert (facts["version"], facts["snapshot"], facts["name"]) == (version, "1", "one")
        for at in range(0, stream.size, 97):
            where = stream.outermost(at)
            assert where is not None
            assert data[where] == STREAM[at]


@given(st.integers(0, 9000), st.integers(0, 9000), st.booleans(), st.booleans())
def test_any_range_is_what_is_there(start: int, size: int, holes: bool, small: bool) -> None:
    random = Random(3)  # noqa: S311
    state = b"".join(
        bytes(CLUSTER) if random.random() < 0.3 else random.randbytes(CLUSTER) for _ in range(15)
    )
    data = made({"one": state}, holes=holes)
    if small:
        data = packed(data, "one")
    store = Whole(data)
    inside = VmState(store, image := Image(store), image.snapshots[0])
    assert bytes(inside.view(start, start + size)) == state[start : start + size]


def test_a_range_that_lies_together_is_read_once() -> None:
    reads: list[tuple[int, int]] = []

    class Counting(Whole):
        def view(self, start: int, stop: int) -> memoryview:
            reads.append((start, stop))
            return super().view(start, stop)

    state = Random(1).randbytes(40 * CLUSTER)  # noqa: S311
    store = Counting(made({"one": state}))
    inside = VmState(store, image := Image(store), image.snapshots[0])
    reads.clear()
    assert bytes(inside.view(0, len(state))) == state
    assert len(reads) == 2  # the table, and all of the state


def test_of_several_the_one_that_is_asked_for_is_taken() -> None:
    other = build.small(tail=b"another")
    data = made({"one": STREAM, "two": other, "disk only": b""})
    with pytest.raises(NotAStream, match="2 snapshots"):
        migstream.open(data)
    for inside, expected in (("1", STREAM), ("two", other), ("2", other)):
        with migstream.open(data, inside=inside) as stream:
            assert bytes(stream.store.view(0, stream.size)) == expected
    for inside in ("3", "disk only", "4", ""):
        with pytest.raises(NotAStream, match="no snapshot"):
            migstream.open(data, inside=inside)


def test_a_name_that_is_an_id_means_the_id() -> None:
    data = made({"2": STREAM, "other": build.small(tail=b"x")})
    with migstream.open(data, inside="2") as stream:
        assert stream.layers[0].facts["name"] == "other"


@pytest.mark.parametrize(
    ("states", "said"), [({}, "without snapshots"), ({"a": b""}, "hold no VM state")]
)
def test_an_image_without_state_says_so(states: dict[str, bytes], said: str) -> None:
    with pytest.raises(NotAStream, match=said):
        migstream.open(made(states))


def test_what_cannot_be_read_says_why() -> None:
    with pytest.raises(Unsupported, match="encrypted"):
        migstream.open(made({"one": STREAM}, encryption=2))
    with pytest.raises(Unsupported, match="unknown features 0x100") as refused:
        migstream.open(made({"one": STREAM}, features=0x100))
    assert refused.value.hint
    with pytest.raises(Unsupported, match="data is in another file"):
        migstream.open(made({"one": STREAM}, features=DATA_FILE))


@pytest.mark.parametrize("holes", [False, True])
def test_of_an_image_that_was_cut_off_nothing_is_read_as_zeros(*, holes: bool) -> None:
    """A cluster that lies behind the end of the file is damage; what precedes it is shown."""
    data = made({"one": STREAM}, disk=CLUSTER, holes=holes)
    with migstream.open(data) as whole:
        last = max(filter(None, map(whole.outermost, range(whole.size))))
    clusters = [at for at, _ in enumerate(data) if at % CLUSTER == 0]
    for cut in (last, *(at for at in clusters if last // 2 < at <= last)):
        with contextlib.suppress(SourceError), open_anything(data[:cut]) as stream:
            assert "behind the end of the file" in str(stream.damage), cut
            assert stream.items


def changed(data: bytes, at: int, value: int, size: int = 8) -> bytes:
    out = bytearray(data)
    out[at : at + size] = value.to_bytes(size, "big")
    return bytes(out)


def hostile() -> dict[str, bytes]:
    data = made({"one": STREAM}, disk=CLUSTER)
    one = snapshot(data, "one")
    entry = int.from_bytes(data[64:72], "big")
    table = tables(data, "one")[0]
    return {
        "a table behind the end": changed(data, one.table + 8, 1 << 40),
        "tables behind the end": changed(data, entry, 1 << 50),
        "too many entries": changed(data, entry + 8, 0xFFFFFFFF, 4),
        "a huge state": changed(data, entry + 40, 1 << 60),
        "a state as large as its table allows": changed(data, entry + 40, CLUSTER * 64),
        "a huge disk": changed(data, entry + 48, 1 << 62),
        "a million snapshots": changed(data, 60, 1_000_000, 4),
        "more snapshots than there are": changed(data, 60, 60_000, 4),
        "snapshots behind the end": changed(data, 64, 1 << 60),
        "large extra data": changed(data, entry + 36, 0xFFFFFFFF, 4),
        "a table that is itself a cluster": changed(data, table, table | 1 << 63),
        "clusters that overlap": changed(
            data, table + 8, int.from_bytes(data[table : table + 8], "big")
        ),
        "a cluster behind the end": changed(data, table, 1 << 63 | 1 << 40),
        "a compressed cluster of nothing": changed(data, table, 1 << 62 | (1 << 40)),
        "a compressed cluster of rubbish": changed(data, table, 1 << 62 | 3),
        "clusters of 2^63": changed(data, 20, 63, 4),
        "clusters of a byte": changed(data, 20, 0, 4),
        "a header that is cut": data[:60],
    }


# Zeros behind the stream, and other contents of a page of guest memory: nothing can know.
SILENT = {"a state as large as its table allows", "clusters that overlap"}


@pytest.mark.parametrize("what", hostile())
def test_a_hostile_image_ends_soon_in_an_error_of_ours_or_as_damage(what: str) -> None:
    begin = time.monotonic()
    with contextlib.suppress(MigstreamError), open_anything(hostile()[what]) as stream:
        assert stream.damage or what in SILENT, "it is read as if nothing were wrong"
    assert time.monotonic() - begin < 1


def test_one_table_for_a_whole_petabyte_is_refused() -> None:
    """A few bytes may not stand for more than there could ever be."""
    data = bytearray(made({"one": STREAM}))
    table = tables(bytes(data), "one")[0]
    entry = int.from_bytes(data[64:72], "big")
    where = len(data)
    data += (table | 1 << 63).to_bytes(8, "big") * (1 << 16)
    data[entry : entry + 12] = where.to_bytes(8, "big") + (1 << 16).to_bytes(4, "big")
    data[entry + 40 : entry + 48] = (CLUSTER * 64 << 16).to_bytes(8, "big")
    with pytest.raises(SourceError, match="of VM state in"):
        migstream.open(bytes(data))
    assert OFFSET & table == table


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6))
def test_bytes_changed_anywhere_never_end_in_a_traceback(changes: list[tuple[int, int]]) -> None:
    data = bytearray(made({"one": STREAM}, disk=700, holes=True))
    for at, byte in changes:
        data[at % len(data)] = byte
    with contextlib.suppress(MigstreamError), open_anything(bytes(data)) as stream:
        _ = stream.damage
