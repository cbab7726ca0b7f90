"""What a stream is, in one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from migstream.analysis.dating import written_by
from migstream.machine.map.setup import machine_setup
from migstream.names import many
from migstream.ram.image import Block
from migstream.render.items import MESSAGE, Row
from migstream.render.missing import (
    count_table,
    missing_lines,
    missing_table,
    page_count,
    total_table,
)
from migstream.render.text import Palette, escape, grouped, short_size, size, table
from migstream.stream import Stream

__all__ = ["info_lines", "info_table", "recorded_lines", "recorded_table"]

LARGEST = 10


def info_table(stream: Stream, *, walked: bool) -> dict[str, Any]:
    """All that `info` says, as it goes into JSON."""
    devices = stream.devices
    description, span = stream.description, stream.description_span
    ram, configuration = stream.ram_setup, stream.configuration
    setup = machine_setup(stream)
    held: Mapping[str, Block] = stream.ram if walked else {}
    bits = configuration.page_bits if configuration is not None else None
    page_size = (description.page_size if description else 0) or (
        1 << bits if bits and bits < 32 else None
    )
    return {
        "file": stream.name,
        "size": stream.size,
        "machine": stream.machine,
        "qemu_hint": written_by(stream).named() or None,
        "capabilities": list(stream.capabilities),
        "page_size": page_size,
        "vcpus": setup.cpus,
        "max_vcpus": setup.max_cpus,
        "memory": setup.memory,
        "backends": [to_builtins(block) for block in setup.backends],
        "plugged": [to_builtins(block) for block in setup.plugged],
        "slots": setup.slots,
        "accelerator": setup.accelerator,
        "uuid": configuration.uuid if configuration is not None else None,
        "description_size": span.size - 5 if span is not None else None,
        "device_count": len(devices),
        "device_bytes": sum(d.section.span.size for d in devices),
        "devices": [
            {
                "path": d.path,
                "version_id": d.section.version_id,
                "size": d.section.payload.size,
                "described": d.described,
            }
            for d in devices
        ],
        "ram": None
        if ram is None
        else {
            "total": ram.total,
            "blocks": [
                {
                    "name": b.name,
                    "size": b.used_length,
                    "page_size": b.page_size,
                    "address": b.address,
                    "pages": count_table(held[b.name].presence()) if b.name in held else None,
                    "unplugged": sum(e - s for s, e in stream.unplugged.get(b.name, ())),
                }
                for b in ram.blocks
            ],
            "pages": total_table(held),
            "missing": missing_table(held) if walked else None,
        },
        "channels": [{"channel": c.initial.channel, "size": c.store.size} for c in stream.channels],
        "walked": walked,
        "from": "walk" if walked else "tail",
        "offset": stream.origin,
        "layers": [to_builtins(layer) for layer in stream.layers],
        "behind": _behind(stream) if walked else None,
        "damage": [str(error) for error in stream.damage] if walked else None,
    }


def _behind(stream: Stream) -> dict[str, Any] | None:
    """What follows the stream."""
    if stream.trailer is None:
        return None
    item, what = stream.trailer
    return {"span": list(item.span), "size": item.span.size, "zeros": item.zeros, "what": what}


def recorded_table(stream: Stream, rows: Sequence[Row]) -> dict[str, Any]:
    """What `info` says of a recorded channel or return path: how much it holds of each kind."""
    back = any(row.kind == MESSAGE for row in rows)
    return {
        "file": stream.name,
        "size": stream.size,
        "recording": "return path" if back else "multifd channel",
        "contents": dict(Counter(row.name if back else row.kind for row in rows)),
    }


def recorded_lines(info: dict[str, Any], palette: Palette) -> list[str]:
    """The same as text."""
    counts = (f"{grouped(n)} {escape(name)}" for name, n in info["contents"].items())
    facts = [
        ("file", escape(info["file"])),
        ("size", size(info["size"])),
        ("recording", f"{info['recording']} (ls lists what it holds)"),
        ("contents", ", ".join(counts)),
    ]
    return _facts(facts, palette)


def _facts(facts: Iterable[tuple[str, str]], palette: Palette) -> list[str]:
    return [f"{palette.dim(name.ljust(12))}  {text}" for name, text in facts if text]


def _held(block: dict[str, Any]) -> str:
    """How much of a block is there, where that is not all of it."""
    if block["pages"] is None and block["unplugged"]:
        return f"{short_size(block['unplugged'])} of it not plugged in"
    return page_count(block["pages"])


def _guest(info: dict[str, Any]) -> str:
    """What the guest was started with, as far as its state tells."""
    parts: list[str] = []
    cpus, most = info["vcpus"], info["max_vcpus"]
    if cpus:
        room = f" (room for {most})" if most and most != cpus else ""
        parts.append(f"{cpus} CPU{'' if cpus == 1 else 's'}{room}")
    if info["memory"]:
        parts.append(f"{short_size(info['memory'])} of memory{_blocks(' in ', info['backends'])}")
    if info["plugged"]:
        parts.append(f"plugged in: {_blocks('', info['plugged'])}")
    if info["slots"]:
        parts.append(f"{info['slots']} memory slot{'' if info['slots'] == 1 else 's'}")
    if info["accelerator"]:
        parts.append(f"under {info['accelerator'].upper()}")
    return ", ".join(parts)


def _blocks(before: str, blocks: list[dict[str, Any]]) -> str:
    names = " and ".join(f"{escape(b['name'])} ({short_size(b['size'])})" for b in blocks)
    return f"{before}{names}" if names else ""


def info_lines(info: dict[str, Any], palette: Palette) -> list[str]:
    """One screen."""
    described = info["description_size"]
    facts = [
        ("file", escape(info["file"])),
        ("size", size(info["size"])),
        ("machine", escape(info["machine"] or "not recorded")),
        (
            "QEMU",
            f"{info['qemu_hint']} (a hint: from the form of the stream)"
            if info["qemu_hint"]
            else "unknown",
        ),
        ("capabilities", escape(", ".join(info["capabilities"])) or "none recorded"),
        ("page size", grouped(info["page_size"]) if info["page_size"] else "not recorded"),
        ("UUID", info["uuid"] or ""),
        ("description", "none" if described is None else size(described)),
        ("guest", _guest(info)),
        ("devices", f"{info['device_count']}, {size(info['device_bytes'])}"),
    ]
    ram = info["ram"]
    if ram is not None:
        held = page_count(ram["pages"])
        blocks = f"{many(len(ram['blocks']), 'block')}, {size(ram['total'])}"
        facts.append(("RAM", f"{blocks}; {held} are in this stream" if held else blocks))
    else:
        facts.append(("RAM", "none"))
    if info["channels"]:
        sizes = (f"{c['channel']}: {short_size(c['size'])}" for c in info["channels"])
        facts.append(("channels", f"{len(info['channels'])} of multifd: {', '.join(sizes)}"))
    if not info["walked"]:
        facts.append(("checked", "from the tail; guest memory was not walked (--walk does)"))
    else:
        count = len(info["damage"])
        facts.append(
            (
                "checked",
                f"all of it: {f'damaged in {count} places' if count > 1 else 'damaged' if count else 'whole'}",
            )
        )
    if info["offset"]:
        facts.insert(2, ("begins at", f"{info['offset']:#x}; offsets are counted from there"))
    if any(one["said"] for one in info["layers"]):  # that a file is compressed is in its name
        layers = (f"{one['name']} {one['said']}".strip() for one in reversed(info["layers"]))
        facts.insert(2, ("inside", escape(" in ".join(layers))))
    if info["behind"]:
        facts.append(("behind it", f"{size(info['behind']['size'])}: {info['behind']['what']}"))
    lines = _facts(facts, palette)
    if ram is not None and ram["blocks"]:
        listed = [
            (
                escape(b["name"]),
                size(b["size"]),
                "" if b["page_size"] is None else f"pages of {short_size(b['page_size'])}",
                "" if b["address"] is None else f"at {b['address']:#x}",
                _held(b),
            )
            for b in ram["blocks"]
        ]
        lines += ["", palette.head("RAM blocks"), *("  " + row for row in table(listed, "<><<<"))]
        lines += ["  " + line for line in missing_lines(ram["missing"] or ())]
    if info["devices"]:
        largest = sorted(info["devices"], key=lambda d: -d["size"])[:LARGEST]
        rows = [
            (
                escape(d["path"]),
                "" if d["version_id"] is None else f"v{d['version_id']}",
                size(d["size"]),
                "" if d["described"] else "not described",
            )
            for d in largest
        ]
        rest = len(info["devices"]) - len(largest)
        what = "Largest devices" if rest else "Devices"
        lines += ["", palette.head(what), *("  " + row for row in table(rows, "<>><"))]
        if rest:
            lines.append(palette.dim(f"  and {rest} more: ls --devices, tree"))
    return lines
