"""Parts on a terminal of any width: they fit, words stay whole, and nothing gets lost where nothing has to fit."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migstream.render.cuts import fold, middle, take
from migstream.render.paint import text
from migstream.render.shown import (
    Bytes,
    Evenly,
    Line,
    Mark,
    Paragraph,
    Part,
    Table,
    Title,
    indented,
    line,
    name,
)
from migstream.render.text import columns

# Words of people and of other scripts: East Asian wide, combining, Hangul in pieces, emoji.
alphabet = st.characters(
    codec="utf-8",
    min_codepoint=33,
    exclude_categories=["Cc", "Cs", "Cn", "Co", "Zs", "Zl", "Zp", "Cf"],
)
ascii_words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
words = st.text(alphabet, min_size=1, max_size=30) | ascii_words
prose = st.lists(words, max_size=12).map(" ".join)
styles = st.sampled_from(["head", "name", "dim", "value", "error", "warning", "added", "removed"])
texts = prose | st.builds(Mark, styles, prose)
lines = st.builds(Line, st.lists(texts, max_size=4))
cells = texts | lines
paragraphs = st.builds(Paragraph, st.lists(prose, min_size=1, max_size=3).map("\n".join))
numbers = st.integers(0, 10**6).map(str)
widths = st.integers(40, 160)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    align = draw(st.text("<>", min_size=1, max_size=5))
    row = st.tuples(*(cells if side == "<" else numbers for side in align))
    head = draw(st.none() | st.tuples(*(words for _ in align)))
    return Table(draw(st.lists(row, max_size=5)), align, head or (), draw(st.integers(0, 6)))


dumps = st.builds(
    Bytes, st.integers(0, 1 << 64), st.binary(max_size=40), cells,
    lead=st.sampled_from(["", "- ", "+ "]), marked=st.none() | st.frozensets(st.integers(0, 40)),
)  # fmt: skip
parts = st.lists(
    texts
    | lines
    | st.builds(Title, prose)
    | st.builds(Evenly, prose)
    | paragraphs
    | tables()
    | dumps,
    max_size=4,
)


def said(part: Part) -> str:
    """All characters of a part that are no blanks, in their order."""
    match part:
        case Table():
            cells = [*part.head, *(cell for row in part.rows for cell in row)]
            return "".join(map(said, cells))
        case Line():
            return "".join(map(said, part))
        case Title() | Evenly() | Paragraph() | Mark():
            return re.sub("[ \n]", "", part.text)
        case Bytes():
            raise AssertionError("said otherwise")
    return part.replace(" ", "")


@given(parts, widths)
def test_no_line_is_wider_than_the_terminal(found: list[Part], width: int) -> None:
    for one in text(found, width=width):
        assert columns(one) <= width, one


@given(
    st.lists(texts | lines | st.builds(Title, prose) | st.builds(Evenly, prose) | paragraphs),
    widths,
)
def test_a_word_that_fits_in_a_line_is_not_broken(found: list[Part], width: int) -> None:
    whole = {word for one in text(found) for word in one.split(" ") if 0 < columns(word) <= width}
    shown = {word for one in text(found, width=width) for word in one.split(" ")}
    assert whole <= shown


@given(tables(), widths)
def test_a_number_in_a_table_is_not_broken(table: Table, width: int) -> None:
    shown = [word.rstrip(",") for one in text([table], width=width) for word in one.split()]
    for row in table.rows:
        for cell, side in zip(row, table.align, strict=True):
            assert side == "<" or cell in shown


@given(
    st.lists(texts | lines | st.builds(Title, prose) | st.builds(Evenly, prose) | paragraphs),
    widths,
)
def test_folding_loses_no_character(found: list[Part], width: int) -> None:
    shown = "".join(text(found, width=width)).replace(" ", "")
    assert shown == "".join(map(said, found))


@given(parts)
def test_without_a_width_nothing_is_lost_or_cut(found: list[Part]) -> None:
    """What --wide and a pipe print: a line for each that is no table, a line for each row of one."""
    for part in found:
        shown = list(text([part]))
        if isinstance(part, Table):
            assert len(shown) == len(part.rows) + bool(part.head)
        elif isinstance(part, Bytes):
            assert len(shown) == max(-(-len(part.data) // 16), bool(said(part.label)))
            digits = "".join(re.sub("^[-+ ]*[0-9a-f]+ ", "", one)[:48] for one in shown)
            assert re.sub("[^0-9a-f]", "", digits).startswith(bytes(part.data).hex())
        else:
            assert len(shown) == (part.text.count("\n") + 1 if isinstance(part, Paragraph) else 1)
        if not isinstance(part, Bytes):
            assert "".join(shown).replace(" ", "") == said(part)


@given(dumps, widths)
def test_all_bytes_are_there_at_any_width(part: Bytes, width: int) -> None:
    shown = list(text([part], width=width))
    row = re.compile(r"^(?:[-+] )?[0-9a-f]{8,}  ((?:[0-9a-f]{2} ?)+)(?: |$)")
    bare = text([Bytes(part.at, part.data, lead=part.lead, marked=part.marked)], width=width)
    found = "".join(m[1].replace(" ", "") for one in bare if (m := row.match(one)))
    assert found == bytes(part.data).hex()
    assert all(columns(one) <= width for one in shown)


@given(parts, widths)
def test_colours_do_not_move_anything(found: list[Part], width: int) -> None:
    plain = list(text(found, width=width))
    coloured = [re.sub("\x1b\\[[0-9;]*m", "", one) for one in text(found, width=width, colour=True)]
    assert coloured == plain


@given(words, st.integers(2, 40))
def test_a_name_keeps_its_ends(word: str, room: int) -> None:
    head, tail = middle(word, room)
    if columns(word) > room:
        assert columns(word[:head] + "…" + word[tail:]) <= room + 1
        assert 0 < head <= tail


@given(prose, st.integers(1, 40))
def test_what_is_taken_fits(told: str, room: int) -> None:
    at = 0
    while at < len(told):
        cut = take(told, at, room)
        assert cut > at
        assert columns(told[at:cut]) <= room or cut == at + 1
        at = cut


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        ("abc", 3),
        ("漢字", 4),
        ("e\u0301", 1),
        ("ﾊﾝｶｸ", 4),
        ("\u1112\u1161\u11ab", 2),
        ("한", 2),
        ("…", 1),
    ],
)
def test_columns_are_those_of_a_terminal(told: str, taken: int) -> None:
    assert columns(told) == taken
    assert unicodedata.normalize("NFC", told)


def test_a_number_keeps_its_unit_and_its_groups() -> None:
    told = "RAM of 1.2 MiB (1 263 245) and = 12"
    lines = [told[start:stop] for start, stop in fold(told, 13, 13)]
    assert lines == ["RAM of", "1.2 MiB", "(1 263 245)", "and = 12"]


def test_a_table_folds_texts_shortens_names_and_puts_a_last_column_below() -> None:
    row = ("0000:00:01.0/virtio-net-pci.rom", "12 345", "PAM: end of the firmware below 1 MiB")
    table = Table([row], "<><", ("block", "bytes", "known from"), indent=2)
    assert list(text([table], width=72)) == [
        "  block                             bytes  known from",
        "  0000:00:01.0/virtio-net-pci.rom  12 345  PAM: end of the firmware",
        "                                           below 1 MiB",
    ]
    assert list(text([table], width=40)) == [
        "  block                            bytes",
        "  0000:00:01.0/vi…io-net-pci.rom  12 345",
        "      PAM: end of the firmware below",
        "      1 MiB",
    ]


def test_a_table_leaves_out_an_empty_column_where_there_is_no_room() -> None:
    table = Table([("a" * 30, "", "b")], "<<<", ("one", "two" * 5, "three"))
    assert next(text([table], width=60)) == f"{'one':30}  {'two' * 5}  three"
    assert list(text([table], width=40)) == [f"{'one':30}  three", f"{'a' * 30}  b"]
    names = Table([], "<<", ("one" * 10, "two" * 10))
    assert len(*text([names], width=60)) == 60


def test_columns_of_numbers_alone_stand_below_too_where_they_must() -> None:
    row = ("1", "0x0", "whole stream", "342.3 KiB", "350 517", "pc-i440fx-7.2", "30", "")
    head = ("", "offset", "", "size", "bytes", "machine", "devices", "")
    assert list(text([Table([row], ">><>><><", head)], width=60)) == [
        "   offset                     size    bytes  machine",
        "1     0x0  whole stream  342.3 KiB  350 517  pc-i440fx-7.2",
        "    devices 30",
    ]
    assert list(text([Table([row], ">><>><><", head)], width=44)) == [
        "   offset                     size    bytes",
        "1     0x0  whole stream  342.3 KiB  350 517",
        "    machine pc-i440fx-7.2, devices 30",
    ]


def test_a_paragraph_is_folded_anew() -> None:
    told = Paragraph("one two three\nfour five six seven eight nine ten eleven\ntwelve")
    assert list(text([told], width=50)) == told.text.split("\n")
    assert list(text([told], width=40)) == [
        "one two three four five six seven eight",
        "nine ten eleven twelve",
    ]


def test_bytes_stand_in_as_many_columns_as_there_is_room_for() -> None:
    part = Bytes(0xC5B63, bytes(range(10)), line(name("i8254[0]/count"), " int32"), "i8254[0]")
    assert list(text([part])) == [
        "000c5b63  00 01 02 03 04 05 06 07 08 09                    ..........        i8254[0]/count int32"
    ]
    assert list(text([part, part], width=80)) == [
        "i8254[0]",
        *2 * [
            "000c5b63  00 01 02 03 04 05 06 07  ........  count int32",
            "000c5b6b  08 09                    ..",
        ],
    ]  # fmt: skip
    assert list(text([part], width=40)) == [
        "i8254[0]",
        "count int32",
        "000c5b63  00 01 02 03  ....",
        "000c5b67  04 05 06 07  ....",
        "000c5b6b  08 09        ..",
    ]


def test_indented_parts_stay_parts() -> None:
    for part in (Evenly("a b"), Bytes(0, b"a"), Table([("a",)], "<"), Line(("a",)), "a"):
        assert next(text([indented(part, 2)])).startswith("  ")
