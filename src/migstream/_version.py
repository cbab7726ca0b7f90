__version__ = "0.1.0"
DATE = "2026-11-27"  # of this version: what the manual's pages say
