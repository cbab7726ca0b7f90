"""Parts of a result, painted: with colours, without, and as HTML, all say the same."""

import re
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from migstream.render.html import elements
from migstream.render.paint import text
from migstream.render.shown import (
    Bytes,
    Cell,
    Evenly,
    Line,
    Mark,
    Paragraph,
    Part,
    Table,
    Title,
    dim,
    indented,
    line,
    name,
    value,
)

SGR = re.compile("\x1b\\[[0-9;]*m")
# As all that comes from a stream is escaped before, nothing in a part is a control character.
words = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]))
marks = st.builds(Mark, st.sampled_from(["head", "name", "dim", "value"]), words)
texts = words | marks
lines = st.builds(Line, st.lists(texts, max_size=4))
cells = texts | lines


@st.composite
def tables(draw: st.DrawFn) -> Table:
    align = draw(st.text("<>", min_size=1, max_size=4))
    row = st.lists(cells, min_size=len(align), max_size=len(align))
    head = draw(st.none() | st.lists(words, min_size=len(align), max_size=len(align)))
    return Table(draw(st.lists(row, max_size=4)), align, head or (), draw(st.integers(0, 3)))


parts = st.lists(texts | lines | st.builds(Title, words) | tables(), max_size=5)


def seen(cell: str | Mark | Line) -> str:
    if isinstance(cell, Line):
        return "".join(map(seen, cell))
    return cell.text if isinstance(cell, Mark) else cell


def all_texts(found: list[Part]) -> list[str]:
    """Every text of the parts, in order."""
    told: list[str] = []
    for part in found:
        if isinstance(part, Table):
            told += [*part.head, *(seen(cell) for row in part.rows for cell in row)]
        else:
            assert not isinstance(part, Evenly | Paragraph | Bytes)
            told.append(part.text if isinstance(part, Title) else seen(part))
    return told


@given(parts)
def test_colours_change_nothing_that_is_read(found: list[Part]) -> None:
    # blanks at the end of a table's last column may be inside the colour
    plain = [one.rstrip() for one in text(found)]
    assert [SGR.sub("", one).rstrip() for one in text(found, colour=True)] == plain


@given(parts)
def test_every_text_is_there_once_and_in_order(found: list[Part]) -> None:
    at, plain = 0, "\n".join(text(found))
    for told in all_texts(found):
        # a table's last column loses the blanks at its end
        found_at = plain.find(told.rstrip(), at)
        assert found_at >= 0, (told, plain[at:])
        at = found_at


class Page(HTMLParser):
    """What a browser shows of elements, and which they are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.told = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {key for key, _ in attrs} <= {"class"}
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.told += data


@given(parts)
def test_a_page_has_the_same_texts_and_nothing_in_them_is_obeyed(found: list[Part]) -> None:
    page = Page()
    page.feed("".join(elements(found)))
    page.close()
    assert not page.open
    assert page.tags <= {"h2", "table", "thead", "tbody", "tr", "th", "td", "pre", "span"}
    at = 0
    for told in all_texts(found):
        found_at = page.told.find(told, at)
        assert found_at >= 0, (told, page.told[at:])
        at = found_at


def test_what_a_stream_names_is_text_in_a_page() -> None:
    told = list(elements([line("a ", name("<script>alert(1)</script>"))]))
    assert told == ['<pre>a <span class="name">&lt;script&gt;alert(1)&lt;/script&gt;</span></pre>']
    assert unescape(told[0]).count("<script>") == 1


def test_columns_stand_under_each_other() -> None:
    rows: list[tuple[Cell, ...]] = [
        ("a", "1", dim("x")),
        (name("bcd"), "22", line("y", value("z"))),
    ]
    assert list(text([Table(rows, "<><", ("n", "", "m"), indent=2)])) == [
        "  n        m",
        "  a     1  x",
        "  bcd  22  yz",
    ]
    coloured = list(text([Table(rows, "<><")], colour=True))
    assert coloured[1] == "\x1b[36mbcd\x1b[0m  22  y\x1b[32mz\x1b[0m"


def test_a_heading_has_an_empty_line_before_it_unless_it_is_the_first() -> None:
    told = list(text([Title("A"), "x", Title("B")]))
    assert told == ["A", "x", "", "B"]
    assert all(first != "" or second != "" for first, second in pairwise(told))


def test_a_part_moves_to_the_right() -> None:
    table = indented(Table([("a",)], "<", indent=1), 2)
    assert list(text([indented("x", 2), indented(name("y"), 2), table])) == ["  x", "  y", "   a"]


def test_bytes_and_lines_of_words_are_lines_of_a_page() -> None:
    found: list[Part] = [Bytes(16, b"<a>", "what"), Evenly("a b"), Paragraph("c\nd")]
    told = "".join(elements(found))
    assert told.startswith("<pre>00000010  3c 61 3e ")
    assert told.endswith("&lt;a&gt;               what\na b\nc\nd</pre>")
