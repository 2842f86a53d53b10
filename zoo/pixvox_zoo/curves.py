"""Curves: loss and health of a run, as one picture and as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PANELS = (
    ("loss", "loss"),
    ("embedding_std", "spread of the embedding (0 = collapsed)"),
    ("rankme", "RankMe (dimensions in use)"),
    ("knn_accuracy", "kNN accuracy, held-out train"),
)


MACHINE = ("images_per_second",)  # says more of the machine than of the run


def columns(lines: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """``log.jsonl`` by quantity, ``step`` among them; None where a line does not have it."""
    names = dict.fromkeys(name for line in lines for name in sorted(line) if name not in MACHINE)
    return {name: [line.get(name) for line in lines] for name in names}


def draw(lines: Sequence[Mapping[str, Any]], title: str, file: Path) -> None:
    """``log.jsonl`` as panels over the cases seen; panels without a figure are left out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [(name, label) for name, label in PANELS if any(name in line for line in lines)]
    figure = Figure(figsize=(3.4 * max(1, len(panels)), 2.8), layout="constrained")
    FigureCanvasAgg(figure)
    for position, (name, label) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), position + 1)
        seen = [line["seen"] for line in lines if name in line]
        axes.plot(seen, [line[name] for line in lines if name in line], color="#0b6fa4", lw=1.4)
        axes.set_title(label, fontsize=9, loc="left")
        axes.set_xlabel("cases seen", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    figure.savefig(file, dpi=120)
