"""PneumoniaMNIST rebuilt from two copies: official counts, unofficial order (arXiv:2110.14795)."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def pneumoniamnist_reconstructed() -> ClassificationTask:
    """4708 / 524 / 624 chest radiographs of children; every result is marked as unverified."""
    return ClassificationTask(
        name="pneumoniamnist_reconstructed",
        source=SOURCES.build(
            "medmnist",
            "pneumoniamnist",
            file="pneumoniamnist_reconstructed.npz",
            allow_unverified=True,
        ),
        classes=("normal", "pneumonia"),
        licence="CC-BY-4.0",
        units="image",
        flips=(),  # the heart lies on the left and the diaphragm below
    )
