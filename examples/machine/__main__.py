"""``python examples/machine``, or ``python -m machine`` with ``examples`` on the path."""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # started as a folder: Python looks inside of it, not beside it
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from machine.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
