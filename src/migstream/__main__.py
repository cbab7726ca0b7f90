"""`python -m migstream`."""

from migstream.cli import main

if __name__ == "__main__":
    main()
