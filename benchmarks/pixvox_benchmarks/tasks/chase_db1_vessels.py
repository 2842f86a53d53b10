"""Retinal vessels in fundus images of children: CHASE_DB1, first observer (TBME 2012)."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def chase_db1_vessels() -> SegmentationTask:
    """Both eyes of 6 / 1 / 3 children, 999 x 960 px, split and drawn anew by child."""
    return SegmentationTask(
        name="chase_db1_vessels",
        source=SOURCES.build(
            "image_mask_folder",
            "chase_db1",
            images="",
            masks="",
            mask_suffix="_1stHO",
            patient="Image_([0-9]+)",
            splits="chase_db1",
        ),
        structures=("vessels",),
        patch_size=128,
        licence="CC-BY-4.0",
        units="image",
        flips=(0, 1),  # left eyes mirror right ones; vessels run up and down alike
        metrics=("dice", "iou"),
    )
