"""Vessels and tumours of the liver in CT: MSD's Task08 (arXiv:1902.09063)."""

from pixvox_benchmarks.decathlon_task import decathlon_task
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import TASKS


@TASKS.register
def msd_hepatic_vessel() -> SegmentationTask:
    """60 / 15 / 25 % by rule of 303 labelled cases at 2 mm."""
    return decathlon_task(
        "msd_hepatic_vessel",
        "Task08_HepaticVessel",
        structures=("vessel", "tumour"),
        spacing_mm=2.0,
        volume_size=96,
        patch_size=64,
        flips=(),  # the liver lies on the right
    )
