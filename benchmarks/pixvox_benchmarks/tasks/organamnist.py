"""OrganAMNIST: eleven organs in axial slices of abdominal CT (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def organamnist(size: int = 28) -> ClassificationTask:
    """34561 / 6491 / 17778 crops, split by scan; their scans are not published."""
    return medmnist_task(
        "organamnist",
        size,
        flips=(),  # left and right kidneys, lungs and femurs are classes of their own
    )
