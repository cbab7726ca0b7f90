"""The errors that a load ends with: numbers, names, and the texts that QEMU has from the C library."""

from __future__ import annotations

__all__ = ["NAMES", "TEXTS"]

TEXTS = {
    "EPERM": "Operation not permitted",
    "ENOENT": "No such file or directory",
    "EIO": "Input/output error",
    "EINVAL": "Invalid argument",
}
NAMES = {-1: "EPERM", -2: "ENOENT", -5: "EIO", -22: "EINVAL"}  # what load functions return
