"""Device state declared in Python: classes, and what saves, loads and describes them."""
