"""A saved guest for a debugger: gdb's remote serial protocol, answered out of a stream."""
