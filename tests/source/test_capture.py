"""A migration in a capture of a network: its connection is the stream, whatever the network did to it."""

from __future__ import annotations

import gzip
from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import MigstreamError, NotAStream, SourceError
from migstream.source import capture
from migstream.source.opened import open_source
from migstream.stream import open_anything
from support import build
from support.pcap import ACK, FIN, LINKS, SYN, Flow, pcap, pcapng, spoken

FLOW = Flow("10.0.0.1", 40000, "10.0.0.2", 4444)
SIX = Flow("fd00::1", 40000, "fd00::2", 4444)
STREAM = build.small()
NAME = "10.0.0.1:40000-10.0.0.2:4444"


def back(flow: Flow, sport: int | None = None) -> Flow:
    return Flow(flow.target, flow.dport, flow.source, sport or flow.sport, 77)


def whole(data: bytes, **options: str) -> bytes:
    """What the connection in a capture says."""
    opened = open_source(data, **options)  # type: ignore[arg-type]
    assert opened.store is not None
    found = bytes(opened.store.view(0, opened.store.size))
    opened.close()
    return found


# --- files and what lies below TCP ----------------------------------------------------------------


@pytest.mark.parametrize("flow", [FLOW, SIX], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("link", LINKS)
def test_each_link(link: str, flow: Flow) -> None:
    packets = spoken(flow, STREAM, link=link)
    for order in "<>":
        for nano in (False, True):
            assert whole(pcap(packets, link, order=order, nano=nano)) == STREAM
        for simple in (False, True):
            assert whole(pcapng(packets, link, order=order, simple=simple)) == STREAM


def test_a_stream_in_a_capture_opens() -> None:
    with migstream.open(pcap(spoken(FLOW, STREAM))) as stream:
        assert stream["two/n"].value == 7
        assert not stream.damage
        (layer,) = stream.layers
        assert (layer.name, layer.facts["connection"]) == ("capture", NAME)
        assert layer.facts["closed"]


def test_offsets_are_told_in_the_capture() -> None:
    raw = pcap(spoken(FLOW, STREAM, piece=100))
    with migstream.open(raw) as stream:
        for at in (0, 99, 100, 1234, len(STREAM) - 1):
            outer = stream.outermost(at)
            assert outer is not None
            assert raw[outer] == STREAM[at]
        assert stream.outermost(len(STREAM)) is None


def test_a_compressed_capture_opens() -> None:
    with migstream.open(gzip.compress(pcap(spoken(FLOW, STREAM)))) as stream:
        assert stream["two/n"].value == 7
        assert [layer.name for layer in stream.layers] == ["gzip", "capture"]


def test_packets_larger_than_ip_can_say() -> None:
    data = STREAM + bytes(200_000)
    assert whole(pcap(spoken(FLOW, data, piece=150_000))) == data


def test_other_packets_are_left_out() -> None:
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    udp = bytearray(FLOW.packet(0, b"QEVM"))
    udp[14 + 9] = 17
    fragment = bytearray(FLOW.packet(0, b"other bytes"))
    fragment[14 + 6] = 0x20
    short = bytearray(FLOW.packet(0, b""))
    short[14] = 0x40  # an IP header of no words
    others = [
        bytes(short[: 14 + 18]),
        arp,
        bytes(udp),
        bytes(fragment),
        b"",
        b"\0" * 13,
        FLOW.packet(0, b"x")[:40],
    ]
    assert whole(pcap([*others, *spoken(FLOW, STREAM), *others])) == STREAM


# --- what the network does ------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=150)
def test_any_order_with_repeats_and_overlaps_gives_the_same_bytes(data: st.DataObject) -> None:
    isn = data.draw(st.sampled_from((0, 1000, 0xFFFFFFFF, 0xFFFFF000)))
    flow = FLOW._replace(isn=isn)
    stream = STREAM[: data.draw(st.integers(4, 400))]
    cuts = sorted({0, *data.draw(st.sets(st.integers(0, len(stream)), max_size=12)), len(stream)})
    pieces = list(pairwise(cuts))
    for _ in range(data.draw(st.integers(0, 4))):
        start = data.draw(st.integers(0, len(stream) - 1))
        pieces.append((start, data.draw(st.integers(start + 1, len(stream)))))
    pieces = data.draw(st.permutations(pieces))
    packets = [flow.packet(-1, b"", SYN)]
    packets += [flow.packet(start, stream[start:stop]) for start, stop in pieces]
    assert whole(pcap(packets)) == stream


def test_sequence_numbers_go_round() -> None:
    flow = FLOW._replace(isn=0xFFFFF000)
    assert whole(pcap(spoken(flow, STREAM, piece=700))) == STREAM


def test_of_bytes_that_came_twice_the_first_count() -> None:
    packets = [FLOW.packet(-1, b"", SYN), FLOW.packet(0, STREAM[:100])]
    packets += [FLOW.packet(50, bytes(100)), FLOW.packet(100, STREAM[100:])]
    expected = STREAM[:100] + bytes(50) + STREAM[150:]
    assert whole(pcap(packets)) == expected


def test_the_first_packet_may_be_missing() -> None:
    assert whole(pcap(spoken(FLOW, STREAM)[1:])) == STREAM


def test_a_lost_segment_is_damage_from_there_on() -> None:
    packets = spoken(FLOW, STREAM, piece=1000)
    del packets[3]
    with migstream.open(pcap(packets)) as stream:
        assert stream.size == 2000
        wrong = [str(error) for error in stream.damage]
        assert any("0x7d0-0xbb8 are missing in the capture" in one for one in wrong)
        assert stream.machine == "none"


def test_packets_that_were_cut_say_how_to_capture() -> None:
    with migstream.open(pcap(spoken(FLOW, STREAM), snap=800)) as stream:
        (error,) = (e for e in stream.damage if "missing in the capture" in str(e))
        assert error.hint is not None
        assert "tcpdump -s 0" in error.hint


def test_a_gap_that_never_ends_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MOST_WAITING", 4)
    packets = spoken(FLOW, STREAM, piece=50)
    del packets[2]
    opened = open_source(pcap(packets))
    assert isinstance(opened.store, capture.Connection)
    assert opened.store.gap == (50, 100)
    assert len(opened.store._waiting) <= 5


# --- several connections --------------------------------------------------------------------------


def channel(number: int) -> bytes:
    return bytes.fromhex("11223344 00000001") + bytes(16) + bytes([number]) + bytes(39)


def woven(*flows: list[bytes]) -> list[bytes]:
    """Packets of several connections, in turn."""
    longest = max(map(len, flows))
    return [flow[n] for n in range(longest) for flow in flows if n < len(flow)]


def test_channels_and_return_path_are_found() -> None:
    channels = [spoken(FLOW._replace(sport=50000 + n), channel(n), piece=30) for n in range(3)]
    answer = spoken(back(FLOW), b"\0\1\0\4\0\0\0\0")
    raw = b""
    for order in (0, 1):
        flows = [spoken(FLOW, STREAM, piece=500), *channels]
        raw = pcap(woven(*(flows if not order else flows[::-1]), answer))
        with migstream.open(raw) as stream:
            facts = stream.layers[0].facts
            assert facts["channels"] == [
                f"10.0.0.1:{50000 + n}-10.0.0.2:4444" for n in ((0, 1, 2), (2, 1, 0))[order]
            ]
            assert facts["return_path"] == "10.0.0.2:4444-10.0.0.1:40000"
            assert "3 multifd channels, a return path of 8 bytes" in stream.layers[0].said
            assert {c.initial.channel for c in stream.channels} == {0, 1, 2}
            assert stream["two/n"].value == 7
    with open_anything(raw, inside="10.0.0.2:4444-10.0.0.1:40000") as other:
        assert other.size == 8


def test_a_channel_with_a_gap_is_named() -> None:
    packets = spoken(FLOW._replace(sport=50000), channel(0) + bytes(300), piece=100)
    del packets[2]
    with migstream.open(pcap(woven(spoken(FLOW, STREAM), packets))) as stream:
        assert any("10.0.0.1:50000" in str(e) and "missing" in str(e) for e in stream.damage)


def test_several_migrations_are_chosen_among() -> None:
    other = build.HEADER + build.configuration("pc-q35-8.0") + build.END
    second = Flow("10.0.0.3", 41000, "10.0.0.4", 4444)
    mine = spoken(Flow("10.0.0.3", 41001, "10.0.0.4", 4444), channel(0))
    raw = pcap(woven(spoken(FLOW, STREAM), spoken(second, other), mine))
    with pytest.raises(NotAStream, match="2 migrations") as error:
        migstream.open(raw)
    assert NAME in str(error.value.hint)
    assert "2 10.0.0.3:41000" in str(error.value.hint)
    for inside in ("2", "10.0.0.3:41000-10.0.0.4:4444"):
        with migstream.open(raw, inside=inside) as stream:
            assert stream.machine == "pc-q35-8.0"
            assert len(stream.layers[0].facts["channels"]) == 1
    with migstream.open(raw, inside="1") as stream:
        assert stream["two/n"].value == 7
        assert stream.layers[0].facts["channels"] == []
    with pytest.raises(NotAStream, match="called 'nothing'"):
        migstream.open(raw, inside="nothing")


def test_one_migration_after_the_other_between_the_same_ports() -> None:
    again = FLOW._replace(isn=900_000)
    other = build.HEADER + build.configuration("pc-q35-8.0") + build.END
    raw = pcap([*spoken(FLOW, STREAM), *spoken(again, other)])
    assert whole(raw, inside="1") == STREAM
    assert whole(raw, inside="2") == other


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (b"GET / HTTP/1.1", "must begin before the migration"),
        (b"\x16\x03\x01\x02\0", "TLS encrypts"),
    ],
)
def test_without_a_migration_it_says_what_is_there(said: bytes, hint: str) -> None:
    with pytest.raises(NotAStream, match="none begins as a migration") as error:
        migstream.open(pcap(spoken(FLOW, said)))
    assert hint in str(error.value.hint)
    with pytest.raises(NotAStream, match="no TCP connections"):
        migstream.open(pcap([]))


