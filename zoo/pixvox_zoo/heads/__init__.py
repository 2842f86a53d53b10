"""Projectors and predictors, one per file."""
