"""ChestMNIST: fourteen findings in chest radiographs, several at once (arXiv:2110.14795)."""

from typing import Any

from pixvox_benchmarks.multi_label_task import MultiLabelTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def chestmnist(size: int = 28) -> MultiLabelTask:
    """78468 / 11219 / 22433 radiographs of ChestX-ray14; patients are not published."""
    source: Any = SOURCES.build("medmnist", "chestmnist", size=size)
    labels = tuple(source.entry.classes)
    return MultiLabelTask(
        name="chestmnist" if size == 28 else f"chestmnist:{size}",
        source=source,
        labels=labels,
        columns=tuple(f"class_{place}" for place in range(len(labels))),
        licence=source.entry.licence,
        units="image",
        flips=(),  # the heart lies on the left and the diaphragm below
        metrics=("auc", "accuracy", "average_precision", "expected_calibration_error"),
        image_size=None if size == 28 else size,
    )
