"""PneumoniaMNIST: pneumonia in chest radiographs of children (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def pneumoniamnist(size: int = 28) -> ClassificationTask:
    """4708 / 524 / 624 radiographs of the official file; patients are not published."""
    return medmnist_task(
        "pneumoniamnist",
        size,
        flips=(),  # the heart lies on the left and the diaphragm below
    )
