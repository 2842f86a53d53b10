"""Label efficiency: what methods score with a hundredth, a tenth and all of the labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pixvox_leaderboards import wording
from pixvox_leaderboards.effort import Efforts, labels_of
from pixvox_leaderboards.estimate import Estimate
from pixvox_leaderboards.labels import ALL, share_of
from pixvox_leaderboards.panel import Panel


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One task, protocol and budget by several shares of the labels, scored on the same cases.

    Args:
        panels: by the share of the labels that rows learnt from, few first.
        percents: that share, in percent of train.
        labels: how many cases that is; None where a result does not tell.
    """

    task: str
    protocol: str
    budget: str
    panels: tuple[Panel, ...]
    percents: tuple[float, ...]
    labels: tuple[int | None, ...]

    @property
    def metric(self) -> str:
        """What ranks."""
        return self.panels[0].metrics[0]

    @property
    def methods(self) -> tuple[list[str], list[str]]:
        """Methods and references that were measured with fewer than all labels."""
        fewer = [p for p, share in zip(self.panels, self.percents, strict=True) if share < ALL]
        today = {row.method for panel in fewer for row in panel.rows if not row.is_stale}
        methods, references = wording.methods_of(self.panels)
        return [m for m in methods if m in today], [m for m in references if m in today]

    def at(self, method: str) -> list[Estimate | None]:
        """The score for each share; None where it was not measured."""
        rows = [panel.row(method) for panel in self.panels]
        return [row.estimates[self.metric] if row else None for row in rows]


def sweeps(panels: Iterable[Panel], efforts: Efforts) -> list[Sweep]:
    """Every task, protocol and budget of which two shares of the labels or more were measured.

    Panels of unlike versions of task, protocol or metric make no curve.
    """
    groups: dict[tuple[str, ...], list[tuple[float, Panel]]] = {}
    for panel in panels:
        protocol, percent = share_of(panel.protocol)
        metric = panel.metrics[0]
        versions = panel.task_version, panel.protocol_version, panel.metric_versions[metric]
        budget = sorted((name, str(fact)) for name, fact in panel.budget.items())
        place = (panel.task, protocol, *versions, metric, str(budget))
        groups.setdefault(place, []).append((percent, panel))
    found = [
        _sweep(share_of(group[0][1].protocol)[0], sorted(group, key=lambda pair: pair[0]), efforts)
        for group in groups.values()
        if len(group) > 1
    ]
    return [sweep for sweep in found if any(sweep.methods)]


def _sweep(protocol: str, group: Sequence[tuple[float, Panel]], efforts: Efforts) -> Sweep:
    panels = tuple(panel for _, panel in group)
    return Sweep(
        task=panels[0].task,
        protocol=protocol,
        budget=str(panels[0].budget["name"]),
        panels=panels,
        percents=tuple(percent for percent, _ in group),
        labels=tuple(labels_of(panel, efforts) for panel in panels),
    )
