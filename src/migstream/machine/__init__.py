"""What device state says of the machine: its architecture, registers, physical map, page tables.

Below `Stream`, above `vmstate` and `ram`: everything here reads device values and RAM blocks
through the protocols of `machine.state`, never a file.
"""
