"""Findings about streams: what is wrong with one, what a message of QEMU's means, what differs."""
