"""Registers of each architecture in the order of QEMU's gdbstub: a module for each, loaded when a guest is of it."""
