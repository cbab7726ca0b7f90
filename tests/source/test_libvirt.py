"""libvirt's save images, made by hand: every field, both byte orders, and what is wrong with one."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import migstream
from migstream.analysis.domain import disagreements
from migstream.edit.domain import redacted
from migstream.errors import MigstreamError, SourceError, Unsupported
from migstream.source.domain import Device, read_domain
from migstream.source.libvirt import FORMATS, HEADER, MAGIC, UNFINISHED, image_head
from migstream.source.packing import PACKERS, packed
from migstream.stream import open_anything
from support import build

XML = """<domain type='kvm'><name>a guest</name><uuid>1403c3ad-a448-4f33-961b-ca3d55cd5df5</uuid>
<title>mine</title><memory unit='GiB'>2</memory><vcpu current='2'>4</vcpu>
<os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type></os><devices>
<controller type='pci' index='0' model='pcie-root'/>
<controller type='pci' index='2' model='pcie-to-pci-bridge'><address type='pci' bus='0x01' slot='0x00'/></controller>
<controller type='pci' index='1' model='pcie-root-port'><address type='pci' bus='0x00' slot='0x02' function='0x3'/></controller>
<interface type='user'><mac address='52:54:00:12:34:56'/><address type='pci' domain='0x0000' bus='0x02' slot='0x05' function='0x0'/></interface>
<hostdev><address type='pci' bus='0x00' slot='0x09'/></hostdev>
<disk><source><auth username='u'/></source><serial>S3RIAL</serial></disk>
<graphics type='vnc' passwd='sekret'/></devices></domain>"""


Order = Literal["little", "big"]


def image(
    stream: bytes, *, order: Order = "little", form: str = "raw", complete: bool = True
) -> bytes:
    head = image_head(XML, "<cookie/>", form=form, was_running=True, order=order, complete=complete)
    return head + stream


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("form", FORMATS)
def test_the_header_s_fields_are_told(order: Order, form: str, *, complete: bool) -> None:
    with migstream.open(image(build.small(), order=order, form=form, complete=complete)) as stream:
        assert stream.devices[0].name == "one"
        layer = stream.layers[0]
        assert layer.facts | {"size": 0} == {
            "complete": complete,
            "size": 0,
            "byte_order": order,
            "format": form,
            "was_running": True,
            "xml": XML,
            "cookie": "<cookie/>",
        }
        assert ("unfinished" in layer.said) is not complete


@pytest.mark.parametrize("form", PACKERS)
def test_what_is_compressed_in_it_opens(form: str) -> None:
    pytest.importorskip({"lz4": "lz4", "lzop": "lzallright"}.get(form, "zlib"))
    small = b"".join(packed(form, [build.small()]))
    named = form if form in FORMATS else "raw"
    with migstream.open(image(small, form=named), spool=True) as stream:
        assert [layer.name for layer in stream.layers] == ["libvirt", form]
        assert bytes(stream.store.view(0, stream.size)) == build.small()


def test_a_pipe_says_the_same_as_the_file() -> None:
    data = image(build.small())

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self._inner = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            return self._inner.readinto(buffer)

    with migstream.open(Pipe()) as piped, migstream.open(data) as whole:  # type: ignore[arg-type]
        assert piped.layers == whole.layers
        assert [d.path for d in piped.devices] == [d.path for d in whole.devices]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda head: head[:50], "ends in its header"),
        (lambda head: head[:HEADER], "ends in its XML"),
        (lambda head: head[:16] + b"\x09\0\0\0" + head[20:], "version 9"),
        (lambda head: head[:20] + b"\xff\xff\xff\xff" + head[24:], "ends in its XML"),
    ],
    ids=["header", "XML", "version", "length"],
)
def test_a_damaged_image_ends_in_one_clear_error(
    change: Callable[[bytes], bytes], said: str
) -> None:
    head = image(b"")
    with pytest.raises(SourceError, match=said):
        migstream.open(change(head))


@pytest.mark.parametrize(("complete", "said"), [(True, "cut off later"), (False, "did not get")])
def test_a_copy_that_was_cut_off_is_no_save_that_was_not_finished(
    said: str, *, complete: bool
) -> None:
    with pytest.raises(SourceError) as refused:
        migstream.open(image(b"", complete=complete)[: HEADER + 1])
    assert said in str(refused.value.hint)


@given(st.binary(max_size=200), st.sampled_from([MAGIC, UNFINISHED]))
def test_whatever_follows_the_magic_nothing_else_than_our_errors_comes(
    rest: bytes, magic: bytes
) -> None:
    with contextlib.suppress(MigstreamError):
        open_anything(magic + rest).close()


# --- the XML -------------------------------------------------------------------------------------


def test_what_a_domain_says_is_read() -> None:
    domain = read_domain(XML)
    assert (domain.name, domain.machine, domain.arch) == ("a guest", "pc-q35-9.0", "x86_64")
    assert (domain.memory, domain.vcpus, domain.most_vcpus) == (2 << 30, 2, 4)
    assert set(domain.devices) == {
        Device("controller", "0000:00:02.3"),
        Device("controller", "0000:00:02.3:00.0"),
        Device("interface", "0000:00:02.3:00.0:05.0"),
        Device("hostdev", "0000:00:09.0"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        "<domain",
        "<other/>",
        "<domain><vcpu>many</vcpu><memory unit='parsec'>1</memory></domain>",
        "<domain><devices><disk><address type='pci' slot='x'/></disk></devices></domain>",
        '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><domain><name>&b;</name></domain>',
        "<domain>" + "<a>" * 5000,
        "x" * (2 << 20),
        "\udcff",
    ],
)
def test_xml_that_is_none_or_dangerous_says_nothing(text: str) -> None:
    domain = read_domain(text)
    assert (domain.name, domain.memory, domain.devices) == ("", None, ())


def test_bridges_that_stand_behind_each_other_end() -> None:
    loop = "".join(
        f"<controller type='pci' index='{one}'><address type='pci' bus='{two}' slot='1'/></controller>"
        for one, two in ((1, 2), (2, 1), (3, 3))
    )
    assert read_domain(f"<domain><name>x</name><devices>{loop}</devices></domain>").devices == ()


def test_what_disagrees_is_said() -> None:
    with migstream.open(build.small()) as stream:
        said = list(disagreements(stream, read_domain(XML)))
    assert "it has a device at 0000:00:02.3 (controller), the stream has none there" in said
    assert not any("hostdev" in one for one in said)


def test_secrets_of_a_domain_go_and_the_rest_stays() -> None:
    text, count = redacted(XML)
    for secret in ("sekret", "S3RIAL", "mine", "12:34:56", "1403c3ad", "username"):
        assert secret not in text
    assert count == 6
    assert read_domain(text).devices == read_domain(XML).devices
    with pytest.raises(Unsupported, match="cannot be read"):
        redacted("<domain")


# --- an edited stream goes back ------------------------------------------------------------------


@pytest.mark.parametrize("order", ["little", "big"])
def test_an_edited_stream_has_the_head_that_it_had(order: Order, tmp_path: Path) -> None:
    source, target = tmp_path / "a.save", tmp_path / "b.save"
    source.write_bytes(image(build.small(), order=order))
    with migstream.edit(source) as edit:
        edit.set("two/n", 9).rename("one", "eins").save(target)
    start = source.stat().st_size - len(build.small())
    assert target.read_bytes()[:start] == source.read_bytes()[:start]
    with migstream.open(target) as stream:
        assert int(stream["two/n"]) == 9
        assert "eins" in stream
    with migstream.edit(target) as edit:
        edit.drop("eins").save(target, force=True)
    assert target.read_bytes()[:start] == source.read_bytes()[:start]
    with migstream.open(target) as stream:
        assert "eins" not in stream


@pytest.mark.parametrize("form", [form for form in FORMATS if form == "raw" or form in PACKERS])
def test_an_image_is_written_in_every_form(form: str, tmp_path: Path) -> None:
    source, target = tmp_path / "a.save", tmp_path / "b.save"
    source.write_bytes(image(build.small()))
    migstream.convert(source, target, container="libvirt", form=form)
    with migstream.open(target) as stream:
        assert stream.layers[0].facts["format"] == form
        assert int(stream["two/n"]) == int(migstream.open(build.small())["two/n"])


def test_what_is_no_domain_s_xml_goes_into_no_image(tmp_path: Path) -> None:
    """libvirt would refuse to restore it, long after it was made."""
    snapshot = f"<domainsnapshot><name>s</name>{XML}</domainsnapshot>"  # as a person may paste it
    for text in ("<not xml", "<other/>", "<domain/>", snapshot):
        with pytest.raises(Unsupported, match="not a domain's XML"):
            migstream.convert(build.small(), tmp_path / "new.save", container="libvirt", xml=text)
    assert not list(tmp_path.iterdir())
    migstream.convert(build.small(), tmp_path / "new.save", container="libvirt", xml=XML)
    with migstream.open(tmp_path / "new.save") as stream:
        assert stream.layers[0].facts["xml"] == XML
