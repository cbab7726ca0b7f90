"""A libvirt domain's XML, read as the arguments that libvirt starts its QEMU with, as far as they say what machine it has.

Facts: libvirt, docs/formatdomain.rst; src/qemu/qemu_command.c.
"""
