"""Ways to run many cells, one per file."""
