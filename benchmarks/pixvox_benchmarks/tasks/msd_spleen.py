"""Spleen in CT: MSD's Task09 (arXiv:1902.09063)."""

from pixvox_benchmarks.decathlon_task import decathlon_task
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import TASKS


@TASKS.register
def msd_spleen() -> SegmentationTask:
    """60 / 15 / 25 % by rule of 41 labelled cases at 2 mm."""
    return decathlon_task(
        "msd_spleen",
        "Task09_Spleen",
        structures=("spleen",),
        spacing_mm=2.0,
        volume_size=96,
        patch_size=64,
        flips=(),  # the spleen lies on the left
    )
