"""One linear map for each of a frozen backbone's maps: what its features say of places."""

from __future__ import annotations

from collections.abc import Callable

from pixvox_benchmarks.segmenter import segment
from pixvox_registry import PROTOCOLS
from pixvox_registry.measuring import Segmentation, Trial
from pixvox_registry.scans import Scans


@PROTOCOLS.register
class SegmentationFrozen:
    """Dice and cross-entropy on patches; the backbone stays as it is."""

    version = "1"
    sees = "scans"

    def __call__(
        self, train: Scans, val: Scans, test: Callable[[], Scans], trial: Trial
    ) -> Segmentation:
        """Train the decoder, choose by val, then open test.

        Raises:
            UserError: the backbone does not fit the scans.
        """
        return segment(train, val, test, trial, frozen=True)
