"""FractureMNIST3D: three kinds of fractures of a rib, from CT (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def fracturemnist3d(size: int = 28) -> ClassificationTask:
    """1027 / 103 / 240 fractures of RibFrac; their patients are not published."""
    return medmnist_task(
        "fracturemnist3d",
        size,
        flips=(0, 1, 2),  # ribs run in every direction, and left ones mirror right ones
    )
