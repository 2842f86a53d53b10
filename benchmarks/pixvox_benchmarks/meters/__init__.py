"""Meters of what this room measures with: the linear probe and the bootstrap."""
