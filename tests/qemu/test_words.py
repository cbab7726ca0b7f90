"""One table of QEMU's messages: what it says is what it recognises, and no sentence stands anywhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import migstream
from migstream.qemu.release import Bounds
from migstream.qemu.words import opening, say
from migstream.qemu.words.model import TOKEN, Message, Wording, formatted, literal, names
from migstream.qemu.words.recognise import recognise
from migstream.qemu.words.table import MESSAGES, wording

RELEASES = [
    Bounds.of(release)
    for release in (
        *((2, 12), (4, 2), (5, 1), (5, 2), (7, 2), (8, 0), (8, 1), (8, 2)),
        *((9, 0), (9, 1), (9, 2), (10, 0), (10, 1), (10, 2), (11, 0), (11, 1)),
    )
]
SOURCE = Path(migstream.__file__).parent
SENTENCE = 3  # words that make one
# Names and texts as messages have them: what has blanks or marks of its own in it cannot be told from the rest.
WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9_.\-/]{0,20}[A-Za-z0-9]", fullmatch=True)
TEXT = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
NUMBER = st.integers(0, (1 << 64) - 1)
VALUES: dict[str | None, st.SearchStrategy[Any]] = {
    None: WORD,
    "s": TEXT,
    "n": TEXT,
    "d": st.integers(-(1 << 31), 1 << 31),
    "x": NUMBER,
    "#x": NUMBER,
}
# Calls, by name and number of values, that are not made of releases since one (True), or before it (False).
GUARDED = {("deprecated-command", 0): ((11, 1), True), ("hook/post", 4): ((10, 2), False)}
NAMES = {message.name for message in MESSAGES}
ALONE = {w.text for m in MESSAGES for w in m.wordings if not TOKEN.search(w.text)}


def _name(message: Message, wording: Wording) -> str:
    return f"{message.name}/{wording.variant}" if wording.variant else message.name


def _sayable(release: Bounds) -> list[tuple[Message, str, Wording]]:
    """Messages that a release has words for: what each is called, and its words."""
    found = {}
    for message in MESSAGES:
        for one in message.wordings:
            key = _name(message, one), names(one.text)
            with suppress(LookupError):
                found[key] = message, key[0], wording(key[0], release, key[1])
    return list(found.values())


@given(
    st.sampled_from(RELEASES).flatmap(
        lambda r: st.tuples(st.just(r), st.sampled_from(_sayable(r)))
    ),
    st.data(),
)
def test_what_a_release_says_is_recognised_as_the_same_message_with_the_same_values(
    what: tuple[Bounds, tuple[Message, str, Wording]], data: st.DataObject
) -> None:
    release, (message, name, words) = what
    shapes = {token[1]: token[2] for token in TOKEN.finditer(words.text)}
    values: dict[str, int | str] = {one: data.draw(VALUES[shape]) for one, shape in shapes.items()}
    said = say(name, release, **values)
    assume(
        said not in ALONE or not values
    )  # one without values is the more telling of two that fit
    found = recognise(said)
    assert found[0].message.name == message.name
    assert found[0].text == said
    assert found[0].values == {
        one: formatted(f"{{{one}:{shape}}}" if shape else f"{{{one}}}", values)
        for one, shape in shapes.items()
    }


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_every_message_of_a_release_can_be_said_there(release: Bounds) -> None:
    for message, one in ((m, w) for m in MESSAGES for w in m.wordings):
        bounds = one.bounds
        there = (bounds.first is None or release.since(bounds.first)) and (
            bounds.before is None or release.until(bounds.before)
        )
        if there:
            assert say(_name(message, one), release, **dict.fromkeys(names(one.text), 1))


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ((7, 2), "Unknown savevm section type 126"),
        ((10, 1), "Unknown savevm section type 126"),
        ((10, 2), "Unknown section type 126"),
    ],
)
def test_words_are_those_of_the_release(release: tuple[int, ...], said: str) -> None:
    assert say("unknown-section-type", Bounds.of(release), type=126) == said


def test_where_the_release_is_open_the_wording_that_it_certainly_has_is_said() -> None:
    assert say("unknown-section", Bounds((9, 0)), device="a", instance=0).startswith(
        "Unknown savevm"
    )
    assert say("unknown-section", Bounds((10, 2)), device="a", instance=0).startswith(
        "Unknown section"
    )


def test_without_a_release_it_is_the_newest_that_says_it() -> None:
    assert say("unknown-section-type", type=7) == "Unknown section type 7"
    assert say("compressed-length", length=5) == "Invalid compressed data length: 5"


def test_numbers_have_the_form_of_the_wording_and_text_stands_as_it_is() -> None:
    said = say("block-size", block="pc.ram", received=0x800, local="…", error="Invalid argument")
    assert said == "Size mismatch: pc.ram: 0x800 != …: Invalid argument"


@pytest.mark.parametrize(
    ("name", "release", "values"),
    [
        ("no-such-message", None, {}),
        ("block-size", None, {"block": "pc.ram"}),
        ("subsection-missing/vm", Bounds.of((7, 2)), {"subsection": "a/b", "vmsd": "a"}),
    ],
)
def test_what_no_release_says_is_an_error(
    name: str, release: Bounds | None, values: dict[str, int | str]
) -> None:
    with pytest.raises(LookupError, match=name):
        say(name, release, **values)


def _calls() -> set[tuple[str, frozenset[str]]]:
    """What the code says: names of messages, each with the values that are given."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                given = [keyword.arg for keyword in node.keywords]
                if called in {"say", "_say"} and None not in given:  # else they are not known here
                    found.add((str(node.args[0].value), frozenset(map(str, given))))
    return {(name, values) for name, values in found if name.partition("/")[0] in NAMES}


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_whatever_the_code_says_can_be_said_by_every_release_that_has_it(release: Bounds) -> None:
    calls = _calls()
    assert len(calls) > 40
    for name, values in calls:
        message, _, variant = name.partition("/")
        has = [
            one
            for each in MESSAGES
            for one in each.wordings
            if (each.name, one.variant) == (message, variant)
            and (one.bounds.first is None or release.since(one.bounds.first))
            and (one.bounds.before is None or release.until(one.bounds.before))
        ]
        if (name, len(values)) in GUARDED and release.since(GUARDED[name, len(values)][0]) is (
            GUARDED[name, len(values)][1]
        ):
            continue
        assert not has or wording(name, release, values) in has


def test_no_two_messages_have_one_wording() -> None:
    """Whatever its values are called, and whatever shape they have."""
    found: dict[str, set[str]] = {}
    for message in MESSAGES:
        for one in message.wordings:
            found.setdefault(TOKEN.sub("{}", one.text), set()).add(message.name)
    assert {text: several for text, several in found.items() if len(several) > 1} == {}


def test_how_a_message_begins() -> None:
    assert opening("field") == "Failed to load "


def test_no_sentence_of_the_table_stands_anywhere_else() -> None:
    """Docstrings may quote one: they are read by people, and nothing is made of them."""
    sentences = {literal(w.text).strip(): m.name for m in MESSAGES for w in m.wordings}
    sentences = {text: name for text, name in sentences.items() if len(text.split()) >= SENTENCE}
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {name}: {text}"
        for path in SOURCE.rglob("*.py")
        if not path.is_relative_to(SOURCE / "qemu" / "words")
        for line, text in _texts(path)
        for sentence, name in sentences.items()
        if sentence in text
    ]
    assert found == []


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module that are not docstrings, and their lines."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield node.lineno, node.value
