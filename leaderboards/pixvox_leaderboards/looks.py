"""How methods look in pictures: a colour that the colour-blind tell, a marker that grey paper does.

The colours are Okabe and Ito's, less those that vanish on white.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pixvox_leaderboards.picture import REFERENCE

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "v", "P", "X", "<", ">", "*", "p", "h")  # as many as no two look alike
REFERENCES = ("D", "d", "8", "H")


class Look(NamedTuple):
    """Of one method, the same in every part of a picture."""

    colour: str
    marker: str
    line: str = "-"


def looks(methods: Sequence[str], references: Sequence[str]) -> dict[str, Look]:
    """By method; references are grey and dashed. Of 77 methods no two look alike."""
    return {
        **{
            method: Look(COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
            for i, method in enumerate(methods)
        },
        **{
            method: Look(REFERENCE, REFERENCES[i % len(REFERENCES)], "--")
            for i, method in enumerate(references)
        },
    }
