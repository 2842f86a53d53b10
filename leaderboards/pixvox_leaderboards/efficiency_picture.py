"""Label efficiency as a picture: score over labels, a panel per task, protocol and budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from pixvox_leaderboards.efficiency import Sweep
from pixvox_leaderboards.labels import labels_text
from pixvox_leaderboards.looks import Look
from pixvox_leaderboards.picture import FAINT, INK, drawn
from pixvox_leaderboards.small_multiples import finish, small_multiples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = 0.06  # decades between two methods of one share, which stand side by side
MOST_APART = 0.3  # decades from the first to the last
CAPTION = (
    "Score over labels: mean over seeds and 95 % interval over cases\n"
    "references are grey and dashed; methods of one share stand side by side"
)


def png(sweeps: Sequence[Sweep], looks: Mapping[str, Look]) -> bytes:
    """PNG bytes that depend on the sweeps alone.

    Args:
        looks: of all methods of the board.
    """
    present = {method for sweep in sweeps for kind in sweep.methods for method in kind}
    return drawn(
        lambda: small_multiples(
            [list(line) for _, line in groupby(sweeps, lambda one: (one.budget, one.task))],
            lambda axes, sweep: _draw(axes, sweep, looks),
            caption=CAPTION,
            looks={method: look for method, look in looks.items() if method in present},
            lw=1.2,
            ms=6,
        )
    )


def _draw(axes: Axes, sweep: Sweep, looks: Mapping[str, Look]) -> None:
    counts = [count for count in sweep.labels if count]
    is_counted = len(set(counts)) == len(sweep.labels)
    places = counts if is_counted else list(sweep.percents)
    present = [method for kind in sweep.methods for method in kind]
    step = min(APART, MOST_APART / len(present))
    for number, method in enumerate(present):
        shift = 10 ** (step * (number - (len(present) - 1) / 2))
        found = [x * shift for x in places]
        _draw_method(axes, sweep, method, found, looks[method])
    axes.set_xscale("log")
    axes.set_xlim(min(places) / 1.7, max(places) * 1.7)
    texts = [labels_text(percent, None) for percent in sweep.percents]
    if is_counted:
        texts = [f"{count:,}\n{text}" for count, text in zip(counts, texts, strict=True)]
    axes.set_xticks(places, texts)
    axes.minorticks_off()
    label = "labelled cases" if is_counted else "share of the labels"
    axes.set_xlabel(label, fontsize=8, color=INK)
    axes.grid(axis="y", color=FAINT, lw=0.7)
    finish(axes, sweep.panels[0], sweep.protocol)


def _draw_method(
    axes: Axes, sweep: Sweep, method: str, places: Sequence[float], look: Look
) -> None:
    found = [(x, one) for x, one in zip(places, sweep.at(method), strict=True) if one]
    for x, one in found:
        if one.low is not None and one.high is not None:
            axes.plot([x, x], [one.low, one.high], color=look.colour, lw=1.6, alpha=0.55, zorder=2)
    axes.plot(
        [x for x, _ in found],
        [one.mean for _, one in found],
        color=look.colour,
        lw=1.2,
        ls=look.line,
        marker=look.marker,
        ms=6,
        mec="white",
        mew=0.8,
        zorder=3,
    )
