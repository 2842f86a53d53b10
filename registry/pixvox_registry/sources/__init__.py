"""Sources of raw cases, one per file."""
