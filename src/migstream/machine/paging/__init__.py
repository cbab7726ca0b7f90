"""Virtual addresses: what a CPU's page tables say."""
