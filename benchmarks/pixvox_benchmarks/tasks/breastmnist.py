"""BreastMNIST: benign or malignant in breast ultrasound, 28 px (arXiv:2110.14795)."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def breastmnist() -> ClassificationTask:
    """546 / 78 / 156 images of women whose ids were not published, so a case is an image."""
    return ClassificationTask(
        name="breastmnist",
        source=SOURCES.build("medmnist", "breastmnist"),
        classes=("malignant", "normal or benign"),
        licence="CC-BY-4.0",
        units="image",
        flips=(1,),  # left and right mirror each other; skin lies above, shadows fall below
    )
