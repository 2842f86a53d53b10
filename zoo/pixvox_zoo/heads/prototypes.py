"""Prototypes: cosines to learned directions, the last layer of methods that cluster."""

from __future__ import annotations

from pixvox_registry import HEADS
from pixvox_zoo.directions import Directions


@HEADS.register
def prototypes(num_features: int, *, out: int = 128) -> Directions:
    """As a head for losses that compare scores; the clustering heads hold their own.

    Args:
        out: K.
    """
    return Directions(num_features, out)
