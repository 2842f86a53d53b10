"""Nuclei of cells in microscopy of several stains: DSB 2018, stage 1 (BBBC038)."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def dsb2018_nuclei() -> SegmentationTask:
    """274 / 69 / 114: a committed share of dark and of bright images, without near duplicates."""
    return SegmentationTask(
        name="dsb2018_nuclei",
        source=SOURCES.build("image_mask_folder", "dsb2018", masks="labels", splits="dsb2018"),
        structures=("nuclei",),
        patch_size=128,
        licence="CC0-1.0",
        units="image",
        flips=(0, 1),  # a slide has no up
        metrics=("dice", "iou"),
    )
