"""RetinaMNIST: five grades of diabetic retinopathy in fundus images (arXiv:2110.14795)."""

from pixvox_benchmarks.medmnist_task import METRICS, medmnist_task
from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import TASKS


@TASKS.register
def retinamnist(size: int = 28) -> ClassificationTask:
    """1080 / 120 / 400 images; the grades have an order, of which only their names tell here."""
    return medmnist_task(
        "retinamnist",
        size,
        flips=(0, 1),  # left eyes mirror right ones; lesions above and below count alike
        metrics=(*METRICS, "cohen_kappa"),
    )
