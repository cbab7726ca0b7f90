"""A picture in a file: PPM, which needs nothing, and PNG, which Pillow writes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from migstream.errors import Unsupported
from migstream.source.output import new_file, write_at

if TYPE_CHECKING:
    from migstream.machine.display.model import Picture

__all__ = ["FORMATS", "encoded", "format_of", "write"]

PNG = "png"


def _ppm(picture: Picture) -> bytes:
    """As QEMU's screendump writes it (ui/ui-qmp-cmds.c: ppm_save)."""
    height, width, _ = picture.shape
    return b"P6\n%d %d\n255\n" % (width, height) + picture.tobytes()


def _png(picture: Picture) -> bytes:
    from io import BytesIO

    try:
        from PIL import Image
    except ImportError:
        raise Unsupported(
            "PNG is written by Pillow, which is not installed",
            hint="pip install 'migstream[screen]', or write a PPM: -f ppm",
        ) from None
    out = BytesIO()
    Image.fromarray(picture).save(out, PNG)
    return out.getvalue()


FORMATS: dict[str, Callable[[Picture], bytes]] = {PNG: _png, "ppm": _ppm}


def format_of(name: str) -> str:
    """The form that the end of a file's name says, PNG where it says none."""
    ending = os.path.splitext(name)[1].removeprefix(".").lower()  # noqa: PTH122 - of "-", too
    return ending if ending in FORMATS else PNG


def encoded(picture: Picture, form: str) -> bytes:
    """The bytes of the file; raises Unsupported where what writes it is not there."""
    return FORMATS[form](picture)


def write(data: bytes, path: str, *, replace: bool) -> int:
    """Write it, whole or not at all; how many bytes."""
    with new_file(path, replace=replace) as fd:
        return write_at(fd, [data], 0)
