"""Decoders from features to pictures, one per file."""
