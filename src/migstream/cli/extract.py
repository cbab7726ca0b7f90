"""`migstream extract`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from migstream.cli.common import Run, progress, verb
from migstream.cli.printing import warn
from migstream.names import unescape

if TYPE_CHECKING:
    from migstream.export.extract import Plan
    from migstream.ram.image import Ram

__all__ = ["command"]

FINDINGS = 1
WORDS = {"data": "of data", "zero": "of zeros", "absent": "absent", "unplugged": "not plugged in"}


class _Format(click.Choice):  # type: ignore[type-arg]  # generic from click 8.2 on only
    """These, and those of other packages, which are looked for when it is none of these."""

    def _all(self) -> None:
        from migstream.export import EXPORTS

        self.choices = tuple(dict.fromkeys([*self.choices, *EXPORTS.names()]))

    def get_metavar(self, *asked: Any, **more: Any) -> str | None:
        self._all()
        return super().get_metavar(*asked, **more)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in self.choices:
            self._all()
        return super().convert(value, param, ctx)


def _files(
    run: Run, form: str, blocks: tuple[str, ...], output: str, force: bool
) -> tuple[list[dict[str, Any]], list[Plan]]:
    """Write everything; a row for each file, and the plans."""
    from migstream.export import extract
    from migstream.source.output import new_file

    ram = extract.memory_of(run.stream)
    if form == "raw":
        return _folder(ram, blocks or tuple(ram), output, force)
    made = extract.plan(run.stream, form)
    with (
        progress("extract", sum(p.size for p in made.parts)) as tell,
        new_file(output, replace=force) as fd,
    ):
        written = extract.copy(ram, made, fd, tell)
    row = {"file": output, "format": form, "size": made.size, "written": written}
    return [row | extract.contents(ram, made)], [made]


def _folder(
    ram: Ram, names: tuple[str, ...], output: str, force: bool
) -> tuple[list[dict[str, Any]], list[Plan]]:
    """One file for each block, and MANIFEST, which says whose it is."""
    from migstream.export import extract
    from migstream.render.shape import to_json
    from migstream.source.output import MANIFEST, new_file, new_folder

    wanted = [ram[name] for name in names]
    there = [block for block in wanted if block.elsewhere is None]
    rows = []
    plans = [extract.Plan(size=0, absent=tuple(b.name for b in wanted if b.elsewhere is not None))]
    with (
        progress("extract", sum(b.size for b in there)) as tell,
        new_folder(output, replace=force) as folder,
    ):
        for number, block in enumerate(there):
            name = extract.file_name(block.name, number)
            made = extract.block_plan(block)
            with new_file(folder / name) as fd:
                written = extract.copy(ram, made, fd, tell)
            row = {"file": name, "block": block.name, "size": made.size, "written": written}
            rows.append(row | extract.contents(ram, made))
            plans.append(made)
        (folder / MANIFEST).write_bytes(to_json(rows, pretty=True) + b"\n")
    return rows, plans


@verb(
    click.Option(
        ["-o", "--output"], required=True, type=click.Path(), help="The file or folder to make."
    ),
    click.Option(
        ["-f", "--format", "form"],
        type=_Format(["elf", "raw", "phys", "lime"]),
        default="elf",
        show_default=True,
        help="elf: a core file with registers; raw: a folder with one file for each RAM block; "
        "phys: guest-physical memory from address 0; lime: its ranges, each behind a header.",
    ),
    click.Option(
        ["--block", "blocks"],
        type=unescape,
        multiple=True,
        metavar="NAME",
        help="With raw: only this block.",
    ),
    click.Option(["--force"], is_flag=True, help="Replace what is there."),
    memory=True,
)
def command(run: Run, output: str, form: str, blocks: tuple[str, ...], force: bool) -> None:
    """Guest memory as files that other tools open.

    Zeros become holes. Memory that is not in the stream is a hole too, or left out, and said to be:
    exit status 1. What a virtio-mem device has not plugged in is no memory, and said to be that.
    Nothing is left behind by a run that does not come to its end.
    """
    from migstream.render.missing import missing_table

    rows, plans = _files(run, form, blocks, output, force)
    left_out = sorted({name for made in plans for name in made.absent})
    wanted = {*left_out, *(part.block for made in plans for part in made.parts), *blocks}
    missing = missing_table(run.stream.ram, ranges=run.as_json)
    if blocks:
        missing = [one for one in missing if one["block"] in wanted]
    remarks = [remark for made in plans for remark in made.remarks]
    if run.as_json:
        run.emit({"files": rows, "absent": left_out, "missing": missing, "remarks": remarks})
    else:
        run.print(_lines(rows))
    _say(run, left_out, missing, remarks)


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each file, and what its holes are where not all of them are zeros."""
    from migstream.render.text import escape, size

    for row in rows:
        yield f"{escape(row['file'])}  {size(row['size'])}, {size(row['written'])} written"
        kinds = row["coverage"]
        if kinds["absent"] or kinds["unplugged"]:
            told = ", ".join(f"{size(kinds[kind])} {WORDS[kind]}" for kind in kinds if kinds[kind])
            yield f"  {told}"


def _say(run: Run, left_out: list[str], missing: list[dict[str, Any]], remarks: list[str]) -> None:
    """What is not in the files."""
    from migstream.export.extract import memory_of
    from migstream.render.text import escape, prose

    ram = memory_of(run.stream)
    for name in left_out:
        warn(f"migstream: RAM block {escape(name)} was left out: {ram[name].elsewhere}")
    run.missing(
        one for one in missing if one["block"] not in left_out or one["kind"] == "unplugged"
    )
    for remark in remarks:
        warn(f"migstream: {prose(remark)}")
    run.damage(run.stream.noticed)
    if left_out or any(one["kind"] == "absent" for one in missing):
        sys.exit(FINDINGS)
