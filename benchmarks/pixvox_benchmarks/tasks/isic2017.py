"""ISIC 2017: nevus, melanoma or seborrheic keratosis, from dermoscopy (arXiv:1710.05006)."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def isic2017() -> ClassificationTask:
    """A committed, stratified 60/15/25 % of 1,602 images less four near duplicates, 64 px."""
    return ClassificationTask(
        name="isic2017",
        source=SOURCES.build("isic2017"),
        classes=("nevus", "melanoma", "seborrheic keratosis"),
        licence="CC0-1.0",
        units="image",
        flips=(0, 1),  # skin has no up
    )
