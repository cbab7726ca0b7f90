"""Where the bytes of a stream go."""

from __future__ import annotations

from collections import Counter
from typing import Any

from migstream.ram.model import Tally
from migstream.render.missing import (
    count_table,
    missing_lines,
    missing_table,
    page_count,
    total_table,
)
from migstream.render.text import Palette, escape, grouped, percent, size, table
from migstream.stream import Stream
from migstream.wire.model import Command, Section, SectionType, flat

__all__ = ["stat_lines", "stat_table"]

KINDS = ("zero", "normal", "xbzrle", "compressed")
TOP = 15


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        kind: {"pages": getattr(tally, kind), "bytes": getattr(tally, f"{kind}_bytes")}
        for kind in KINDS
        if getattr(tally, kind)
    }


def stat_table(stream: Stream) -> dict[str, Any]:
    """The sums, largest first."""
    parts: Counter[str] = Counter()
    devices: Counter[str] = Counter()
    last_part = None
    for item in flat(stream.items):
        if isinstance(item, Command) and item.items:
            parts["command"] += item.span.size - sum(i.span.size for i in item.items)
            continue
        if not isinstance(item, Section):
            parts[item.label] += item.span.size
            continue
        if item.type == SectionType.PART and item.name == "ram":
            last_part = item.span.stop
        if item.type == SectionType.FULL:
            parts["devices"] += item.span.size
            devices[item.path] += item.span.size
        else:
            parts[item.name] += item.span.size
    ram = stream.ram
    presence = {name: block.presence() for name, block in ram.items()}
    return {
        "file": stream.name,
        "size": stream.size,
        "parts": [{"name": n, "bytes": b} for n, b in parts.most_common()],
        "ram": None
        if not ram
        else {
            "page_size": ram.page_size,
            "blocks": [
                {"name": b.name, "bytes": b.tally.size, "kinds": _tally(b.tally)}
                | {"pages": count_table(presence[b.name]) if b.name in presence else None}
                for b in sorted(ram.blocks, key=lambda b: -b.tally.size)
            ],
            "pages": total_table(ram),
            "missing": missing_table(ram),
            "rounds": [{"pages": r.pages, "bytes": r.size, "kinds": _tally(r)} for r in ram.rounds],
            "round_count": ram.round_count,
        },
        "devices": [{"path": n, "bytes": b} for n, b in devices.most_common()],
        "downtime_bytes": None if last_part is None else stream.size - last_part,
    }


def _shares(rows: list[tuple[str, int]], whole: int) -> list[str]:
    cells = [(escape(name), size(n), percent(n, whole)) for name, n in rows]
    return ["  " + line for line in table(cells, "<>>")]


def _kinds(kinds: dict[str, Any]) -> str:
    return ", ".join(
        f"{grouped(k['pages'])} {kind} ({size(k['bytes'])})" for kind, k in kinds.items()
    )


def _sent(block: dict[str, Any]) -> str:
    """What was sent of a block, and how much of it that is where it is not all."""
    return ": ".join(filter(None, (page_count(block["pages"]), _kinds(block["kinds"]))))


def stat_lines(stat: dict[str, Any], palette: Palette, *, verbose: bool) -> list[str]:
    """Tables: the whole, RAM by block, dirty rounds, devices."""
    whole = stat["size"]
    lines = [palette.head(f"{escape(stat['file'])}: {size(whole)}")]
    lines += _shares([(p["name"], p["bytes"]) for p in stat["parts"]], whole)
    if stat["downtime_bytes"] is not None:
        down = stat["downtime_bytes"]
        lines.append(
            f"  {palette.dim('after the last live RAM, sent while the guest stands:')} "
            f"{size(down)}, {percent(down, whole)}"
        )
    ram = stat["ram"]
    if ram is not None and ram["blocks"]:
        rows = [
            (escape(b["name"]), size(b["bytes"]), percent(b["bytes"], whole), _sent(b))
            for b in ram["blocks"]
        ]
        held = page_count(ram["pages"])
        lines += ["", palette.head(f"RAM blocks ({held})" if held else "RAM blocks")]
        lines += ["  " + line for line in table(rows, "<>><")]
        lines += ["  " + line for line in missing_lines(ram["missing"])]
    if ram is not None and ram["rounds"]:
        rows = [
            (str(n), grouped(r["pages"]), size(r["bytes"]), _kinds(r["kinds"]))
            for n, r in enumerate(ram["rounds"], 1)
        ]
        lines += ["", palette.head(f"Walks through RAM ({ram['round_count']})")]
        lines += [
            "  " + line for line in table(rows, ">>><", ("round", "pages", "bytes", ""), palette)
        ]
    if stat["devices"]:
        shown = stat["devices"] if verbose else stat["devices"][:TOP]
        total = sum(d["bytes"] for d in stat["devices"])
        lines += ["", palette.head(f"Devices ({size(total)})")]
        lines += _shares([(d["path"], d["bytes"]) for d in shown], whole)
        if len(shown) < len(stat["devices"]):
            rest = stat["devices"][len(shown) :]
            lines.append(
                palette.dim(
                    f"  and {len(rest)} more, {size(sum(d['bytes'] for d in rest))} (-v shows all)"
                )
            )
    return lines
