"""Which QEMU wrote a stream: its release, whose build, for what guest, and the bytes that tell it."""
