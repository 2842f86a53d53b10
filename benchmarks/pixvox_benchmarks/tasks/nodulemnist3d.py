"""NoduleMNIST3D: benign or malignant nodules in CT of the lung (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def nodulemnist3d(size: int = 28) -> ClassificationTask:
    """1158 / 165 / 310 nodules of LIDC-IDRI; their patients are not published."""
    return medmnist_task(
        "nodulemnist3d",
        size,
        flips=(0, 1, 2),  # a nodule has no direction
    )
