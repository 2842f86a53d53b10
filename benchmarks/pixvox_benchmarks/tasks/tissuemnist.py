"""TissueMNIST: eight kinds of cells of the human kidney cortex (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def tissuemnist(size: int = 28) -> ClassificationTask:
    """165466 / 23640 / 47280 cells, flattened from volumes; patients are not published."""
    return medmnist_task(
        "tissuemnist",
        size,
        flips=(0, 1),  # cells lie in every orientation
    )
