"""OCTMNIST: three diseases of the retina or none, from its layers (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def octmnist(size: int = 28) -> ClassificationTask:
    """97477 / 10832 / 1000 images of optical coherence tomography; patients are not published."""
    return medmnist_task(
        "octmnist",
        size,
        flips=(1,),  # left eyes mirror right ones; the vitreous lies above
    )
