"""SynapseMNIST3D: excitatory or inhibitory synapse, from electron microscopy (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def synapsemnist3d(size: int = 28) -> ClassificationTask:
    """1230 / 177 / 352 synapses of one rat, in three splits."""
    return medmnist_task(
        "synapsemnist3d",
        size,
        flips=(0, 1, 2),  # synapses lie in every orientation
    )
