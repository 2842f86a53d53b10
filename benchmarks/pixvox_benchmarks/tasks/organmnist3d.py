"""OrganMNIST3D: eleven organs in CT of the abdomen (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def organmnist3d(size: int = 28) -> ClassificationTask:
    """971 / 161 / 610 crops, split by scan; their scans are not published."""
    return medmnist_task(
        "organmnist3d",
        size,
        flips=(),  # left and right kidneys, lungs and femurs are classes of their own
    )
