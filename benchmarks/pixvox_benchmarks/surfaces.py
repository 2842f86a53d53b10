"""Distances between the surfaces of two masks, as MONAI measures them; in mm."""

from __future__ import annotations

import numpy as np

from pixvox_benchmarks.masks import Mask
from pixvox_benchmarks.scorable import Floats

SPARSE = 50  # voxels of a box to one of its surface: from here a tree beats a transform


def surface_distances_mm(predicted: Mask, truth: Mask, spacing_mm: Floats) -> tuple[Floats, Floats]:
    """From each surface voxel of one mask to the nearest of the other, both ways.

    ``[*S], [*S], [dims] -> [A], [B]``, from centre to centre. A surface voxel of a mask shares a
    face (in 2D an edge) with what is outside of it; beyond the image is outside. Neither mask is
    empty.
    """
    from scipy.ndimage import find_objects

    (box,) = find_objects((predicted | truth).view(np.uint8))
    of_predicted, of_truth = _surface(predicted[box]), _surface(truth[box])
    return (
        _to_nearest(of_predicted, of_truth, spacing_mm),
        _to_nearest(of_truth, of_predicted, spacing_mm),
    )


def diagonal_mm(shape: tuple[int, ...], spacing_mm: Floats) -> float:
    """Of the whole image, from outer corner to outer corner: no distance in it is as long."""
    return float(np.linalg.norm(np.array(shape) * spacing_mm))


def _surface(mask: Mask) -> Mask:
    from scipy.ndimage import binary_erosion

    surface: Mask = mask & ~binary_erosion(mask)
    return surface


def _to_nearest(origin: Mask, target: Mask, spacing_mm: Floats) -> Floats:
    """``[*S], [*S] -> [voxels of origin]``.

    A tree of the few voxels of a smooth surface is many times faster than a transform of their box;
    of speckle that fills its box it is as many times slower.
    """
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import KDTree

    start = np.argwhere(origin)  # [voxels of origin, dims]
    if SPARSE * max(len(start), int(target.sum())) <= origin.size:
        tree = KDTree(np.argwhere(target) * spacing_mm, leafsize=32)
        distance: Floats = tree.query(start * spacing_mm)[0]
        return distance
    nearest = distance_transform_edt(
        ~target, sampling=spacing_mm, return_distances=False, return_indices=True
    )  # [dims, *S]
    end = nearest[(slice(None), *start.T)].T
    return np.asarray(np.linalg.norm((end - start) * spacing_mm, axis=1), np.float64)
