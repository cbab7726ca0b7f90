"""Build the documentation site: ``python docs/site/build.py [FOLDER]``; warnings are errors.

The pages are those of the repository. They are laid out in FOLDER/pages as they lie there, so that every link means the same on
the site, with what a site has besides: a list of contents, made from docs/index.md, and a reference of the names that
docs/api.md promises, made from their docstrings. The site is FOLDER/html. Nothing of it is loaded from another server.

``--external`` asks instead whether what the pages link to outside is still there, which a site that is built does not depend on.
"""

# ruff: noqa: INP001 - scripts of Sphinx, which nothing imports as a package

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path, PurePosixPath
from types import FunctionType, ModuleType

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
PATTERNS = ("*.md", "docs/*.md", "bench/*.md", "fuzz/*.md")
INDEX, PROMISE = "docs/index.md", "docs/api.md"
MATRIX = "docs/matrix.md"
# What the site has besides its pages, where the repository says how to make it.
ON_SITE = ("`matrix.html`", '<a href="matrix/matrix.html">`matrix.html`</a>')
BEFORE_REFERENCE = (
    "- [JSON](json.md)"  # the line of the index that the reference stands in front of
)

LINK = re.compile(r"\[([^][]*(?:\[[^][]*\][^][]*)*)\]\(([^()\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NAMES = re.compile(r"^\| `(\w+)` \| (.*?) \|$", re.MULTILINE)
# Objects that are had from others, and are no names of `migstream`.
HOMES = {
    "Devices": "migstream.stream.devices",
    "Ram": "migstream.ram.image",
    "Block": "migstream.ram.image",
    "PhysicalMemory": "migstream.machine.physical",
    "Cpu": "migstream.machine.registers.read",
}


def pages() -> dict[str, str]:
    """Every page by its path in the repository."""
    found = (path for pattern in PATTERNS for path in sorted(REPOSITORY.glob(pattern)))
    return {str(path.relative_to(REPOSITORY)): path.read_text() for path in found}


def links(text: str) -> list[str]:
    """Targets of the links in a page, in their order; a block of code has none."""
    return [target for _, target in LINK.findall(FENCED.sub("", text))]


def resolved(page: str, target: str) -> str:
    """The path in the repository that a relative link names, without its anchor."""
    path = target.partition("#")[0]
    parts: list[str] = list(PurePosixPath(page).parent.parts) if path else [page]
    for part in PurePosixPath(path).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def is_external(target: str) -> bool:
    """Whether a link leads out of the repository."""
    return ":" in target.partition("#")[0]


def for_site(page: str, text: str, known: dict[str, str]) -> str:
    """The page without links to what is in the repository and not on the site; one that leads nowhere is Sphinx's to tell."""

    def kept(match: re.Match[str]) -> str:
        says, target = match.groups()
        path = resolved(page, target)
        elsewhere = not is_external(target) and path not in known and (REPOSITORY / path).exists()
        return says if elsewhere else match[0]

    pieces = FENCED.split(text)
    fences = [*FENCED.findall(text), ""]
    return "".join(LINK.sub(kept, a) + b for a, b in zip(pieces, fences, strict=True))


# --- contents ---------------------------------------------------------------------------------------------------------


def contents(text: str) -> dict[str, dict[str, str]]:
    """Pages that the index lists, by section, each with the words for it; one that is in several belongs to the last."""
    sections = re.split(r"^## ", text, flags=re.MULTILINE)
    found: dict[str, dict[str, str]] = {}
    for section in sections:
        title = "" if section is sections[0] else section.partition("\n")[0]
        listed = {target: says for says, target in LINK.findall(section)}
        for before in found.values():
            for target in listed:
                before.pop(target, None)
        found[title] = listed
    return found


def index(text: str, reference: list[str]) -> str:
    """The index with the reference in it, and with what Sphinx makes a list of contents of."""
    names = ", ".join(f"[{name}](reference/{name}.rst)" for name in reference)
    text = text.replace(BEFORE_REFERENCE, f"- Reference: {names}\n{BEFORE_REFERENCE}")
    trees = (
        "\n".join(["```{toctree}", ":hidden:", f":caption: {title}" if title else "", "",
                   *(f"{says} <{target}>" for target, says in listed.items()), "```\n"])
        for title, listed in contents(text).items()
    )  # fmt: skip
    return text + "\n" + "\n".join(trees)


# --- reference --------------------------------------------------------------------------------------------------------


def promised(text: str) -> dict[str, dict[str, str]]:
    """By heading of docs/api.md, a module or an object, the names below it and what is said of each."""
    parts = re.split(r"^##+ `([\w.]+)`\n", text, flags=re.MULTILINE)
    return {
        name: dict(NAMES.findall(part)) for name, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def reference(promise: dict[str, dict[str, str]]) -> dict[str, str]:
    """A page for each module, and for the errors."""
    made: dict[str, str] = {}
    shown: set[int] = set()
    for module in (name for name in promise if name.startswith("migstream")):
        lines = [module, "=" * len(module), ""]
        homes = dict.fromkeys(promise[module], module) | (HOMES if not made else {})
        for name, home in homes.items():
            thing = getattr(import_module(home), name)
            said = _plain(promise[module].get(name, ""))
            if id(thing) in shown or isinstance(thing, ModuleType):
                lines += [f"``{name}``: {said}.", ""]
            else:
                lines += _entry(f"{home}.{name}", thing, said, promise.get(name))
            shown.add(id(thing))
        made[module] = "\n".join(lines)
    title = "migstream.errors"
    shape = (
        title,
        "=" * len(title),
        "",
        f".. automodule:: {title}",
        "   :members:",
        "   :show-inheritance:",
        "",
    )
    return made | {title: "\n".join(shape)}


def _entry(path: str, thing: object, said: str, members: dict[str, str] | None) -> Iterator[str]:
    """How Sphinx is asked for one name; what has no docstring of its own has what the promise says."""
    if isinstance(thing, FunctionType):
        yield from (f".. autofunction:: {path}", "")
    elif not isinstance(thing, type):
        module, _, name = path.rpartition(".")
        yield from (f".. py:data:: {name}", f"   :module: {module}", "", f"   {said}", "")
    elif (
        members is None
    ):  # of what the library itself gives, no more is promised than that it is there
        shown = [] if path.startswith("migstream.") and path.count(".") == 1 else ["   :members:"]
        yield from (f".. autoclass:: {path}", *shown, "")
    else:
        known = {name for name in members if hasattr(thing, name)}
        yield from (
            f".. autoclass:: {path}",
            f"   :members: {', '.join(n for n in members if n in known)}",
            "",
        )
        for name in members:
            if name not in known:  # set where an object is made
                yield from (
                    f"   .. py:attribute:: {name}",
                    "",
                    f"      {_plain(members[name])}",
                    "",
                )


def _plain(said: str) -> str:
    """A cell of a table, without its links."""
    return LINK.sub(r"\1", said)


# --- building ---------------------------------------------------------------------------------------------------------


def lay_out(target: Path) -> None:
    """Write everything that Sphinx reads."""
    known = pages()
    made = reference(promised(known[PROMISE]))
    texts = {page: for_site(page, text, known) for page, text in known.items()}
    texts[INDEX] = index(texts[INDEX], list(made))
    texts[MATRIX] = texts[MATRIX].replace(*ON_SITE)
    texts |= {f"docs/reference/{name}.rst": text for name, text in made.items()}
    for page, text in texts.items():
        (target / page).parent.mkdir(parents=True, exist_ok=True)
        (target / page).write_text(text)


def main(arguments: list[str]) -> int:
    """Lay out, and run Sphinx."""
    external = "--external" in arguments
    folder = Path(next((one for one in arguments if not one.startswith("-")), "build/site"))
    shutil.rmtree(folder, ignore_errors=True)
    lay_out(folder / "pages")
    builder = "linkcheck" if external else "html"
    status = subprocess.run(  # noqa: S603 - Sphinx, with our own arguments
        [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-b", builder,
         "-c", str(HERE), "-d", str(folder / "doctrees"), str(folder / "pages"), str(folder / builder)],
        check=False,
    ).returncode  # fmt: skip
    return status if external else status or matrix(folder / builder / "docs")


def matrix(folder: Path) -> int:
    """The page to choose from, and its data, beside the others; anybody may read them."""
    target = folder / "matrix"
    status = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "migstream", "catalogue", "matrix", "--target", "x86_64", "-o", str(target),
         "--docs", "../"],
        check=False,
    ).returncode  # fmt: skip
    for path in target.iterdir():
        path.chmod(0o644)
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
