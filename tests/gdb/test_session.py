"""A session with a saved guest: what a debugger asks, and what one would rather not be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migstream
from migstream.errors import NoSuchAddress, Unsupported
from migstream.gdb.guest import Guest
from migstream.gdb.packets import LONGEST
from migstream.gdb.session import Session
from migstream.gdb.target import target
from migstream.machine.registers.read import READERS, Cpu
from support.gdbsaved import Saved, packet, packets
from support.samples import Sample

Named = Callable[[str], Sample]
NAMES = """
    rax rip efer cs.selector gdt.base ftag xmm0 ymm0 pstate xpsr r15 cpsr sctlr fpscr nip msr vsl0 gscb0
    psw.mask psw.addr satp mstatus frm halted prefix crmd fcc0 fcsr0
"""


@pytest.fixture
def pc(named_sample: Named) -> Iterator[Saved]:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        yield Saved(stream)


def test_every_architecture_is_described(sample: Sample) -> None:
    """Each document is XML, each number is one register's, and each register has an answer of its width."""
    with migstream.open(sample.path, spool=True) as stream:
        try:
            saved = Saved(stream)
        except Unsupported:
            return
        guest = saved.session._guest
        for text in guest.target.annexes().values():
            # gdb's own documents declare no namespace either
            ET.fromstring(text.replace(b"xi:", b""))  # noqa: S314 - our own
        every = [r for feature in guest.target.features for r in feature.registers]
        assert len(guest.target.numbered()) == len(every)
        assert len({register.name for register in every}) == len(every)
        for cpu in range(len(guest.cpus)):
            saved.select(cpu)
            assert len(saved.ask("g")) == sum(
                r.bits // 4 for r in guest.target.features[0].registers
            )
            for number, register in guest.target.numbered().items():
                answer = saved.ask(f"p{number:x}")
                assert len(answer) == register.bits // 4
        # what the project calls its program counter is in it
        assert any(r.ours in {"rip", "pc", "r15", "nip", "psw.addr"} for r in every)
        with saved:
            pass


@given(st.data(), st.sampled_from(sorted(READERS)))
def test_any_values_are_told(data: st.DataObject, arch: str) -> None:
    names = [*NAMES.split(), *(f"{kind}{n}" for kind in "xrvdfac" for n in range(32))]
    values = st.dictionaries(
        st.sampled_from(names), st.integers(-1, 1 << 300) | st.integers(0, 1 << 64)
    )
    cpus = [Cpu(index=n, arch=arch, pc=0, root=None, values=data.draw(values)) for n in range(2)]
    described = target(cpus)
    for text in described.annexes().values():
        ET.fromstring(text.replace(b"xi:", b""))  # noqa: S314 - our own
    numbered = described.numbered()
    assert len(numbered) == sum(len(feature.registers) for feature in described.features)
    for cpu in cpus:
        for register in numbered.values():
            digits = register.digits(cpu.values, described.order)
            assert len(digits) == register.bits // 4


def test_threads(named_sample: Named) -> None:
    with migstream.open(named_sample("q35-7.2.mig").path) as stream:
        saved = Saved(stream)
        count = len(stream.registers)
        assert saved.ask("qfThreadInfo") == "m" + ",".join(f"{n + 1:x}" for n in range(count))
        assert saved.ask("qsThreadInfo") == "l"
        assert saved.ask("qC") == "QC1"
        assert saved.ask("?") == "T05thread:1;"
        assert [saved.ask(f"T{name}") for name in ("1", "p1.1", "0", "-1")] == ["OK"] * 4
        for name in ("99", "zz", "", "p", "p1.", "1" * 40):
            assert saved.ask(f"T{name}") == saved.ask(f"Hg{name}") == "E22", name
        assert saved.ask("Hc-1") == "OK"
        assert saved.ask("Hz1") == "E22"
        assert bytes.fromhex(saved.ask("qThreadExtraInfo,1")).startswith(b"CPU#0 [")
        assert saved.ask("qThreadExtraInfo,77") == "E22"


def test_memory(pc: Saved, named_sample: Named) -> None:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        assert pc.ask("mfffffff0,10") == stream.memory[0xFFFFFFF0:0x100000000].hex()
        assert (
            pc.ask("mfffffff0,100") == stream.memory[0xFFFFFFF0:0x100000000].hex()
        )  # as far as it goes
        binary = pc.ask("xf0000,40")
        assert binary[0] == "b"
    for wrong in ("m", "m,", "mzz,1", "m1", "m0," + "f" * 17, "x-1,1", "p", "pffff", "pzz"):
        assert pc.ask(wrong) == "E22", wrong
    assert pc.ask("m500000000,10") == pc.ask("x500000000,10") == "E14"
    assert pc.ask("mffffffffffffffff,ffffffffffffffff") == "E14"
    assert 0 < len(pc.ask("m0,ffffffff")) <= LONGEST


