"""AdrenalMNIST3D: normal adrenal gland or mass, from its 3D shape, 28 voxels (arXiv:2110.14795)."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def adrenalmnist3d() -> ClassificationTask:
    """1188 / 98 / 298 binary shapes of left and right glands; their patients are not published."""
    return ClassificationTask(
        name="adrenalmnist3d",
        source=SOURCES.build("medmnist", "adrenalmnist3d"),
        classes=("normal", "adrenal mass"),
        licence="CC-BY-4.0",
        units="image",
        flips=(0, 1, 2),  # a left gland mirrored is a right one, and a mass has no direction
    )
