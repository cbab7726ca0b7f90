"""Many saved guests, one table: an object scanned (`scan`), a fleet of them mapped, kept and asked."""
