"""Cost against score as a picture: a point is a method, a line joins those that none beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pixvox_leaderboards.cost import Cloud, Point, by_task
from pixvox_leaderboards.looks import Look
from pixvox_leaderboards.picture import FAINT, INK, REFERENCE, drawn
from pixvox_leaderboards.small_multiples import finish, small_multiples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CAPTION = (
    "Score over the time of pretraining: mean over seeds and 95 % interval over cases\n"
    "line: the front, methods that none beats in both; references are grey and not on it\n"
    "dashed: random init, its interval shaded; hollow: not better than it, or collapsed"
)


def png(clouds: Sequence[Cloud], looks: Mapping[str, Look]) -> bytes:
    """PNG bytes that depend on the clouds alone.

    Args:
        looks: of all methods of the board.
    """
    points = {point.row.method for cloud in clouds for point in cloud.points}
    return drawn(
        lambda: small_multiples(
            by_task(clouds),
            lambda axes, cloud: _draw(axes, cloud, looks),
            caption=CAPTION,
            looks={method: look for method, look in looks.items() if method in points},
            ls="none",
            ms=7,
        )
    )


def _draw(axes: Axes, cloud: Cloud, looks: Mapping[str, Look]) -> None:
    panel = cloud.panel
    floor = panel.floor
    if floor is not None:
        chance = floor.estimates[panel.metrics[0]]
        axes.axhline(chance.mean, color=REFERENCE, lw=0.9, ls=(0, (4, 3)), zorder=1)
        if chance.low is not None and chance.high is not None:
            axes.axhspan(chance.low, chance.high, color=FAINT, alpha=0.55, lw=0, zorder=0)
    front = [point for point in cloud.points if point.on_front]
    axes.plot(
        [point.seconds for point in front],
        [point.estimate.mean for point in front],
        color=INK,
        lw=1,
        drawstyle="steps-post",
        zorder=2,
    )
    for point in cloud.points:
        _draw_point(axes, point, looks[point.row.method])
    _scale(axes, [point.seconds for point in cloud.points])
    axes.set_xlabel(f"seconds on {cloud.machine}", fontsize=8, color=INK)
    axes.grid(color=FAINT, lw=0.7)
    finish(axes, panel, panel.protocol)


def _scale(axes: Axes, seconds: Sequence[float]) -> None:
    """Logarithmic, with plain numbers at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axes.set_xscale("log")
    axes.set_xlim(min(seconds) / 1.3, max(seconds) * 1.3)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.minorticks_off()


def _draw_point(axes: Axes, point: Point, look: Look) -> None:
    estimate, is_doubtful = point.estimate, point.row.is_doubtful
    if estimate.low is not None and estimate.high is not None:
        axes.plot(
            [point.seconds] * 2,
            [estimate.low, estimate.high],
            color=look.colour,
            lw=1.4,
            alpha=0.55,
            zorder=2.5,
        )
    axes.plot(
        [point.seconds],
        [estimate.mean],
        marker=look.marker,
        ms=7.5,
        mew=1.4 if is_doubtful else 0.8,
        mfc="white" if is_doubtful else look.colour,
        mec=look.colour if is_doubtful else "white",
        zorder=3,
    )
