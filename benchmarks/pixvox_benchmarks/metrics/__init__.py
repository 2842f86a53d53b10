"""Scores over cases, one per file."""
