from __future__ import annotations

from migstream.vmstate.layout import Layout, Node

WORD = Node("word", "uint16", "leaf", 0, 2, stride=2)
ROWS = Node("rows", "struct", "struct", 2, 6, 3, 2, None, (WORD,))
INNER = Node("inner", "struct", "struct", 8, 8, None, 8, None, (WORD, ROWS))
LIST = Node("list", "struct", "sequence", 16, 8, 1, 0, None, (INNER,))


def test_a_walk_tells_offset_and_path_and_goes_into_no_array() -> None:
    layout = Layout("dev", 1, 24, (WORD, INNER, LIST))
    assert [(node.name, at, path) for node, at, path in layout.walk(100, "dev[0]")] == [
        ("word", 100, "dev[0]/word"),
        ("inner", 108, "dev[0]/inner"),
        ("word", 108, "dev[0]/inner/word"),
        ("rows", 110, "dev[0]/inner/rows"),
        ("list", 116, "dev[0]/list"),
        ("inner", 124, "dev[0]/list/inner"),
        ("word", 124, "dev[0]/list/inner/word"),
        ("rows", 126, "dev[0]/list/inner/rows"),
    ]
    assert list(ROWS.walk()) == []


def test_only_an_array_of_one_layout_repeats() -> None:
    assert ROWS.repeats
    assert not LIST.repeats  # its elements are its children
    assert not INNER.repeats