def test_qemus_own_switch(pc: Saved) -> None:
    assert pc.ask("qqemu.PhyMemMode") == "0"
    assert pc.ask("Qqemu.PhyMemMode:1") == "OK"
    assert pc.ask("qqemu.PhyMemMode") == "1"
    assert "guest-physical" in pc.monitor("physical")
    assert "virtual" in pc.monitor("physical off")
    assert pc.ask("qqemu.PhyMemMode") == "0"
    assert pc.ask("qqemu.sstepbits") == "ENABLE=1,NOIRQ=2,NOTIMER=4"


def test_what_cannot_be_is_refused(pc: Saved) -> None:
    for request in ("G00", "P0=00", "M0,1:00", "X0,1:a", "Z0,0,1", "z0,0,1"):
        assert pc.ask(request).startswith("E."), request
    for request in ("c", "s", "C05", "S05", "vCont;c", "vCont;s:1"):
        pc._send(request)
        said, stopped = pc._waiting
        assert b"cannot run" in bytes.fromhex(said[1:])
        assert stopped == "T02thread:1;"
        pc._waiting.clear()
    for unknown in ("qTStatus", "qOffsets", "vMustReplyEmpty", "!", "R", "QNonStop:1", "i", ""):
        assert pc.ask(unknown) == "", unknown


def test_acknowledgements_and_the_end(pc: Saved) -> None:
    session = pc.session
    assert session.feed(b"$g#00") == b"-"
    answer = session.feed(packet("qC"))
    assert session.feed(b"-") == answer[1:]
    assert session.feed(b"\x03+") == b""
    assert session.feed(packet("QStartNoAckMode")) == b"+$OK#9a"
    assert session.feed(packet("qC")) == answer[1:]
    assert packets(session.feed(b"$" + b"a" * (LONGEST + 5) + b"#00"))[0].startswith("E.")
    assert session.feed(packet("k") + packet("qC")) == b""
    assert session.ended
    assert session.feed(packet("qC")) == b""


def test_descriptions_in_parts(pc: Saved) -> None:
    whole = pc._annex("target.xml")
    assert whole.startswith("<?xml")
    assert pc.ask("qXfer:features:read:target.xml:0,10") == "m" + whole[:16]
    assert pc.ask(f"qXfer:features:read:target.xml:{len(whole):x},10") == "l"
    assert pc.ask("qXfer:features:read:none.xml:0,10") == "E00"
    assert pc.ask("qXfer:features:read:target.xml:zz,10") == "E22"


def test_monitor(pc: Saved) -> None:
    assert "round" in pc.monitor("help")
    assert pc.monitor("") == pc.monitor("help")
    assert "pc-i440fx-7.2" in pc.monitor("info")
    assert pc.monitor("get cpu/env.eip") == "65520 (0xfff0)\n"
    assert "nothing is called" in pc.monitor("get nothing/at/all")
    assert "get what?" in pc.monitor("get")
    assert "no command" in pc.monitor("\x1b[31m")
    assert "\x1b" not in pc.monitor("\x1b[31m") + pc.monitor("round \x1b[31m")
    assert len(pc.monitor("get **")) < (1 << 20) + 200
    assert pc.ask("qRcmd,zz") == pc.ask("qRcmd,é") == "E22"


def test_rounds(named_sample: Named) -> None:
    """Memory after a round is what the versions of a page until then say."""
    with migstream.open(named_sample("pc-xbzrle-7.2.mig").path) as stream:
        saved = Saved(stream)
        saved.ask("Qqemu.PhyMemMode:1")
        rounds = stream.ram.round_count
        assert rounds > 1
        changing = [at for at in range(0, 1 << 20, 4096) if len(stream.history("pc.ram", at)) > 1]
        assert changing
        for number in range(1, rounds + 1):
            assert f"dirty round {number} of {rounds}" in saved.monitor(f"round {number}")
            for at in changing[:8]:
                versions = [v for v in stream.history("pc.ram", at) if v.turn <= number]
                told = saved.ask(f"m{at:x},40")
                assert told == (versions[-1].data[:64].hex() if versions else "E14")
        assert "at its end" in saved.monitor("round end")
        for wrong in ("0", "-1", str(rounds + 1), "x", "1" * 30, "²"):
            assert "dirty round" not in saved.monitor(f"round {wrong}").partition("no dirty")[0]
        with pytest.raises(NoSuchAddress):
            stream.ram_after(rounds + 1)


@settings(max_examples=60)
@given(
    st.lists(
        st.binary(max_size=80) | st.text("gmpxqQvH0123456789,;:.-", max_size=30).map(str.encode)
    )
)
def test_no_packet_is_fatal(pc_stream: migstream.Stream, requests: list[bytes]) -> None:
    session = Session(Guest(pc_stream))
    for request in requests:
        raw = bytes(b for b in request if b not in b"#$}")
        for answer in packets(session.feed(b"$%s#%02x" % (raw, sum(raw) & 0xFF))):
            assert len(answer) <= 4 * LONGEST  # repetitions written out


@pytest.fixture(scope="module")
def pc_stream(named_sample: Named) -> Iterator[migstream.Stream]:
    with migstream.open(named_sample("pc-7.2.mig").path) as stream:
        yield stream
