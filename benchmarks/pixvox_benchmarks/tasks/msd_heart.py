"""Left atrium in MR of the heart: MSD's Task02 (arXiv:1902.09063)."""

from pixvox_benchmarks.decathlon_task import decathlon_task
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import TASKS


@TASKS.register
def msd_heart() -> SegmentationTask:
    """60 / 15 / 25 % by rule of 20 labelled cases at 2 mm."""
    return decathlon_task(
        "msd_heart",
        "Task02_Heart",
        structures=("left atrium",),
        spacing_mm=2.0,
        volume_size=96,
        patch_size=64,
        flips=(),  # the heart lies on the left
    )
