"""Commands of the ground floor; the other rooms bring theirs as entry points."""
