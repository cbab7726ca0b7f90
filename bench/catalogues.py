"""Catalogues of many QEMUs, those that are not there yet: TARGET-RELEASE.cat, a few at a time.

python -m bench.catalogues LIST [FOLDER [JOBS]]

LIST has a command line on each line: a path, or a wrapper and what it runs. A target that is much like another one is made
after it, as a supplement to it, and again where that one was made again.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run

from migstream.catalogue.build.about import called
from migstream.catalogue.files import DATA, Catalogue
from migstream.errors import MigstreamError

__all__ = ["main"]

# Targets whose boards and devices are another one's, which is made before.
LIKE = {"i386": "x86_64", "arm": "aarch64", "ppc": "ppc64", "riscv32": "riscv64"}


def _is_there(path: Path, like: Path | None) -> bool:
    if not path.exists():
        return False
    try:
        found = Catalogue(path)
        return (like is None or found.index.like is not None) and len(found.states) > 0
    except MigstreamError:
        return False


def _made(folder: Path, command: Sequence[str], target: str, release: str) -> None:
    """Make one of them; what it took."""
    path = folder / f"{target}-{release}.cat"
    other = folder / f"{LIKE.get(target, '')}-{release}.cat"
    like = other if other.exists() else None
    if _is_there(path, like):
        print(f"{path.name}: is there")
        return
    words = ["catalogue", "build", shlex.join(command), "-o", str(path), "--force"]
    if like is not None:
        words += ["--base", str(like)]
    began = time.monotonic()
    done = run(
        [sys.executable, "-m", "migstream", *words], capture_output=True, text=True, check=False
    )
    took = time.monotonic() - began
    if done.returncode:
        print(f"{path.name}: {done.stderr.strip().splitlines()[-1]}", flush=True)
    else:
        print(f"{path.name}: {took:.0f} s, {path.stat().st_size >> 10} KiB", flush=True)


def main(words: Sequence[str]) -> None:
    """Make those of a list that are not in the folder."""
    if not words:
        sys.exit((__doc__ or "").strip())
    lines = Path(words[0]).read_text(encoding="utf-8").splitlines()
    folder = Path(words[1]) if len(words) > 1 else DATA
    jobs = int(words[2]) if len(words) > 2 else (os.cpu_count() or 1)
    folder.mkdir(exist_ok=True)
    found = [(shlex.split(line), *called(shlex.split(line))) for line in lines if line.strip()]
    first = [one for one in found if one[1] not in LIKE]
    with ThreadPoolExecutor(jobs) as pool:
        for some in (first, [one for one in found if one not in first]):
            list(pool.map(lambda one: _made(folder, *one), some))


if __name__ == "__main__":
    main(sys.argv[1:])
