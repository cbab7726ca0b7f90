"""``python bench/save_memory.py MEMORY OUT``: save the file MEMORY as guest memory to OUT.

It is mapped, as the memory of a machine is there before anybody saves it.
"""

from __future__ import annotations

import mmap
import sys

from migstream.savevm import SaveVM
from migstream.savevm.ram import Block, GuestRam

with open(sys.argv[1], "rb") as source, open(sys.argv[2], "wb") as file:  # noqa: PTH123 - no second library to load
    memory = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
    vm = SaveVM("bench")
    vm.register_live("ram", GuestRam([Block("bench.ram", memoryview(memory))]))
    vm.save(file)
