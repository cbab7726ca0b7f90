"""What the CPUs' registers hold."""
