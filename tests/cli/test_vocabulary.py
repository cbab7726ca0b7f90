"""One vocabulary: an option means the same in every verb that has it, and is spelled the same."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from migstream.cli.group import COMMANDS, VERBS, cli
from migstream.cli.options import Option
from migstream.cli.verbs import SPELLINGS
from migstream.cli.vocabulary import WORDS, Word
from support.samples import REPOSITORY

# The flags of these are QEMU's own scripts'; what migstream adds to them is held to the vocabulary.
SCRIPTS = {
    "analyze-migration": {"-f", "--file", "-d", "--dump", "-m", "--memory", "-x", "--extract"},
    "static-checker": {"-s", "--src", "-d", "--dest", "--reverse"},
}
# What prints no result of its own: a script, a page, a schema, which is JSON, and so are these two by themselves.
WITHOUT_JSON = {"completion", "man", "schema", "analyze-migration"}
# Verbs whose answers may be long lists.
LISTING = {"ls", "find", "mem", "history", "check", "diff"}
# Spellings that were in use, or are American, by what they are spelled now.
ALSO = {
    ("find", "--all"): "--nested",
    ("history", "-n"): "--dump",
    ("history", "--version"): "--dump",
    ("convert", "--container"): "--to-container",
    ("convert", "--to-qemu"): "--release",
    ("minimise", "--capability"): "--cap",
    **{(verb, "--raw"): "--no-names" for verb in ("tree", "show", "diff")},
}


def command(verb: str) -> click.Command:
    found = COMMANDS.find(verb)
    assert found is not None
    return found


def options(verb: str) -> Iterator[click.Option]:
    """Options of a verb, without those of QEMU's script of its name."""
    for one in command(verb).params:
        if isinstance(one, click.Option) and not SCRIPTS.get(verb, set()) & {*one.opts}:
            yield one


def word_of(option: click.Option) -> Word | None:
    """The word of the vocabulary that one of its spellings is."""
    hits = [word for word in WORDS if {*word.spellings} & {*option.opts}]
    assert len(hits) <= 1, option.opts
    return hits[0] if hits else None


EACH = [(verb, one) for verb in VERBS for one in options(verb)]


@pytest.mark.parametrize(
    ("verb", "option"), EACH, ids=lambda x: x if isinstance(x, str) else x.opts[-1]
)
def test_an_option_means_what_it_means_elsewhere(verb: str, option: click.Option) -> None:
    assert option.help
    word = word_of(option)
    if word is None:
        return
    assert {*option.opts} == {*word.spellings}, f"{verb}: spelled {option.opts}"
    assert option.is_flag is not word.takes
    assert re.search(word.said, option.help), f"{verb} {option.opts}: {option.help}"


def test_what_several_verbs_have_is_in_the_vocabulary_or_said_in_the_same_words() -> None:
    said = defaultdict(set)
    shape = defaultdict(set)
    for _, one in EACH:
        if word_of(one) is None:
            for spelling in one.opts:
                said[spelling].add(one.help)
                shape[spelling].add((one.is_flag, one.metavar))
    assert {spelling: words for spelling, words in said.items() if len(words) > 1} == {}
    assert {spelling: forms for spelling, forms in shape.items() if len(forms) > 1} == {}


def test_a_letter_stands_for_one_word() -> None:
    words = defaultdict(set)
    for _, one in EACH:
        short = [spelling for spelling in one.opts if not spelling.startswith("--")]
        for letter in short:
            words[letter].add(tuple(sorted(one.opts)))
    assert {letter: several for letter, several in words.items() if len(several) > 1} == {}


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in WITHOUT_JSON])
def test_every_verb_has_json_colour_and_v(verb: str) -> None:
    have = {spelling for one in options(verb) for spelling in one.opts}
    assert {"--json", "-v"} <= have
    assert ("--ndjson" in have) is (verb in LISTING)


@pytest.mark.parametrize("verb", VERBS)
def test_what_writes_may_be_told_to_replace(verb: str) -> None:
    have = {spelling for one in options(verb) for spelling in one.opts}
    assert ("-o" in have) <= ("--force" in have)
    assert ("-r" in have) <= ("--force" in have)


def test_the_documentation_has_the_vocabulary() -> None:
    text = (REPOSITORY / "docs" / "commands.md").read_text()
    for word in WORDS:
        cell = ", ".join(f"`{one}`" for one in word.spellings)
        assert f"| {cell} | {word.means} |" in text


# --- other spellings -------------------------------------------------------------------------------


def test_other_spellings_are_known_and_not_listed() -> None:
    found = {
        (verb, spelling): one.opts[-1]
        for verb, one in EACH
        if isinstance(one, Option)
        for spelling in one.also
    }
    assert {key: to for key, to in found.items() if key[1] != "--colour"} == ALSO
    for verb, spelling in found:
        said = CliRunner().invoke(cli, [verb, "--help"]).output
        assert not re.search(rf"^\s+(-\w, )?{spelling}\b(?!\.)", said, re.MULTILINE), verb


def test_the_american_verb_is_the_british_one() -> None:
    assert SPELLINGS == {"minimize": "minimise"}
    british, american = (
        CliRunner().invoke(cli, [verb, "--help"]).output for verb in ("minimise", "minimize")
    )
    assert american.replace("minimize", "minimise", 1) == british
    assert "minimize" not in CliRunner().invoke(cli, ["--help"]).output
    schema = CliRunner().invoke(cli, ["schema", "minimize"])
    assert (schema.exit_code, '"minimise"' in schema.output) == (0, True)


def test_both_spellings_of_colour_are_taken() -> None:
    for spelling in ("--color", "--colour"):
        said = CliRunner().invoke(cli, ["explain", "MS103", spelling, "always"])
        assert (said.exit_code, "\x1b[" in said.stdout) == (0, True)
