"""DermaMNIST: seven pigmented lesions of the skin, from dermoscopy (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def dermamnist(size: int = 28) -> ClassificationTask:
    """7007 / 1003 / 2005 images, some of one lesion in two splits; patients are not published."""
    return medmnist_task(
        "dermamnist",
        size,
        flips=(0, 1),  # skin has no up
    )
