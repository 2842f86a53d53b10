"""Peripheral and transition zone of the prostate in MR: MSD's Task05 (arXiv:1902.09063)."""

from pixvox_benchmarks.decathlon_task import decathlon_task
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import TASKS


@TASKS.register
def msd_prostate() -> SegmentationTask:
    """60 / 15 / 25 % by rule of 32 labelled cases at 1 mm: T2 and apparent diffusion."""
    return decathlon_task(
        "msd_prostate",
        "Task05_Prostate",
        structures=("peripheral zone", "transition zone"),
        spacing_mm=1.0,
        volume_size=96,
        patch_size=64,
        flips=(2,),  # a prostate mirrors itself
    )
