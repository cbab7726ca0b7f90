"""One stream: opened, read, asked. `Stream` is the object in which the layers meet."""

from __future__ import annotations

from migstream.stream.devices import Device, Devices
from migstream.stream.opening import as_stream, open_anything, open_stream
from migstream.stream.stream import Stream

__all__ = ["Device", "Devices", "Stream", "as_stream", "open_anything", "open_stream"]
