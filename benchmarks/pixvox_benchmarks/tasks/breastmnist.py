"""BreastMNIST: benign or malignant in breast ultrasound (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def breastmnist(size: int = 28) -> ClassificationTask:
    """546 / 78 / 156 images of women whose ids were not published, so a case is an image."""
    return medmnist_task(
        "breastmnist",
        size,
        flips=(1,),  # left and right mirror each other; skin lies above, shadows fall below
    )
