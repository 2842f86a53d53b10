"""Phantoms in 3D whose class is the organ's texture; made, not downloaded."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def phantom_texture_3d() -> ClassificationTask:
    """320 / 160 / 160 volumes of 28 voxels, as many of each class."""
    return ClassificationTask(
        name="phantom_texture_3d",
        source=SOURCES.build("phantoms", "texture_3d", count=320),
        classes=("smooth", "coarse", "striped", "speckled"),
        licence="CC0-1.0",
        units="patient",
        flips=(0, 1, 2),  # they are made in every orientation
    )
