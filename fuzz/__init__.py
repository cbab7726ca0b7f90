"""Fuzzing: streams that no QEMU writes, and what must hold of every answer all the same. See fuzz/README.md."""
