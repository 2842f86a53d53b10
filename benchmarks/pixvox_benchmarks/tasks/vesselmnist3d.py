"""VesselMNIST3D: healthy artery of the brain or aneurysm, from its 3D shape (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def vesselmnist3d(size: int = 28) -> ClassificationTask:
    """1335 / 191 / 382 binary shapes of IntrA; their patients are not published."""
    return medmnist_task(
        "vesselmnist3d",
        size,
        flips=(0, 1, 2),  # arteries run in every direction
    )
