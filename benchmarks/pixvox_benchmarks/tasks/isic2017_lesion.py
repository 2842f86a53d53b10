"""ISIC 2017: the lesion's outline, from dermoscopy (arXiv:1710.05006)."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def isic2017_lesion() -> SegmentationTask:
    """959 / 240 / 399: the split of isic2017, seen at 96 px and scored at 256 without mm."""
    return SegmentationTask(
        name="isic2017_lesion",
        source=SOURCES.build("isic2017", scan_size=96),
        structures=("lesion",),
        patch_size=96,
        licence="CC0-1.0",
        units="image",
        flips=(0, 1),  # skin has no up
        metrics=("dice", "iou"),
    )
