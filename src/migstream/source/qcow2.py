"""qcow2 images: the VM state of an internal snapshot (`savevm`), read where it lies.

The state lies behind the end of the guest's disk, in clusters that the snapshot's own tables name.
Facts: QEMU, docs/interop/qcow2.rst; block/qcow2.h, qcow2-snapshot.c (qcow2_do_read_snapshots),
qcow2-cluster.c (qcow2_get_host_offset), qcow2.c (qcow2_load_vmstate, qcow2_vm_state_offset).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from migstream.errors import NotAStream, SourceError, Unsupported
from migstream.source.layers import UNPACKED_FLOOR, UNPACKED_RATIO, Layer, Opened
from migstream.source.store import Store

__all__ = ["Image", "Snapshot", "VmState", "open_image"]

MAGIC = b"QFI\xfb"
VERSIONS = range(2, 4)
CLUSTER_BITS = range(9, 22)
# Incompatible features (docs/interop/qcow2.rst): an image of which we do not know one is not read.
DIRTY, CORRUPT, DATA_FILE, ZSTD, EXTENDED = (1 << bit for bit in range(5))
KNOWN = DIRTY | CORRUPT | ZSTD | EXTENDED
# What QEMU itself takes (block/qcow2.h).
MOST_SNAPSHOTS = 65536
MOST_EXTRA = 1024
MOST_L1 = 32 << 20
MOST_TABLE = 1024 * MOST_SNAPSHOTS
ENTRY = struct.Struct(">QIHHIIQII")
OFFSET = 0x00FFFFFFFFFFFE00  # L1E_OFFSET_MASK, L2E_OFFSET_MASK
COMPRESSED, ZERO = 1 << 62, 1
SUBCLUSTERS = 32
TABLES = 16  # L2 tables that are kept, and as many unpacked clusters
SECTOR = 512


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """An internal snapshot.

    Attributes
    ----------
    id, name : as `qemu-img snapshot -l` prints them
    date : seconds since 1970, UTC
    clock : of the guest when it was made, in ns
    state : bytes of VM state; 0 for one of the disk alone
    disk : bytes of the guest's disk at that time
    table, entries : where its L1 table is, and how many entries it has
    """

    id: str
    name: str
    date: int
    clock: int
    state: int
    disk: int
    table: int
    entries: int

    @property
    def said(self) -> str:
        """In a few words: id, name, when."""
        return f"snapshot {self.id} {self.name!r} of {self.when:%Y-%m-%d %H:%M:%S} UTC"

    @property
    def when(self) -> datetime:
        """The date."""
        return datetime.fromtimestamp(self.date, UTC)


class Image:
    """What is needed of an image's header, and its snapshots.

    Raises
    ------
    SourceError : the header, or the list of snapshots, is damaged
    Unsupported : the image is encrypted, or has features that are not known
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        head = bytes(store.view(0, 112))
        if len(head) < 72:
            raise _damaged("its header is cut off")
        self.version = int.from_bytes(head[4:8], "big")
        self.cluster_bits = int.from_bytes(head[20:24], "big")
        self.disk = int.from_bytes(head[24:32], "big")
        encryption = int.from_bytes(head[32:36], "big")
        count = int.from_bytes(head[60:64], "big")
        table = int.from_bytes(head[64:72], "big")
        features = int.from_bytes(head[72:80], "big") if self.version > 2 and len(head) > 80 else 0
        if self.cluster_bits not in CLUSTER_BITS:
            raise _damaged(f"clusters of 1 << {self.cluster_bits} bytes")
        if features & DATA_FILE:
            raise Unsupported(
                "a qcow2 image whose data is in another file",
                hint="QEMU keeps no snapshots in such images: another disk of the guest may have them",
            )
        if features & ~KNOWN:
            raise Unsupported(
                f"a qcow2 image with unknown features {features & ~KNOWN:#x}",
                hint="a newer QEMU wrote it, or its header is damaged: `qemu-img check` says which",
            )
        if encryption:
            raise Unsupported(
                "an encrypted qcow2 image",
                hint="qemu-img convert writes a plain one when it is given the secret, without snapshots; "
                "loadvm and migrate to a file keep the state",
            )
        self.zstd = bool(features & ZSTD) and len(head) > 104 and head[104] == 1
        self.extended = bool(features & EXTENDED)
        self.entry_bits = 4 if self.extended else 3
        self.snapshots = tuple(self._read(table, count))

    def _read(self, at: int, count: int) -> Iterator[Snapshot]:
        if count > MOST_SNAPSHOTS:
            raise _damaged(f"{count} snapshots; QEMU makes at most {MOST_SNAPSHOTS}")
        begin = at
        for _ in range(count):
            head = bytes(self._store.view(at, at + ENTRY.size))
            if len(head) < ENTRY.size or at - begin > MOST_TABLE:
                raise _damaged(f"its list of snapshots ends at {at:#x}")
            table, entries, ids, names, seconds, _, clock, state, extra = ENTRY.unpack(head)
            if extra > MOST_EXTRA:
                raise _damaged(f"{extra} bytes of extra data in a snapshot at {at:#x}")
            size = ENTRY.size + extra + ids + names
            rest = bytes(self._store.view(at + ENTRY.size, at + size))
            if len(rest) < size - ENTRY.size:
                raise _damaged(f"its list of snapshots ends at {at:#x}")
            disk = self.disk
            if extra >= 8:
                state = int.from_bytes(rest[:8], "big")
            if extra >= 16:
                disk = int.from_bytes(rest[8:16], "big")
            text = rest[extra:]
            yield Snapshot(
                id=text[:ids].decode("utf-8", "surrogateescape"),
                name=text[ids:].decode("utf-8", "surrogateescape"),
                date=seconds,
                clock=clock,
                state=state,
                disk=disk,
                table=table,
                entries=entries,
            )
            at += -(-size // 8) * 8


def _damaged(reason: str) -> SourceError:
    return SourceError(
        f"a damaged qcow2 image: {reason}",
        hint="`qemu-img check` says more; another copy of the file may be whole",
    )


class VmState:
    """The VM state of one snapshot, as a store: each range is looked up in its tables when it is asked for.

    Raises
    ------
    SourceError : the tables lie outside of the image, or claim more than can be in it
    """

    def __init__(self, store: Store, image: Image, snapshot: Snapshot) -> None:
        self.size = snapshot.state
        self._store = store
        self._bits = image.cluster_bits
        self._cluster = 1 << self._bits
        self._image = image
        per_table = 1 << self._bits - image.entry_bits
        span = self._cluster * per_table  # bytes that one L2 table is about
        self._per_table = per_table
        first = -(-snapshot.disk // span)  # the state begins at the next table's
        last = first + -(-self.size // span)
        if snapshot.entries * 8 > MOST_L1 or last > snapshot.entries:
            raise _damaged(f"{snapshot.said}: its tables end before its VM state")
        begin, stop = snapshot.table + 8 * first, snapshot.table + 8 * last
        raw = store.view(begin, stop)
        if len(raw) < stop - begin:
            raise _damaged(f"{snapshot.said}: its table lies behind the end of the file")
        if self.size > UNPACKED_FLOOR + UNPACKED_RATIO * store.size:
            raise _damaged(
                f"{snapshot.said}: {self.size:#x} bytes of VM state in {store.size:#x} of the file"
            )
        self._l1 = [entry & OFFSET for (entry,) in struct.iter_unpack(">Q", raw)]
        self._l2: dict[int, memoryview] = {}
        self._unpacked: dict[int, bytes] = {}

    def view(self, start: int, stop: int) -> memoryview:
        stop = min(stop, self.size)
        if stop <= start:
            return memoryview(b"")
        pieces = [self._piece(*one) for one in self._runs(start, stop)]
        return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))

    def where(self, at: int) -> int | None:
        """The offset in the image of the byte at `at`; None where it is compressed, or is not there."""
        if not 0 <= at < self.size:
            return None
        host, within = next(self._runs(at, at + 1))[:2]
        return None if within or host is None else host

    def _runs(self, start: int, stop: int) -> Iterator[tuple[int | None, int, int]]:
        """Pieces of [start, stop) that lie together: host offset (None for zeros), descriptor of a compressed cluster and where in it, size.

        Of a compressed one the offset is where in its unpacked cluster the piece begins, and the
        second number its entry; else that is 0.
        """
        host: int | None = None
        size = 0
        for where, entry, count in self._steps(start, stop):
            if (
                size
                and not entry
                and (
                    (where is None and host is None)
                    or (where is not None and host is not None and where == host + size)
                )
            ):
                size += count
                continue
            if size:
                yield host, 0, size
                size = 0
            if entry:
                yield where, entry, count
                continue
            host, size = where, count
        if size:
            yield host, 0, size

    def _steps(self, start: int, stop: int) -> Iterator[tuple[int | None, int, int]]:
        """The same for each cluster or subcluster."""
        while start < stop:
            index, within = start >> self._bits, start & (self._cluster - 1)
            entry, bitmap = self._entry(index)
            count = min(stop - start, self._cluster - within)
            if entry & COMPRESSED:
                yield within, entry, count
            elif not self._image.extended:
                offset = entry & OFFSET
                there = bool(offset) and not entry & ZERO
                yield (offset + within if there else None), 0, count
            else:
                piece = self._cluster // SUBCLUSTERS
                count = min(count, piece - within % piece)
                there = bool(entry & OFFSET) and bool(bitmap >> within // piece & 1)
                yield ((entry & OFFSET) + within if there else None), 0, count
            start += count

    def _entry(self, index: int) -> tuple[int, int]:
        """The L2 entry of a cluster, and its bitmap of subclusters."""
        number, slot = divmod(index, self._per_table)
        table = self._table(self._l1[number])
        at = slot << self._image.entry_bits
        entry = int.from_bytes(table[at : at + 8], "big")
        if not self._image.extended:
            return entry, 0
        # the low half says which are allocated, the high half which read as zeros
        bits = int.from_bytes(table[at + 8 : at + 16], "big")
        return entry, bits & ~(bits >> SUBCLUSTERS) & 0xFFFFFFFF

    def _table(self, offset: int) -> memoryview:
        found = self._l2.get(offset)
        if found is None:
            raw = self._store.view(offset, offset + self._cluster) if offset else memoryview(b"")
            if offset and len(raw) < self._cluster:
                raise _damaged(f"a table at {offset:#x}, behind the end of the file")
            found = raw if offset else memoryview(bytes(self._cluster))
            while len(self._l2) >= TABLES:
                self._l2.pop(next(iter(self._l2)))
            self._l2[offset] = found
        return found

    def _piece(self, host: int | None, entry: int, size: int) -> memoryview:
        if entry:
            assert host is not None
            return memoryview(self._unpack(entry))[host : host + size]
        if host is None:
            return memoryview(bytes(size))
        raw = self._store.view(host, host + size)
        if len(raw) < size:
            raise _damaged(f"a cluster of VM state at {host:#x}, behind the end of the file")
        return raw

    def _unpack(self, entry: int) -> bytes:
        """A compressed cluster: its offset, and in how many sectors it lies."""
        found = self._unpacked.get(entry)
        if found is not None:
            return found
        shift = 62 - (self._bits - 8)
        offset = entry & ((1 << shift) - 1)
        sectors = (entry >> shift & ((1 << self._bits - 8) - 1)) + 1
        raw = bytes(self._store.view(offset, offset + sectors * SECTOR - offset % SECTOR))
        try:
            found = self._inflate(raw)
        except (zlib.error, ValueError) as error:
            raise _damaged(f"a compressed cluster at {offset:#x}: {error}") from None
        if len(found) != self._cluster:
            raise _damaged(f"a compressed cluster at {offset:#x} of {len(found)} bytes")
        while len(self._unpacked) >= TABLES:
            self._unpacked.pop(next(iter(self._unpacked)))
        self._unpacked[entry] = found
        return found

    def _inflate(self, raw: bytes) -> bytes:
        if not self._image.zstd:
            return zlib.decompressobj(-12).decompress(raw, self._cluster)
        from migstream.source.zstd import zstd

        try:
            return zstd.ZstdDecompressor().decompress(raw, self._cluster)
        except zstd.ZstdError as error:
            raise ValueError(str(error)) from None


class _Forward:
    """VM state from its beginning on, a cluster at a time, up to what cannot be read (protocol: source.layers.Pipe)."""

    def __init__(self, state: VmState, cluster: int) -> None:
        self._state = state
        self._cluster = cluster
        self._at = 0

    def read(self, size: int, /) -> bytes:
        left = self._cluster - self._at % self._cluster
        piece = bytes(self._state.view(self._at, self._at + min(size, left)))
        self._at += len(piece)
        return piece


def open_image(outer: Opened, /) -> Opened | None:
    """The VM state of a snapshot (protocol: source.containers.Container); `outer.asked.inside` says of which."""
    head = outer.head(8)
    if not head.startswith(MAGIC) or int.from_bytes(head[4:], "big") not in VERSIONS:
        return None
    store = outer.spool().store
    assert store is not None
    image = Image(store)
    chosen = choose(image.snapshots, outer.asked.take())
    state = VmState(store, image, chosen)
    layer = Layer("qcow2", chosen.said, facts(image, chosen))
    return outer.inside(
        layer,
        store=state,
        where=state.where,
        base=0,
        ends=True,
        forward=lambda: _Forward(state, 1 << image.cluster_bits),
    )


def choose(snapshots: tuple[Snapshot, ...], wanted: str | None) -> Snapshot:
    """The snapshot of this id or name; the only one that has VM state where none is asked for.

    Raises
    ------
    NotAStream : there is none, or there are several
    """
    with_state = [one for one in snapshots if one.state]
    if not with_state:
        raise NotAStream(
            "a qcow2 image whose snapshots hold no VM state"
            if snapshots
            else "a qcow2 image without snapshots",
            hint="`savevm` keeps the state on one disk of the guest: another image may have it",
        )
    if wanted is None:
        found = with_state
    else:
        found = [one for one in with_state if one.id == wanted] or [
            one for one in with_state if one.name == wanted
        ]
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"{one.said}, {one.state:#x} bytes" for one in with_state)
    if not found:
        raise NotAStream(f"no snapshot {wanted!r} with VM state", hint=f"there are: {listed}")
    what = "snapshots" if wanted is None else f"snapshots that are called {wanted!r}"
    raise NotAStream(
        f"a qcow2 image with VM state of {len(found)} {what}",
        hint=f"--inside ID or NAME says which: {listed}",
    )


def facts(image: Image, chosen: Snapshot) -> dict[str, Any]:
    """What `info` tells."""
    return {
        "version": image.version,
        "cluster_size": 1 << image.cluster_bits,
        "snapshot": chosen.id,
        "name": chosen.name,
        "date": chosen.when.isoformat(),
        "vm_clock": chosen.clock,
        "snapshots": [
            {"id": one.id, "name": one.name, "date": one.when.isoformat(), "state_size": one.state}
            for one in image.snapshots
        ],
    }
