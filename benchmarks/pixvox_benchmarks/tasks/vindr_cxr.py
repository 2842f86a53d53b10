"""VinDr-CXR: fourteen findings in chest radiographs, several at once (arXiv:2012.15029)."""

from typing import Any

from pixvox_benchmarks.multi_label_task import MultiLabelTask
from pixvox_benchmarks.ruled import Ruled
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def vindr_cxr(size: int = 64) -> MultiLabelTask:
    """12,000 / 3,000 by rule of the official train, and the official test of 3,000 radiographs.

    A finding of train holds where two of three readers saw it; patients are not published.
    """
    source: Any = SOURCES.build("vindr_cxr", image_size=size)
    return MultiLabelTask(
        name="vindr_cxr" if size == 64 else f"vindr_cxr:{size}",
        source=Ruled(source, rule="vindr_cxr", shares={"train": 0.8, "val": 0.2}),
        labels=source.findings,
        licence="PhysioNet Credentialed Health Data License 1.5.0",
        units="image",
        flips=(),  # the heart lies on the left and the diaphragm below
        metrics=("auc", "accuracy", "average_precision", "expected_calibration_error"),
        image_size=None if size == 64 else size,
    )
