"""Phantoms in 2D whose class is the organ's texture; made, not downloaded."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def phantom_texture_2d() -> ClassificationTask:
    """600 / 300 / 300 images of 28 px, as many of each class."""
    return ClassificationTask(
        name="phantom_texture_2d",
        source=SOURCES.build("phantoms", "texture_2d", count=600),
        classes=("smooth", "coarse", "striped", "speckled"),
        licence="CC0-1.0",
        units="patient",
        flips=(0, 1),  # they are made in every orientation
    )
