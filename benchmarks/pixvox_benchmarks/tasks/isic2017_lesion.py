"""ISIC 2017: the lesion's outline, from dermoscopy (arXiv:1710.05006)."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def isic2017_lesion() -> SegmentationTask:
    """The committed split of isic2017, 256 px; no spacing, so distances are left out."""
    return SegmentationTask(
        name="isic2017_lesion",
        source=SOURCES.build("isic2017"),
        structures=("lesion",),
        patch_size=128,
        licence="CC0-1.0",
        units="image",
        flips=(0, 1),  # skin has no up
        metrics=("dice", "iou"),
    )
