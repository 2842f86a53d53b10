"""Clustering heads, one per file."""