def test_more_connections_than_any_migration_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "MOST_CONNECTIONS", 5)
    packets = [FLOW._replace(sport=n).packet(-1, b"", SYN) for n in range(9)]
    with pytest.raises(SourceError, match="more than 5 connections"):
        migstream.open(pcap(packets))


# --- hostile --------------------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=150)
def test_whatever_the_bytes_it_is_a_stream_or_an_error_of_ours(data: st.DataObject) -> None:
    packets = spoken(FLOW, STREAM[:3000], piece=500)
    link = data.draw(st.sampled_from(sorted(LINKS)))
    raw = bytearray((pcap if data.draw(st.booleans()) else pcapng)(packets, link))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, min(len(raw) - 1, 1200)))
        raw[at] = data.draw(st.integers(0, 255))
    with suppress(MigstreamError), open_anything(bytes(raw)) as stream:
        assert stream.damage is not None


def test_random_packets() -> None:
    random = Random(1)  # noqa: S311 - no secret
    packets = []
    for _ in range(3000):
        packet = bytearray(
            SIX.packet(random.randrange(99), b"QEVM", random.choice((ACK, FIN, SYN)))
        )
        for _ in range(random.randrange(8)):
            packet[random.randrange(len(packet))] = random.randrange(256)
        packets.append(bytes(packet[: random.randrange(len(packet) + 1)]))
    with suppress(MigstreamError):
        migstream.open(pcap(packets)).close()
