"""Real streams to test on: what is kept, where, and how it was made.

Small ones lie in ``tests/streams`` (xz) and are always there. A larger collection (zstd) is used where a folder
holds it: ``MIGSTREAM_STREAMS``, or the folder ``shared`` beside the checkout. Its three parts are ``streams`` (whole
streams), ``channels`` (recorded from sockets, one file for each channel and direction) and ``broken`` (damaged
streams, kept as patches to a good one).

Nothing is unpacked before a test asks for it, and what was unpacked is used again by the next run.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from migstream.source.zstd import zstd

REPOSITORY = Path(__file__).resolve().parents[2]
OWN = REPOSITORY / "tests" / "streams"
SHARED = Path(os.environ.get("MIGSTREAM_STREAMS") or REPOSITORY.parent / "shared")

# The collection was packed with `zstd --long=27`, and the patches with a window as large as their base.
WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 31}


@dataclass(frozen=True)
class Sample:
    """One real stream, ready to be opened.

    Attributes
    ----------
    name : the file's name without its packing: ``pc-7.2.mig``
    path : the unpacked file
    meta : what the index beside it says: QEMU version, arguments, capabilities, for a broken one the damage
    state : the device values that QEMU's own script printed, as a JSON file, where that is known
    """

    name: str
    path: Path
    meta: dict[str, Any]
    state: Path | None = None

    def read(self) -> bytes:
        """Return the whole stream: for small ones."""
        return self.path.read_bytes()


@dataclass(frozen=True)
class Packed:
    """A stream as it is kept. Knowing it costs nothing; `unpack` makes a `Sample` of it."""

    name: str
    source: Path
    meta: dict[str, Any]
    state: Path | None = None
    base: Path | None = None

    @property
    def label(self) -> str:
        """The name to print in a test's id; the repository's own and the collection's may be called alike."""
        return ("own-" if self.source.parent == OWN else "") + self.name.removesuffix(".mig")

    def unpack(self, folder: Path) -> Sample:
        """Unpack into `folder`, or find what an earlier run left there."""
        state = None
        if self.state is not None:
            state = _unpacked(self.state, None, folder)
        return Sample(self.name, _unpacked(self.source, self.base, folder), self.meta, state)


def own_streams() -> list[Packed]:
    """Return the streams of this repository."""
    return [Packed(row["stream"], OWN / f"{row['stream']}.xz", row) for row in _index(OWN)]


def shared_streams() -> list[Packed]:
    """Return the whole streams of the larger collection; none where it is absent."""
    folder = SHARED / "streams"
    return [
        Packed(
            row["stream"].removesuffix(".zst"),
            folder / row["stream"],
            row,
            state=folder / row["state"] if "state" in row else None,
        )
        for row in _index(folder)
    ]


def channels(suffix: str = "") -> list[Packed]:
    """Return recorded channels whose unpacked name ends in `suffix`.

    ``.main.mig`` and ``.mig`` are main channels, ``.chN.bin`` multifd channels, ``.fwd.mig`` and ``.ret.bin`` the
    two directions of one connection, ``.disk.raw`` the disk that belongs to a block migration.
    """
    folder = SHARED / "channels"
    return [
        Packed(name, folder / file, row)
        for row in _index(folder)
        for file in row["files"]
        if (name := file.removesuffix(".zst")).endswith(suffix)
    ]


def broken_streams() -> list[Packed]:
    """Return damaged streams; ``meta["damage"]`` says how, ``meta["said"]`` what QEMU made of it."""
    folder = SHARED / "broken"
    found = []
    for row in _index(folder):
        name, base = row["file"], row["patch_from"]
        if base is not None:
            found.append(
                Packed(name, folder / f"{name}.patch.zst", row, base=folder / f"{base}.zst")
            )
            continue
        kept = folder / f"{name}.zst"
        found.append(Packed(name, kept if kept.exists() else folder / name, row))
    return [packed for packed in found if packed.source.exists()]


def streams() -> list[Packed]:
    """Return every whole, undamaged stream there is."""
    return own_streams() + shared_streams()


def _index(folder: Path) -> list[dict[str, Any]]:
    path = folder / "index.json"
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(path.read_text())
    return rows


def _unpacked(source: Path, base: Path | None, folder: Path) -> Path:
    """Return the unpacked `source`, which is unpacked only if its size or time differ from the last run's."""
    facts = [
        (path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in (source, base) if path
    ]
    key = hashlib.sha256(repr((facts, str(source.parent))).encode()).hexdigest()[:12]
    target = (
        folder / key / source.name.removesuffix(".xz").removesuffix(".zst").removesuffix(".patch")
    )
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own until it is complete: a run that was stopped leaves nothing that looks finished.
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as part:
        part.write(_content(source, base))
    Path(part.name).replace(target)
    return target


def _content(source: Path, base: Path | None) -> bytes:
    data = source.read_bytes()
    if source.suffix == ".xz":
        return lzma.decompress(data)
    if source.suffix != ".zst":
        return data
    if base is None:
        return zstd.ZstdDecompressor(options=WINDOW).decompress(data)
    return zstd.ZstdDecompressor(_patch_base(base).as_prefix, options=WINDOW).decompress(data)


@cache
def _patch_base(path: Path) -> zstd.ZstdDict:
    """Return a good stream in the role of a dictionary, which is what ``zstd --patch-from`` means."""
    return zstd.ZstdDict(_content(path, None), is_raw=True)
