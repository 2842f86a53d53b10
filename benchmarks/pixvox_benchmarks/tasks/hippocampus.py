"""Hippocampus, anterior and posterior, in MR: MSD's Task04, 200 cases (arXiv:2106.05735)."""

from pixvox_benchmarks.held_out import HeldOut
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def hippocampus() -> SegmentationTask:
    """128 / 32 / 40 volumes of about 35 x 50 x 36 mm, patients unknown."""
    return SegmentationTask(
        name="hippocampus",
        source=HeldOut(SOURCES.build("msd", "Task04_Hippocampus")),
        structures=("anterior", "posterior"),
        patch_size=48,
        licence="CC-BY-SA-4.0",
        units="image",
        flips=(),  # mirrored from left to right, val loses .014 of its Dice after 600 steps
    )
