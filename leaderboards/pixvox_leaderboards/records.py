"""A board as records, one per row and metric: JSON for programs, CSV for spreadsheets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pixvox_benchmarks.gap import Gap
from pixvox_leaderboards.board import Board
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row, floor_of
from pixvox_registry.artifacts import canonical_json

SCHEMA = 3


def records(board: Board) -> list[dict[str, Any]]:
    """Everything that the board shows, and the keys of the results behind it."""
    return [
        {**_panel_facts(panel), **_row_facts(row), **_score_facts(panel, row, metric)}
        for panel in board.panels
        for row in panel.rows
        for metric in panel.metrics
        if metric in row.estimates
    ]


def as_json(board: Board) -> bytes:
    """Canonical JSON."""
    return canonical_json(
        {
            "schema": SCHEMA,
            "results": board.results,
            "commits": list(board.commits),
            "records": records(board),
            "leagues": [asdict(league) for league in board.leagues],
            "gaps": [asdict(gap) for gap in board.gaps],
        }
    )


def as_csv(board: Board) -> bytes:
    """Comma-separated; lists with blanks between their items. A gap is a line without a score."""
    import pandas

    lines = [
        {name: " ".join(map(str, v)) if isinstance(v, list) else v for name, v in record.items()}
        for record in (*records(board), *map(_gap_facts, board.gaps))
    ]
    frame = pandas.DataFrame(lines, dtype=object)
    return frame.to_csv(index=False, lineterminator="\n").encode()


def _gap_facts(gap: Gap) -> dict[str, Any]:
    return {"task": gap.task, "protocol": gap.protocol, "gap": gap.state, "why": gap.why}


def _panel_facts(panel: Panel) -> dict[str, Any]:
    return {
        "task": panel.task,
        "task_version": panel.task_version,
        "protocol": panel.protocol,
        "protocol_version": panel.protocol_version,
        "budget": panel.budget["name"],
        **{
            name: panel.budget[name]
            for name in ("dims", "seen", "batch", "width", "stem", "image_size")
        },
        "units": panel.units,
        "case_level": panel.is_case_level,
        "patients": panel.patients,
        "duplicates": [
            f"{pair}:{count['exact']}+{count['near']}"
            for pair, count in sorted(panel.duplicates.items())
        ],
    }


def _row_facts(row: Row) -> dict[str, Any]:
    return {
        "method": row.method,
        "family": row.family,
        "reference": row.is_reference,
        "stale": row.is_stale,
        "collapsed": row.is_collapsed,
        "verified": row.is_verified,
        "rank": row.rank,
        "marks": [mark.replace(" ", "_") for mark in row.marks],
        "seeds": list(row.seeds),
        "n_scored": row.n_scored,
        "n_expected": row.n_expected,
        "parameters": row.parameters,
        "contamination": row.exposure.state,
        "seen_exact": row.exposure.exact,
        "seen_near": row.exposure.near,
    }


def _score_facts(panel: Panel, row: Row, metric: str) -> dict[str, Any]:
    estimate = row.estimates[metric]
    over = row.over_floor if metric == panel.metrics[0] else None
    floor = floor_of(row, panel.rows)
    return {
        "metric": metric,
        "ranks": metric == panel.metrics[0],
        "higher_is_better": estimate.higher_is_better,
        "mean": estimate.mean,
        "low": estimate.low,
        "high": estimate.high,
        "seed_sd": estimate.seed_sd,
        "interval": estimate.method,
        "note": estimate.note,
        "random_init": floor.method if over and floor else None,
        "over_random_init": over and over.difference,
        "over_low": over and over.low,
        "over_high": over and over.high,
        "p": over and over.p,
        "p_holm": over and over.holm,
        "test_note": over.note if over else "",
        "keys": list(row.keys),
    }
