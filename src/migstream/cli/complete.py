"""What the shell completes behind the TAB key: names in the file, codes, kinds. Nothing is said of what goes wrong.

Each function is a `shell_complete` of click's: context, parameter, the word that was begun. Nothing is
imported before a key is pressed, and nothing is fetched over a network because of it.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migstream.cli.verbs import VERBS
from migstream.errors import MigstreamError
from migstream.source.address import scheme_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from migstream.catalogue.files import Catalogue
    from migstream.source.store import Store
    from migstream.stream import Stream

__all__ = [
    "assignments",
    "catalogues",
    "codes",
    "containers",
    "ignorable",
    "languages",
    "messages",
    "ram_blocks",
    "releases",
    "stream_values",
    "streams_inside",
    "verbs",
]

MOST_READ = 64 << 20  # bytes of a file that has to be read through


def _items(texts: Iterable[str], begun: str, *, more: bool = False) -> list[CompletionItem]:
    """Those that go on as the word was begun, and could be printed."""
    from click.shell_completion import CompletionItem

    return [
        CompletionItem(text, more=more)
        for text in dict.fromkeys(texts)
        if text.startswith(begun) and text.isprintable()
    ]


def _file(ctx: click.Context) -> str | None:
    """The file on this command line, None where there is none that may be opened for a key."""
    # Where it is an option's value that is completed, click has not given the arguments their names.
    source = ctx.params.get("source") or next(iter(ctx.args), None)
    return source if source and source != "-" and not scheme_of(source) and _stays(source) else None


def _stays(name: str) -> bool:
    """Whether reading a file takes nothing from anybody, and does not wait for one who writes."""
    try:
        mode = Path(name).stat().st_mode
    except (OSError, ValueError):  # a null byte is one of the latter
        return False
    return stat.S_ISREG(mode) or stat.S_ISBLK(mode)


def _of_stream(ctx: click.Context, names: Callable[[Stream], Iterable[str]]) -> list[str]:
    source = _file(ctx)
    if source is None:
        return []
    from migstream.stream import open_anything

    given = ctx.params.get
    try:
        with open_anything(
            source,
            offset=given("offset") or 0,
            inside=given("inside"),
            container=given("container"),
        ) as stream:
            return list(names(stream))
    except (MigstreamError, OSError):
        return []


# --- of the stream ---------------------------------------------------------------------------------


def stream_values(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Devices first; behind a slash the fields of what is written so far."""
    from migstream.render.tree import completions

    return _items(_of_stream(ctx, lambda s: completions(s, begun)), begun, more=True)


def assignments(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """The same, and behind a field that holds one value the sign for its new one."""
    if "=" in begun:
        return []
    from migstream.render.tree import completions

    def names(stream: Stream) -> Iterator[str]:
        for path in completions(stream, begun):
            with suppress(MigstreamError):
                leaf = not any(True for value in stream.find(path) for _ in value.children)
                yield f"{path}=" if leaf else path

    return _items(_of_stream(ctx, names), begun, more=True)


def ram_blocks(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """RAM blocks by name; with an @ where an address in it, or of it, follows."""
    at = "@" if "@" in (param.metavar or "") else ""
    found = _of_stream(ctx, lambda s: [f"{block.name}{at}" for block in s.blocks])
    return _items(found, begun, more=bool(at))


# --- of what a stream stands in --------------------------------------------------------------------


def _snapshots(store: Store) -> Iterator[str]:
    from migstream.source.qcow2 import Image

    for one in Image(store).snapshots:
        if one.state:
            yield one.name or one.id


def _connections(store: Store) -> Iterator[str]:
    from migstream.source.capture import connections
    from migstream.source.packets import Packets

    if store.size <= MOST_READ:
        yield from (one.name for one in connections(store, Packets(store), None))


def streams_inside(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Snapshots of a disk, connections of a capture."""
    source = _file(ctx)
    if source is None:
        return []
    from migstream.source.containers import NONE
    from migstream.source.opened import open_source
    from migstream.source.packets import FILE_HEADER, is_capture
    from migstream.source.qcow2 import MAGIC

    found: list[str] = []
    with suppress(MigstreamError, OSError):
        opened = open_source(source, container=NONE)
        try:
            if opened.store is not None and opened.head(len(MAGIC)) == MAGIC:
                found.extend(_snapshots(opened.store))
            elif opened.store is not None and is_capture(opened.head(FILE_HEADER)):
                found.extend(_connections(opened.store))
        finally:
            opened.close()
    return _items(found, begun)


def containers(_ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Kinds of containers, those of other packages too."""
    from migstream.source.containers import CONTAINERS, NONE

    found = [NONE]
    with suppress(MigstreamError):
        found += CONTAINERS.names()
    return _items(found, begun)


def languages(_ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `desc` writes declarations in, those of other packages too."""
    from migstream.export.shapes import FORMATS

    with suppress(MigstreamError):
        return _items(FORMATS.names(), begun)
    return []


# --- of migstream ----------------------------------------------------------------------------------


def _last(begun: str) -> tuple[str, str]:
    """What stands before the last comma, with it, and what was begun behind it."""
    head, comma, tail = begun.rpartition(",")
    return head + comma, tail


def codes(_ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Codes of rules and errors; behind a comma another one."""
    from migstream.analysis.codes import pages

    before, tail = _last(begun)
    return _items((before + page.code for page in pages()), before + tail.upper(), more=True)


def messages(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `explain` takes: a code, or a file with a log."""
    from click.shell_completion import CompletionItem

    return [item for item in codes(ctx, param, begun) if begun] or [
        CompletionItem(begun, type="file")
    ]


def ignorable(_ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Sets of values that a comparison may leave out; behind a comma another one."""
    from migstream.analysis.ignore import SETS

    before, _tail = _last(begun)
    return _items((before + name for name in SETS), begun, more=True)


def _shelf(ctx: click.Context) -> list[Catalogue]:
    from migstream.catalogue.shelf import on_shelf

    with suppress(MigstreamError):
        return list(on_shelf(ctx.params.get("catalogue") or ctx.params.get("folder")))
    return []


def releases(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Releases that there is a catalogue of, by number and name; or a file."""
    from click.shell_completion import CompletionItem

    from migstream.catalogue.shelf import names_of

    shelf = _shelf(ctx)
    known = {one.index.release[:2] for one in shelf}
    found = [".".join(map(str, release)) for release in sorted(known)]
    found += sorted({name for one in shelf for name in names_of(one)})
    return _items(found, begun) or [CompletionItem(begun, type="file")]


def catalogues(ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `catalogue` does; behind `show` a catalogue or a file, behind `build` a file."""
    from click.shell_completion import CompletionItem

    first, *_rest = ctx.params.get("words") or ("",)
    if not first:
        return _items(("list", "show", "matrix", "build"), begun)
    found = _items((one.path.stem for one in _shelf(ctx)), begun) if first == "show" else []
    return found or [CompletionItem(begun, type="file")]


def verbs(_ctx: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
    """Verbs of migstream."""
    return _items(VERBS, begun)
