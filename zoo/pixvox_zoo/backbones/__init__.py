"""Backbones of images and volumes, one per file."""
