"""PathMNIST: nine tissues of colon cancer in stained slides (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def pathmnist(size: int = 28) -> ClassificationTask:
    """89996 / 10004 / 7180 patches; train and val of one hospital, test of another's patients."""
    return medmnist_task(
        "pathmnist",
        size,
        flips=(0, 1),  # a slide has no up
    )
