"""What a pipe, or a compressed file of one block, does not keep: a name that asks for it is answered all the same."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest
from click.testing import CliRunner

from migstream.cli.group import cli
from support.samples import own_streams


@pytest.mark.parametrize("verb", ["show", "get"])
@pytest.mark.parametrize(
    "place", ["ram/pc.ram@0x7c00-0x7c20", "@0x1a-0x2b", "ram[0]", "ram", "@0x30"]
)
def test_compressed_or_piped_it_is_the_same(verb: str, place: str, tmp_path: Path) -> None:
    [packed] = [one for one in own_streams() if one.name == "pc-7.2.mig"]
    raw = lzma.decompress(packed.source.read_bytes())
    plain, one = tmp_path / "pc.mig", tmp_path / "pc.mig.xz"
    plain.write_bytes(raw)
    one.write_bytes(lzma.compress(raw))
    said = []
    for source, given in ((str(plain), None), (str(one), None), ("-", raw)):
        done = CliRunner().invoke(cli, [verb, source, place], input=given)
        assert "MS400" not in done.output
        said.append((done.exit_code, done.stdout))
    assert said[0] == said[1] == said[2]
    assert said[0][1] or verb == "get"
