"""Pictures that a run leaves where people would rather look than read."""
