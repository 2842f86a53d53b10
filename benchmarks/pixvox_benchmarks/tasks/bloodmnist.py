"""BloodMNIST: eight kinds of blood cells under the microscope (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def bloodmnist(size: int = 28) -> ClassificationTask:
    """11959 / 1712 / 3421 cells of healthy people; patients are not published."""
    return medmnist_task(
        "bloodmnist",
        size,
        flips=(0, 1),  # a smear has no up
    )
