"""Registers as `info registers` prints them."""
