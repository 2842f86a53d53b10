"""The elbow of a falling curve: where more gives little (Satopaa et al., ICDCSW 2011)."""

from __future__ import annotations

from collections.abc import Sequence

LEAST = 1e-9  # depth below the chord, as a share of the fall, that is more than rounding


def elbow(falling: Sequence[float]) -> int | None:
    """The place that lies deepest below the chord from the first value to the last.

    None where the curve does not fall, or lies nowhere below its chord.

    >>> elbow([10.0, 4.0, 3.0, 2.5, 2.0])
    1
    """
    if len(falling) < 3 or not falling[0] > falling[-1]:
        return None
    span = falling[0] - falling[-1]
    depths = [
        1 - place / (len(falling) - 1) - (value - falling[-1]) / span
        for place, value in enumerate(falling)
    ]
    deepest = max(range(len(depths)), key=depths.__getitem__)
    return deepest if depths[deepest] > LEAST else None
