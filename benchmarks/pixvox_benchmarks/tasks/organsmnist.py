"""OrganSMNIST: eleven organs in sagittal slices of abdominal CT (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def organsmnist(size: int = 28) -> ClassificationTask:
    """13932 / 2452 / 8827 crops, split by scan; their scans are not published."""
    return medmnist_task(
        "organsmnist",
        size,
        flips=(),  # head and feet, front and back tell organs apart
    )
