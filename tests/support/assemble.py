"""Guest memory from a multifd recording, page by page: slow and plain, to hold faster ways against."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import migstream
from migstream.ram.channels import SPOOL, Channel, PageRun, pages
from migstream.ram.model import RamRecords, RamSetup
from migstream.source.opened import open_source
from migstream.source.spool import Spool
from migstream.source.store import Store

PAGE = 4096
ZERO, EOS, CONTINUE, FLUSH = 0x02, 0x10, 0x20, 0x200


def main_channel(path: Path) -> tuple[dict[str, int], list[tuple[int, str, int]]]:
    """Return the blocks' lengths, and each zero page as (epoch, block, offset)."""
    raw = path.read_bytes()
    with migstream.open(path) as stream:
        parts = [s.content for s in stream.sections if s.name == "ram"]
    setup = parts[0]
    assert isinstance(setup, RamSetup)
    records = [p.records if isinstance(p, RamSetup) else p for p in parts]
    starts = [setup.blocks[-1].span.stop, *(r.span.start for r in records[1:])]
    sync = FLUSH if any(r.flush for r in records) else EOS
    found: list[tuple[int, str, int]] = []
    epoch, block = 0, ""
    for at, part in zip(starts, records, strict=True):
        assert isinstance(part, RamRecords)
        while at < part.span.stop:
            (word,) = struct.unpack_from(">Q", raw, at)
            offset, flags = word & -PAGE, word & (PAGE - 1)
            at += 8
            if flags in (EOS, FLUSH):
                epoch += flags == sync
                continue
            assert flags & ~CONTINUE == ZERO
            if not flags & CONTINUE:
                block = raw[at + 1 : at + 1 + raw[at]].decode()
                at += 1 + raw[at]
            assert raw[at] == 0
            at += 1
            found.append((epoch, block, offset))
    return {b.name: b.used_length for b in setup.blocks}, found


def assemble(main: Path, recordings: Sequence[Path]) -> dict[str, bytearray]:
    """Return every block as the channels and the main channel's zero pages make it."""
    lengths, zeros = main_channel(main)
    memory = {name: bytearray(b"\xee" * length) for name, length in lengths.items()}
    spool = Spool()
    opened = [open_source(path) for path in recordings]
    stores: list[Store] = [source.store for source in opened if source.store is not None]
    channels = [Channel(store, lengths=lengths) for store in stores]
    sent: list[tuple[int, str, int, bytes]] = [(*zero, bytes(PAGE)) for zero in zeros]
    for run in pages(channels, spool):
        sent += [(run.epoch, run.block, *page) for page in contents(run, stores, spool)]
    for _, block, offset, content in sorted(sent, key=lambda page: page[0]):
        memory[block][offset : offset + PAGE] = content
    for source in opened:
        source.close()
    spool.close()
    return memory


def contents(run: PageRun, stores: Sequence[Store], spool: Spool) -> Iterator[tuple[int, bytes]]:
    """Give each page of a run: its offset in the block, and its bytes."""
    page = run.page_size
    if run.where is None:
        yield from ((offset, bytes(page)) for offset in run.offsets)
        return
    source, start = run.where
    store = spool if source == SPOOL else stores[source]
    for n, offset in enumerate(run.offsets):
        at = start + n * page
        yield offset, bytes(store.view(at, at + page))
