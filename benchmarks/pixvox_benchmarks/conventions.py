"""The table of all metrics: direction, range, and what empty and degenerate cases score."""

from __future__ import annotations

from typing import Any

from pixvox_benchmarks.structures import spelt
from pixvox_registry import METRICS
from pixvox_registry.errors import UserError

BEGIN, END = "<!-- metrics:begin -->", "<!-- metrics:end -->"


def table() -> str:
    """One line a metric, as Markdown."""
    from tabulate import tabulate

    rows = [_row(name, metric) for name, metric in METRICS.sound()]
    return tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)


def renewed(page: str) -> str:
    """A page with today's table between its two marks.

    Raises:
        UserError: a mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(
            f"The page should hold the lines {BEGIN} and {END}, in this order, with the table of "
            "metrics between them; it does not. Add both lines where the table belongs."
        )
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _row(name: str, metric: Any) -> dict[str, str]:
    settings = METRICS.names_of_settings(name).values()
    set_to = ", ".join(f"{setting.name}={setting.default:g}" for setting in settings)
    return {
        "metric": f"{name} ({set_to})" if set_to else name,
        "better": "higher" if metric.higher_is_better else "lower",
        "range": spelt(metric.range),
        "empty and degenerate cases": metric.conventions,
        "labels of which several may hold": getattr(metric, "of_labels", "Refused."),
        "version": metric.version,
    }
