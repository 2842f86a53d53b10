"""MM-WHS: the left atrium in MR of the heart (Zhuang et al., MedIA 2019)."""

from pixvox_benchmarks.segmentation_task import SegmentationTask
from pixvox_benchmarks.whole_heart import whole_heart_task
from pixvox_registry import TASKS


@TASKS.register
def mmwhs_mr_left_atrium() -> SegmentationTask:
    """13 / 3 / 4 patients, as the joint 2D/3D method splits them (arXiv:2212.01893)."""
    return whole_heart_task("mmwhs_mr_left_atrium", "mr", structures=("left atrium",))
