"""Label maps: whole, declared values that say something."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixvox_registry.faults.content import RGB, Content
from pixvox_registry.faults.finding import Finding, error, warning

WHOLE = 1e-6  # of the value: what is left of a whole number after a slope of float32

FRACTIONAL = error(
    "fractional-label",
    "a label map holds values that are no whole numbers, and that no slope explains",
    "It was interpolated, or is a probability map: resample with nearest neighbours, or threshold.",
)
SCALED = warning(
    "scaled-label",
    "a label map is stored with slope or intercept; rounding gives its whole labels back, since "
    "no value is further from one than half a step of the stored type",
    "Save it again as an integer type without slope.",
)
UNDECLARED = error(
    "undeclared-label",
    "a label map, or a list of classes, holds a value that its data set does not declare",
    "Add it to the labels of dataset.json, or mend the map.",
)
NEGATIVE = error(
    "negative-label",
    "a label map holds values below 0, where nothing declares labels",
    "Export it as an unsigned type, or give places to ignore a positive label.",
)
EMPTY = warning(
    "empty-label",
    "a label map is 0 everywhere",
    "Look at the image: is there truly nothing, or was the label lost?",
)


def faults_of_label(content: Content, declared: Collection[int] | None) -> list[Finding]:
    """Of one label map; ``declared`` are the values that its data set allows, if it says."""
    if content.stored.ndim > content.dims:
        said = f"a label map of {content.stored.shape[-1]} channels that differ"
        return [RGB.at(content.file, said)] if content.dims == 2 else []
    stored = unique(content.stored)
    if not stored.size or stored.dtype.kind == "c":
        return []
    values = stored.astype(np.float64) * content.slope + content.inter
    whole = values.round()
    off = np.abs(values - whole)
    tolerated = WHOLE * np.maximum(np.abs(values), 1)
    if content.scaled and abs(content.slope) < 1:
        tolerated = tolerated + abs(content.slope) / 2
    findings = []
    if (off > tolerated).any():
        worst = values[off > tolerated]
        said = f"{worst.size} of its {values.size} values are fractional, for example {worst[0]:g}"
        return [FRACTIONAL.at(content.file, said)]
    if content.scaled:
        said = (
            f"stored with slope {content.slope:g} and intercept {content.inter:g}; its "
            f"{values.size} values are at most {off.max():.2g} from whole labels"
        )
        findings.append(SCALED.at(content.file, said))
    return [*findings, *_faults_of_whole(content.file, whole, declared)]


def unique(stored: NDArray[Any]) -> NDArray[Any]:
    """The finite values that occur, sorted."""
    if stored.dtype.kind == "b" or stored.dtype.itemsize == 1:
        counts = np.bincount(stored.ravel(order="K").view(np.uint8), minlength=256)
        seen: NDArray[Any] = np.sort(counts.nonzero()[0].astype(np.uint8).view(stored.dtype))
    else:
        seen = np.unique(stored)
        seen = seen[np.isfinite(seen)]
    return seen


def _faults_of_whole(
    file: str, values: NDArray[np.float64], declared: Collection[int] | None
) -> list[Finding]:
    if not values.any():
        return [EMPTY.at(file, "no voxel is labelled")]
    if declared is not None:
        strange = [int(value) for value in values if int(value) not in declared]
        if strange:
            said = f"it holds {_listed(strange)}; declared are {_listed(sorted(declared))}"
            return [UNDECLARED.at(file, said)]
    elif values.min() < 0:
        return [NEGATIVE.at(file, f"its lowest value is {values.min():g}")]
    return []


def _listed(values: list[int]) -> str:
    shown = ", ".join(map(str, values[:8]))
    return f"{shown} and {len(values) - 8} more" if len(values) > 8 else shown
