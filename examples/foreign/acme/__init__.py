"""What Acme's QEMU, its storage and its rules need of migstream."""
