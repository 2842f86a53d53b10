"""LUNA16: is a candidate a nodule? From cubes of CT of the lung (arXiv:1612.08012)."""

from pixvox_benchmarks.task import ClassificationTask
from pixvox_registry import SOURCES, TASKS


@TASKS.register
def luna16_nodule() -> ClassificationTask:
    """Candidates of 888 scans, by subset 0-6 / 7 / 8-9; five of class 0 for each nodule, by rule.

    So few of class 0 leave the AUC what it is, in expectation, and calibration as of this mixture.
    A scan stands for its patient, of whom a few have two.
    """
    return ClassificationTask(
        name="luna16_nodule",
        source=SOURCES.build("luna16"),
        classes=("no nodule", "nodule"),
        licence="CC-BY-4.0",
        units="image",
        flips=(0, 1, 2),  # a nodule has no direction
        metrics=("auc", "average_precision", "balanced_accuracy", "expected_calibration_error"),
    )
