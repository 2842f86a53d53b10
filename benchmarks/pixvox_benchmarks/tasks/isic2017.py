"""ISIC 2017: nevus, melanoma or seborrheic keratosis, from dermoscopy (arXiv:1710.05006)."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def isic2017(size: int = 64) -> ClassificationTask:
    """959 / 240 / 399: a committed, stratified share of 1,602 images less near duplicates."""
    return ClassificationTask(
        name="isic2017" if size == 64 else f"isic2017:{size}",
        source=SOURCES.build("isic2017", image_size=size),
        classes=("nevus", "melanoma", "seborrheic keratosis"),
        licence="CC0-1.0",
        units="image",
        flips=(0, 1),  # skin has no up
        image_size=None if size == 64 else size,
    )
