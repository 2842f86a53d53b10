"""Tumours of the lung in CT: MSD's Task06 (arXiv:1902.09063)."""

from pixvox_benchmarks.decathlon_task import decathlon_task
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import TASKS


@TASKS.register
def msd_lung() -> SegmentationTask:
    """60 / 15 / 25 % by rule of 63 labelled cases at 2 mm."""
    return decathlon_task(
        "msd_lung",
        "Task06_Lung",
        structures=("tumour",),
        spacing_mm=2.0,
        volume_size=96,
        patch_size=64,
        flips=(),  # the heart lies on the left and the liver below on the right
    )
