"""Meters of speed: ratios of ours to another way, measured in one run; rooms bring theirs."""
