"""Fusions of slice embeddings into one vector, one per file."""
