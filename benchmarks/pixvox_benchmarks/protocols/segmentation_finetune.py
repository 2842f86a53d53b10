"""A U-Net decoder on the backbone's maps, both trained (arXiv:1505.04597)."""

from __future__ import annotations

from collections.abc import Callable

from pixvox_benchmarks.segmenter import segment
from pixvox_registry import PROTOCOLS
from pixvox_registry.measuring import Segmentation, Trial
from pixvox_registry.scans import Scans


@PROTOCOLS.register
class SegmentationFinetune:
    """Dice and cross-entropy on patches; with a backbone that was never trained: from scratch."""

    version = "1"
    sees = "scans"

    def __call__(
        self, train: Scans, val: Scans, test: Callable[[], Scans], trial: Trial
    ) -> Segmentation:
        """Train, choose by val, then open test.

        Raises:
            UserError: the backbone does not fit the scans.
        """
        return segment(train, val, test, trial, frozen=False)
