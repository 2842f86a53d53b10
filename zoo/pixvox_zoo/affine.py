"""Where a crop lies in its case: an affine frame per crop, in 2D and in 3D."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor


def sides(area: Tensor, stretch: Tensor) -> Tensor:
    """``[...], [..., dims] -> [..., dims]``: sides of crops, as fractions of the case's sides.

    Args:
        area: share of the case (its area or volume) that the crop covers.
        stretch: logarithm by which each axis is longer than the others; only differences count.
    """
    equal = area.unsqueeze(-1) ** (1 / stretch.shape[-1])
    return (equal * (stretch - stretch.mean(-1, keepdim=True)).exp()).clamp(max=1)


def rotation(angles: Tensor, dims: int) -> Tensor:
    """``[..., planes] -> [..., dims, dims]``: a turn in each plane of two axes, in radians."""
    turn = torch.eye(dims).repeat(*angles.shape[:-1], 1, 1)
    for plane, (i, j) in enumerate(combinations(range(dims), 2)):
        cosine, sine = angles[..., plane].cos(), angles[..., plane].sin()
        one = torch.eye(dims).repeat(*angles.shape[:-1], 1, 1)
        one[..., i, i], one[..., i, j] = cosine, -sine
        one[..., j, i], one[..., j, j] = sine, cosine
        turn = turn @ one
    return turn


def frames(side: Tensor, centre: Tensor, turn: Tensor, shape: Sequence[int]) -> Tensor:
    """``[..., dims], [..., dims], [..., dims, dims] -> [..., dims, dims + 1]``.

    A frame takes a place in the view to its place in the case: ``frame @ (*view, 1) = case``. Both
    run from -1 to 1, from edge to edge, with axes in the order of the image's own (D, H, W).

    Args:
        side: sides of the crop, as fractions; negative where it is mirrored.
        centre: of the crop, in the case.
        turn: rotation about the centre; it turns pixels, so a case that is not square keeps angles.
        shape: S of the case, in pixels.
    """
    pixels = torch.tensor(shape, dtype=turn.dtype, device=turn.device)
    linear = turn * (pixels / pixels.unsqueeze(-1)) * side.unsqueeze(-2)
    return torch.cat((linear, centre.unsqueeze(-1)), -1)
