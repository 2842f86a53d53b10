"""Faults of data on disk, each family in a file, and the reading that finds them."""
