"""A locale that is not UTF-8 loses characters, not the run: every verb, and what goes wrong, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from migstream.cli.group import VERBS
from support import examples
from support.samples import Sample
from support.verbs import JSON, LINES, STATUS, lines

LOCALES = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
}
ENCODING = {"ascii": "ascii", "C": "ascii", "latin-1": "latin-1"}
# Beside the lines that every verb is tried with: what these take no stream for, help, and wrong usage.
MORE = """
--help
--version
nobody
info
info nobody.mig
get STREAM näme
tree STREAM 日本
find nobody.mig --extract 1
static-checker -s old.json -d new.json
static-checker -s näme -d new.json
encode decoded -o OUT
encode nobody -o OUT
schema show
schema näme
completion bash
completion näme
man
man näme
explain MS103
explain näme
explain libvirt.log
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, named_sample: Callable[[str], Sample]) -> Path:
    """A folder with a name that is not ASCII, and so are those of two streams."""
    made = tmp_path_factory.mktemp("locäle")
    examples.fill(made, named_sample)
    (made / "bad.mig").rename(made / "schlecht→.mig")
    (made / "good.mig").rename(made / "gut–日本.mig")
    return made


def commands(folder: Path) -> list[list[str]]:
    stream, good = folder / "schlecht→.mig", folder / "gut–日本.mig"
    found = [*lines(stream, good, folder)]
    for number, line in enumerate(MORE.split("\n")):
        names = {"STREAM": str(stream), "OUT": str(folder / f"more{number}")}
        if line:
            found.append([names.get(word, word) for word in line.split()])
    found += [[verb, "--help"] for verb in VERBS]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
def test_every_verb_comes_to_its_end(locale: str, folder: Path, tmp_path: Path) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("LC_")},
        **LOCALES[locale],
    }
    for words in commands(folder):
        words = [word.replace(f"{folder}/out", f"{tmp_path}/out") for word in words]
        words = [word.replace(f"{folder}/more", f"{tmp_path}/more") for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "migstream", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        assert done.returncode in STATUS, (words, done)
        assert b"Traceback" not in done.stderr, (words, done.stderr)
        done.stderr.decode(ENCODING[locale])
        if done.stdout and not JSON.isdisjoint(words) and {"--full", "--help"}.isdisjoint(words):
            whole = LINES.isdisjoint(words)
            json.loads(done.stdout if whole else done.stdout.splitlines()[0])
        elif "junit" in words:
            done.stdout.decode()  # a document of its own, which says that it is UTF-8
        else:
            done.stdout.decode(ENCODING[locale])


@pytest.mark.parametrize("locale", LOCALES)
def test_what_has_no_character_there_is_told_in_others(locale: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "migstream", "diff", "gut–日本.mig", "schlecht→.mig"],
        cwd=folder,
        env={**os.environ, **LOCALES[locale]},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"->" in done.stdout  # the arrow between the sides
