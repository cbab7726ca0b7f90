"""Where a machine's memory lies in its physical address space."""
