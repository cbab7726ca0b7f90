"""Where Acme's catalogues of QEMUs are: beside this module, as `migstream catalogue build` made them."""

from __future__ import annotations

from pathlib import Path


def folder() -> Path:
    """The folder that is looked into (protocol: migstream.catalogue.shelf.OTHERS)."""
    return Path(__file__).parent
