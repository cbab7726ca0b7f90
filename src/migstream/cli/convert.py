"""`migstream convert`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from migstream.cli.common import Run, progress, verb
from migstream.stream import Stream, open_stream

if TYPE_CHECKING:
    from migstream.qemu.release import Version

__all__ = ["command"]

NOTHING: dict[str, Any] = {"dropped": (), "resized": {}, "lost": {}, "rules": ()}


class Wanted(NamedTuple):
    """What the result is to be like; `folder` is where it will be."""

    folder: Path
    ram: str
    description: bool
    machine: str | None
    release: Version | None
    sizes: dict[str, int]
    verify: bool

    @property
    def ruled(self) -> bool:
        """Whether rules change devices."""
        return self.machine is not None or self.release is not None

    def encoded(self, stream: Stream) -> bool:
        """Whether anything else than rules is asked for."""
        borrowed = stream.description_span is None and stream.description is not None
        return self.ram != "same" or not self.description or borrowed


def _release(text: str | None) -> Version | None:
    from migstream.qemu.release import parse

    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--to-qemu") from None


def _sizes(stream: Stream, options: tuple[str, ...], ram: str) -> dict[str, int]:
    """Sizes by block, of what BLOCK=SIZE and its wildcards name."""
    from fnmatch import fnmatchcase

    if options and ram == "same":
        raise click.UsageError("--resize writes guest memory anew: say --ram linear with it")
    sizes: dict[str, int] = {}
    for option in options:
        pattern, _, text = option.rpartition("=")
        hits = [block.name for block in stream.blocks if fnmatchcase(block.name, pattern)]
        try:
            size = int(text, 0)
        except ValueError:
            size = -1
        if not hits or size < 0:
            raise click.BadParameter(
                f"{option!r} is not BLOCK=SIZE, with a block of this stream", param_hint="--resize"
            )
        sizes |= dict.fromkeys(hits, size)
    return sizes


def _write(stream: Stream, fd: int, wanted: Wanted, tell: Callable[[int], None]) -> dict[str, Any]:
    """Write and compare; what became of it."""
    from migstream.edit.convert import compare

    found = {"ram": wanted.ram, "before": stream.size}
    changed: set[str] = set()
    if not wanted.ruled:
        found |= _encode(stream, fd, wanted, tell)
    elif not wanted.encoded(stream):
        changed = _rule(stream, fd, wanted, found)
    else:
        with TemporaryFile(dir=wanted.folder) as between:
            found |= _encode(stream, between.fileno(), wanted, tell)
            with open_stream(between) as source:
                changed = _rule(source, fd, wanted, found)
    compared = {}
    if wanted.verify:
        compared = compare(stream, fd, changed=changed, sizes=wanted.sizes, tell=tell)
    return found | {"verified": wanted.verify, "compared": compared}


def _encode(stream: Stream, fd: int, wanted: Wanted, tell: Callable[[int], None]) -> dict[str, Any]:
    from migstream.edit.convert import convert

    made = convert(
        stream,
        fd,
        ram=wanted.ram,
        description=wanted.description,
        sizes=wanted.sizes,
        tell=tell,
    )
    return {
        "size": made.size,
        "written": made.written,
        "dropped": made.dropped,
        "resized": wanted.sizes,
        "lost": made.lost,
    }


def _rule(stream: Stream, fd: int, wanted: Wanted, found: dict[str, Any]) -> set[str]:
    """Apply the rules, and say so in `found`; the devices that they change."""
    from migstream.edit.between import apply, touched
    from migstream.edit.change import Edit

    edit = Edit(stream)
    found["rules"] = apply(edit, wanted.machine, wanted.release)
    found["size"] = edit.write(fd)
    found["written"] = min(found["size"], os.fstat(fd).st_blocks * 512)
    found["changes"] = edit.changes()
    return touched(edit)


@verb(
    click.Option(["-o", "--output"], required=True, type=click.Path(), help="The stream to make."),
    click.Option(
        ["--ram"],
        type=click.Choice(["same", "linear", "mapped"]),
        default="same",
        show_default=True,
        help="linear: each page once, as the smallest record; mapped: mapped-ram; same: as it is.",
    ),
    click.Option(["--no-description"], is_flag=True, help="Leave the JSON description out."),
    click.Option(
        ["--to-machine"],
        metavar="NAME",
        help="Name this machine type, and give the devices the form that it has.",
    ),
    click.Option(
        ["--to-qemu"], metavar="VERSION", help="The release that is to load it, such as 7.2."
    ),
    click.Option(
        ["--resize"],
        multiple=True,
        metavar="BLOCK=SIZE",
        help="Cut a RAM block, or fill it up with zeros; BLOCK may have wildcards.",
    ),
    click.Option(["--no-verify"], is_flag=True, help="Do not read the result again to compare."),
    click.Option(["--force"], is_flag=True, help="Replace what is there."),
    memory=True,
)
def command(
    run: Run,
    output: str,
    ram: str,
    no_description: bool,
    to_machine: str | None,
    to_qemu: str | None,
    resize: tuple[str, ...],
    no_verify: bool,
    force: bool,
) -> None:
    """A new stream with the same devices and the same memory, encoded in another way.

    Rounds, XBZRLE, compression and multifd channels become one pass. With --like, a stream without
    description gets the other's, if that fits. --to-machine and --to-qemu apply what is known of
    the changes between releases. The result is read again and compared.
    """
    from migstream.render.missing import missing_table
    from migstream.source.output import new_file

    wanted = Wanted(
        folder=Path(output).parent,
        ram=ram,
        description=not no_description,
        machine=to_machine,
        release=_release(to_qemu),
        sizes=_sizes(run.stream, resize, ram),
        verify=not no_verify,
    )
    missing = missing_table(run.stream.ram)
    total = sum(block.used_length for block in run.stream.blocks)
    steps = (ram != "same") + wanted.verify
    with (
        progress("convert", total * steps) as tell,
        new_file(output, replace=force) as fd,
    ):
        found: dict[str, Any] = {"file": output, "missing": missing}
        found |= _write(run.stream, fd, wanted, tell)
    if run.as_json:
        from migstream.render.changes import change_json

        changes = [change_json(change) for change in found.get("changes", ())]
        run.emit(NOTHING | found | {"changes": changes})
    else:
        run.print(_lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    """What became of it, in words."""
    from migstream.render.changes import change_lines
    from migstream.render.missing import missing_lines
    from migstream.render.text import escape, size

    yield (
        f"{escape(found['file'])}  {size(found['size'])}, {size(found['written'])} written"
        f" (before: {size(found['before'])})"
    )
    if found.get("dropped"):
        yield f"left out: {', '.join(found['dropped'])}"
    yield from missing_lines(found["missing"])
    for name, after in found.get("resized", {}).items():
        lost = f", {size(found['lost'][name])} of data cut off" if name in found["lost"] else ""
        yield f"resized: {escape(name)}, {size(after)}{lost}"
    if "changes" in found:
        yield f"rules: {', '.join(found['rules']) or 'none has anything to do'}"
        yield from change_lines(found["changes"])
    if found["verified"]:
        lacking = (m["bytes"] for m in found["missing"] if m["block"] in found["compared"])
        memory = size(sum(found["compared"].values()) - sum(lacking))
        rest = "all other devices" if "changes" in found else "devices"
        yield f"read again: {rest} and {memory} of memory are the same"
