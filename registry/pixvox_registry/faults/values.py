"""Values that no image should hold."""

from __future__ import annotations

import numpy as np

from pixvox_registry.faults.content import Content
from pixvox_registry.faults.finding import Finding, error, warning

NAN = error(
    "nan",
    "a value is not a number",
    "Find out what wrote it; replace it only if the place is known to be background.",
)
INF = error(
    "inf",
    "a value is infinite",
    "Find out what wrote it: a division by zero, or an overflow of float16.",
)
CONSTANT = warning(
    "constant-image",
    "an image has one value everywhere",
    "Look at it: an export that failed, or a field of view that missed.",
)


def faults_of_values(content: Content) -> list[Finding]:
    """NaN and infinity, in an image or in a label."""
    stored = content.stored
    if stored.dtype.kind not in "fc" or np.isfinite(stored).all():
        return []
    findings = []
    for fault, count, word in (
        (NAN, int(np.isnan(stored).sum()), "NaN"),
        (INF, int(np.isinf(stored).sum()), "infinite"),
    ):
        if count:
            share = f"{count} of {stored.size} values are {word}"
            findings.append(fault.at(content.file, share))
    return findings


def faults_of_contrast(content: Content) -> list[Finding]:
    """Is there anything to see in an image?"""
    stored = content.stored
    if not stored.size or not (stored == stored.flat[0]).all():
        return []
    value = np.real(stored.flat[0]) * content.slope + content.inter
    return [CONSTANT.at(content.file, f"all {stored.size} values are {value:g}")]
