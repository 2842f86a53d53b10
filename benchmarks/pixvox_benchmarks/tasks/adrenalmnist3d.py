"""AdrenalMNIST3D: normal adrenal gland or mass, from its 3D shape (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def adrenalmnist3d(size: int = 28) -> ClassificationTask:
    """1188 / 98 / 298 binary shapes of left and right glands; their patients are not published."""
    return medmnist_task(
        "adrenalmnist3d",
        size,
        flips=(0, 1, 2),  # a left gland mirrored is a right one, and a mass has no direction
    )
