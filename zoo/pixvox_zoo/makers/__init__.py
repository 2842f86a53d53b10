"""Makers of frozen backbones for the benchmark, one per file."""
