"""All multifd channels of one migration: their pages, in the order in which they must be applied.

The order
---------
Between two sends of one page lies a sync of all channels. A page is sent again only after a new
look at the dirty log, and by then the scan has come round (ram.c: find_dirty_block syncs when it
wraps, 8.1 on) or another section has begun (ram.c: ram_save_iterate and ram_save_complete sync at
the end of each, before 8.1 and for machine types up to 8.0). A sync is a SYNC packet in every channel
(multifd.c: multifd_send_sync_main), and the destination goes on only when it has all of them
(multifd_recv_sync_main). So the number of SYNC packets before a packet in its channel, its epoch,
orders what must be ordered. Packet numbers alone do not: they are drawn before or while a packet
is filled, by several threads.

Within an epoch no page occurs twice but for one race: multifd_queue_page looks at a full packet's
block after a channel took it, and if that is already done with it, queues the last page again
(seen with 5.2). Both sends are alike, or the guest wrote in between, so that the page is
dirty and comes again in a later epoch.

The k-th sync point of the main channel is the k-th SYNC of every channel. Sync points are the
MULTIFD_FLUSH records of a stream that has any, else the EOS of every RAM section, START included.
So a (zero) page of the main channel behind k of them has epoch k, like a packet behind k SYNCs.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge

import msgspec

from migstream.errors import BadRam, StreamError
from migstream.qemu.words import say
from migstream.ram.multifd import ChannelReader, DeviceState, Initial, Packet
from migstream.ram.unpack import Unpacker
from migstream.source.spool import Spool
from migstream.source.store import Store
from migstream.wire.cursor import windows

__all__ = ["SPOOL", "Channel", "PageRun", "absent", "pages"]

SPOOL = -1
AT_UUID, AT_ID = 8, 24


class PageRun(msgspec.Struct, frozen=True, kw_only=True):
    """Pages of one packet: "zero" ones, or "data".

    `offsets` are those of the pages in the block, in bytes. `where` is None for zero pages, else
    the source's index (that of the channel, or SPOOL) and the offset there of the first page; the
    others follow it without gap. `epoch` and `number` are explained above.
    """

    block: str
    kind: str
    offsets: array[int]
    page_size: int
    where: tuple[int, int] | None
    epoch: int
    number: int


class Channel:
    """One recorded channel, all of whose bytes are at hand.

    Parameters
    ----------
    store : the recording
    page_size, lengths : see `ram.multifd.ChannelReader`

    Raises
    ------
    NotAStream, BadRam, Truncated : it does not begin as a channel does
    """

    def __init__(
        self,
        store: Store,
        page_size: int | None = None,
        lengths: Mapping[str, int] | None = None,
    ) -> None:
        self.store = store
        self._options = page_size, lengths
        first = next(self.items())
        assert isinstance(first, Initial)
        self.initial = first

    def items(self) -> Iterator[Initial | Packet | DeviceState]:
        """The initial packet and all that follow; raises where the recording is damaged or cut."""
        return windows(ChannelReader(*self._options).items, self.store)

    def packets(self) -> Iterator[tuple[int, Packet]]:
        """Packets of pages and syncs, with their epochs."""
        epoch = 0
        for item in self.items():
            if isinstance(item, Packet):
                yield epoch, item
                epoch += item.sync


def absent(channels: Sequence[Channel]) -> list[int]:
    """Numbers of channels that must have existed, since a higher one did, but are not given."""
    given = {channel.initial.channel for channel in channels}
    return [number for number in range(max(given, default=0)) if number not in given]


def pages(
    channels: Sequence[Channel],
    spool: Spool,
    note: Callable[[StreamError], None] | None = None,
) -> Iterator[PageRun]:
    """All pages of all channels, those of one page in the order in which they were sent.

    Parameters
    ----------
    channels : in any order; `PageRun.where` counts them from 0
    spool : takes what is unpacked, and can be read as soon as a run was yielded
    note : told of damage, which ends its channel and no other; without, damage is raised

    Raises
    ------
    BadRam : two recordings of one channel, or channels of different machines or page sizes
    """
    _check_together(channels)
    parts = [_runs(n, channel, spool, note) for n, channel in enumerate(channels)]
    size: int | None = None
    for run in merge(*parts, key=lambda run: (run.epoch, run.number)):
        if size is not None and run.page_size != size:
            raise BadRam(
                "multifd: channels of different page sizes", expected=size, found=run.page_size
            )
        size = run.page_size
        yield run


def _check_together(channels: Sequence[Channel]) -> None:
    seen: set[int] = set()
    for channel in channels:
        initial, uuid = channel.initial, channels[0].initial.uuid
        if initial.channel in seen:
            raise BadRam(
                f"multifd: channel {initial.channel} twice",
                at=AT_ID,
                expected="another channel's number",
                found=initial.channel,
                hint="name each recording once, and those of one migration only",
            )
        if initial.uuid != uuid:
            raise BadRam(
                say(
                    "multifd-first",
                    received=initial.uuid,
                    expected=uuid,
                    channel=initial.channel,
                ),
                at=AT_UUID,
                expected=uuid,
                found=initial.uuid,
                hint="name the recordings of one migration only",
            )
        seen.add(initial.channel)


def _runs(
    index: int, channel: Channel, spool: Spool, note: Callable[[StreamError], None] | None
) -> Iterator[PageRun]:
    """The runs of one channel; zero pages come first, as the destination has it (multifd_nocomp_recv)."""
    unpacker = Unpacker()
    try:
        for epoch, packet in channel.packets():
            if packet.zero:
                offsets = packet.offsets[packet.normal :]
                yield _run(epoch, packet, "zero", offsets, None)
            if packet.normal:
                where = index, packet.payload.start
                if packet.compression != "none":
                    payload = channel.store.view(*packet.payload)
                    where = SPOOL, spool.append(unpacker.unpack(packet, payload))
                yield _run(epoch, packet, "data", packet.offsets[: packet.normal], where)
    except StreamError as error:
        error.under(f"channel {channel.initial.channel}")
        if note is None:
            raise
        note(error)


def _run(
    epoch: int, packet: Packet, kind: str, offsets: array[int], where: tuple[int, int] | None
) -> PageRun:
    return PageRun(
        block=packet.block,
        kind=kind,
        offsets=offsets,
        page_size=packet.page_size,
        where=where,
        epoch=epoch,
        number=packet.number,
    )
