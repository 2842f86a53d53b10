"""Pancreas and its tumours in CT: MSD's Task07 (arXiv:1902.09063)."""

from pixvox_benchmarks.decathlon_task import decathlon_task
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import TASKS


@TASKS.register
def msd_pancreas() -> SegmentationTask:
    """60 / 15 / 25 % by rule of 281 labelled cases at 2 mm."""
    return decathlon_task(
        "msd_pancreas",
        "Task07_Pancreas",
        structures=("pancreas", "tumour"),
        spacing_mm=2.0,
        volume_size=96,
        patch_size=64,
        flips=(),  # its head lies on the right, its tail on the left
    )
