"""Phantoms in 2D whose class is the organ's shape; made, not downloaded."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def phantom_shapes_2d() -> ClassificationTask:
    """600 / 300 / 300 images of 28 px, as many of each class."""
    return ClassificationTask(
        name="phantom_shapes_2d",
        source=SOURCES.build("phantoms", "shapes_2d", count=600),
        classes=("round", "elongated", "lobed", "hollow"),
        licence="CC0-1.0",
        units="patient",
        flips=(0, 1),  # they are made in every orientation
    )
