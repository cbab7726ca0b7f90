"""The smallest stream that still fails."""
