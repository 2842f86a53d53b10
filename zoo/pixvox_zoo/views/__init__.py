"""Views of a batch, one recipe of augmentation per file."""
