"""MEASURES: tasks, protocols, metrics, and the runner that turns backbones into results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pixvox_benchmarks.api import measure as measure


def __getattr__(name: str) -> Any:
    """``pixvox_benchmarks.measure`` on first use: importing the package imports no torch."""
    if name != "measure":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pixvox_benchmarks.api import measure

    return measure
