"""What QEMU said, what it means, where in the stream, and what the two sides differ in."""
