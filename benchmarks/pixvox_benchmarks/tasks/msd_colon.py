"""Primary cancer of the colon in CT: MSD's Task10 (arXiv:1902.09063)."""

from pixvox_benchmarks.decathlon_task import decathlon_task
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import TASKS


@TASKS.register
def msd_colon() -> SegmentationTask:
    """60 / 15 / 25 % by rule of 126 labelled cases at 2 mm."""
    return decathlon_task(
        "msd_colon",
        "Task10_Colon",
        structures=("tumour",),
        spacing_mm=2.0,
        volume_size=96,
        patch_size=64,
        flips=(),  # the colon rises on the right and descends on the left
    )
