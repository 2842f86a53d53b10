"""MM-WHS: seven structures of the heart in CT (Zhuang et al., MedIA 2019)."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.whole_heart import STORED, whole_heart_task
from pixvox_registry import TASKS


@TASKS.register
def mmwhs_ct_heart() -> SegmentationTask:
    """13 / 3 / 4 patients; test as in cluster-debiased contrast (arXiv:2211.08557), val ours."""
    return whole_heart_task("mmwhs_ct_heart", "ct", structures=tuple(STORED))
