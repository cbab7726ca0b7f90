"""What a catalogue is made of: command lines of its own, none of them one that is measured against."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from migstream.catalogue.files import Catalogue
from migstream.catalogue.shelf import on_shelf
from support.loads import ROWS, ROWS_KVM
from support.provenance import boards, pieces

CATALOGUES = list(on_shelf())
# Of a command line what every one of a kind has, and what only says how a thing is called.
COMMON = {"-nodefaults", "-display", "none", "-S", "-accel", "tcg", "-M", "-device"}
CALLED = re.compile(r"(?<=,)(id|addr|bus|drive|chardev|netdev|audiodev)=[^,]*,?")
DEVICE = re.compile(r"^(?:\{.*\"driver\": *\"([^\"]+)\".*|([^,]+).*)$")


def _told(words: list[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """A command line as what it asks for: its words without names, and its device types with how often each."""
    kept = frozenset(CALLED.sub("", f"{w},").rstrip(",") for w in words if w not in COMMON)
    pairs = list(pairwise(words))
    kinds = [DEVICE.sub(r"\1\2", word) for option, word in pairs if option == "-device"]
    machines = [word for option, word in pairs if option == "-M"]
    return kept, (*machines, *sorted(kinds))


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda one: one.path.stem)
def test_every_piece_names_the_command_line_that_it_was_taken_from(catalogue: Catalogue) -> None:
    for _, family, made in boards(catalogue):
        for piece in pieces(family, made):
            text = " ".join(piece.line)
            assert all(word in text for word in piece.words), (piece.name, text)
            assert all(0 <= one.state < len(catalogue.states) for one in piece.what.sections)


@pytest.mark.skipif(not ROWS + ROWS_KVM, reason="the collections of loads are not here")
@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda one: one.path.stem)
def test_no_catalogue_was_made_with_a_command_line_that_is_measured_against(
    catalogue: Catalogue,
) -> None:
    rows = [
        _told(row[side]) for row in ROWS + ROWS_KVM for side in ("source_args", "destination_args")
    ]
    # one device and nothing else is what every catalogue tries
    words = {kept for kept, kinds in rows if len(kinds) > 2}
    machines = {kinds for _, kinds in rows if len(kinds) > 2}
    for _, _, made in boards(catalogue):
        for line in made.lines:
            kept, kinds = _told(line.split(" "))
            assert kept not in words, line
            assert kinds not in machines, line
