"""Real QEMUs, run and spoken to: what is asked of one rather than read from a file."""
