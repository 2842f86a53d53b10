"""What one file holds, read once and to its last byte, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from pixvox_registry.faults.finding import Finding, error
from pixvox_registry.faults.grid import Grid

UNREADABLE = error(
    "unreadable",
    "the file cannot be decoded: an unknown or damaged header, a bad checksum, another format",
    "Export or download it again, or remove it.",
)
TRUNCATED = error(
    "truncated",
    "the file ends early: fewer bytes than its header states, or a compressed stream without end",
    "Copy or download it again.",
)
RGB = error(
    "rgb",
    "colour where a volume of plain numbers, or a label map, is due",
    "Export the numbers, not the rendering of a viewer.",
)


@dataclass(frozen=True, kw_only=True)
class Content:
    """Numbers as they are stored, and what the header makes of them.

    Args:
        stored: ``[*S]``, or ``[*S, C]`` where there are more axes than ``dims``.
        slope: values are ``stored * slope + inter``.
        grid: where the voxels lie in space; None for formats that do not say.
        findings: what the reading itself has found wanting.
    """

    file: str
    stored: NDArray[Any]
    dims: int
    slope: float = 1.0
    inter: float = 0.0
    grid: Grid | None = None
    findings: tuple[Finding, ...] = field(default=())

    @property
    def sides(self) -> tuple[int, ...]:
        """``S``."""
        return self.stored.shape[: self.dims]

    @property
    def scaled(self) -> bool:
        """Are values other than what is stored?"""
        return (self.slope, self.inter) != (1.0, 0.0)
