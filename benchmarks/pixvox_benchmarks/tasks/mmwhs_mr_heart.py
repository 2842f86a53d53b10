"""MM-WHS: seven structures of the heart in MR (Zhuang et al., MedIA 2019)."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.whole_heart import STORED, whole_heart_task
from pixvox_registry import TASKS


@TASKS.register
def mmwhs_mr_heart() -> SegmentationTask:
    """13 / 3 / 4 patients, by the numbers of mmwhs_ct_heart, which are other patients here."""
    return whole_heart_task("mmwhs_mr_heart", "mr", structures=tuple(STORED))
