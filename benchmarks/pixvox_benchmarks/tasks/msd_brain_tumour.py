"""Glioma in MR of four sequences, three parts: MSD's Task01 (arXiv:1902.09063)."""

from pixvox_benchmarks.decathlon_task import decathlon_task
from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_registry import TASKS


@TASKS.register
def msd_brain_tumour() -> SegmentationTask:
    """60 / 15 / 25 % by rule of 484 labelled cases at 2 mm: FLAIR, T1, T1 contrast, T2.

    They are of BraTS 2016 and 2017, so many come again in ``brats2018_whole_tumour``.
    """
    return decathlon_task(
        "msd_brain_tumour",
        "Task01_BrainTumour",
        structures=("oedema", "non-enhancing tumour", "enhancing tumour"),
        spacing_mm=2.0,
        volume_size=96,
        patch_size=64,
        flips=(2,),  # a tumour lies on either side, and the brain mirrors itself
    )
