"""The hierarchy of a clustering, and where its levels cut it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAVES = 64  # drawn, at most: below them branches are one leaf


def draw_dendrogram(clustering: Any, file: Path) -> None:
    """The upper joints, a line at each level's cut; nothing of a clustering without ``linkage``."""
    from matplotlib.figure import Figure
    from scipy.cluster.hierarchy import dendrogram

    if not hasattr(clustering, "linkage"):
        return
    joints = clustering.linkage.cpu().numpy()
    joints = joints[joints[:, 3] > 0]
    heights = joints[:, 2]
    cuts = [cut_height(heights, level) for level in clustering.levels if level <= len(heights)]
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    axes = figure.add_subplot()
    dendrogram(
        joints,
        p=LEAVES,
        truncate_mode="lastp",
        color_threshold=cuts[0] if cuts else None,
        above_threshold_color="#888888",
        no_labels=True,
        ax=axes,
    )
    for level, height in zip(clustering.levels, cuts, strict=False):
        axes.axhline(height, color="#b03030", lw=0.8, ls="--")
        axes.annotate(f"{level} groups", (axes.get_xlim()[1], height), fontsize=8, ha="right")
    axes.set_ylabel("Ward's distance", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)


def cut_height(heights: NDArray[np.float64], groups: int) -> float:
    """Half-way between the joint that a cut into so many groups undoes and the next lower one.

    >>> cut_height(np.array([1.0, 2.0, 6.0]), 2)
    4.0
    """
    if groups == 1:
        return float(heights[-1]) * 1.05
    return float(heights[-groups] + heights[-groups + 1]) / 2
