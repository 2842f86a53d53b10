"""Masks that may be compared: each defect is an error, never a score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pixvox_benchmarks.scorable import Floats
from pixvox_registry.errors import UserError

Mask = NDArray[np.bool_]


def comparable(
    predicted: ArrayLike, truth: ArrayLike, spacing_mm: Sequence[float]
) -> tuple[Mask, Mask, Floats]:
    """``[*S], [*S], [dims]`` as booleans and float64, all checked.

    Raises:
        UserError: shapes that disagree, are not 2D or 3D or hold no voxel, values other than 0 and
            1, or spacings that are not one positive number for each axis.
    """
    p, t = np.asarray(predicted), np.asarray(truth)
    if p.shape != t.shape or p.ndim not in (2, 3) or not p.size:
        _refuse("two masks of one shape, 2D or 3D", f"shapes {p.shape} and {t.shape}")
    spacing = np.asarray(spacing_mm, np.float64)
    if spacing.shape != (p.ndim,) or not (np.isfinite(spacing) & (spacing > 0)).all():
        _refuse(f"{p.ndim} positive spacings in mm, one for each axis", f"{spacing.tolist()}")
    return _mask("predicted", p), _mask("true", t), spacing


def _mask(which: str, values: NDArray[np.generic]) -> Mask:
    if values.dtype == np.bool_:
        return values.astype(np.bool_, copy=False)
    inside = values == 1
    if not (inside | (values == 0)).all():  # false for NaN too
        _refuse("masks of 0 and 1", f"other values in the {which} mask, of type {values.dtype},")
    return np.asarray(inside, np.bool_)


def _refuse(wanted: str, came: str) -> None:
    raise UserError(
        f"A metric of masks wanted {wanted}; {came} came. Give each "
        "structure a mask of whole decisions, on the voxels of the truth."
    )
