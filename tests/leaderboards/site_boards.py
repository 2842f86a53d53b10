"""A board of as many rows as one likes, made without measuring anything."""

from __future__ import annotations

from pixvox_leaderboards.board import Board
from pixvox_leaderboards.comparison import Comparison
from pixvox_leaderboards.estimate import Estimate
from pixvox_leaderboards.exposure import Exposure
from pixvox_leaderboards.panel import Panel
from pixvox_leaderboards.row import Row
from pixvox_registry.budgets import budget

METRICS = ("auc", "accuracy", "expected_calibration_error")


def large_board(tasks: int, methods: int) -> Board:
    """Tasks times methods rows, no two scores of a task alike."""
    return Board(
        panels=tuple(panel(f"task{number:03}", methods) for number in range(tasks)),
        leagues=(),
        results=tasks * methods,
        commits=("0123456",),
    )


def panel(task: str, methods: int) -> Panel:
    rows = tuple(row(task, number, methods) for number in range(methods))
    return Panel(
        task=task,
        task_version="1",
        protocol="knn_probe",
        protocol_version="1",
        budget=budget("small", 2).facts(),
        metrics=METRICS,
        metric_versions=dict.fromkeys(METRICS, "1"),
        higher_is_better={name: "error" not in name for name in METRICS},
        units="patient",
        cases=200,
        rows=rows,
        scores={},
    )


def row(task: str, number: int, methods: int) -> Row:
    mean = round(0.5 + 0.4 * (number * 7 % methods) / methods, 3)
    return Row(
        method=f"method_{number:02}",
        family=("contrast", "clustering", "reconstruction")[number % 3],
        backbone="resnet",
        seeds=(0, 1, 2),
        estimates={name: estimate(mean, place) for place, name in enumerate(METRICS)},
        n_scored=200,
        n_expected=200,
        stem="imagenet",
        parameters=11_170_000,
        is_collapsed=False,
        is_verified=True,
        is_stale=number % 20 == 19,
        keys=(f"{task}-{number}",),
        exposure=Exposure(state="unseen", exact=0, near=0, cases=200),
        rank=1 + number,
        over_floor=Comparison(
            difference=round(mean - 0.5, 3),
            low=0.0,
            high=0.1,
            p=0.001 * number,
            holm=min(1.0, 0.01 * number),
            cases=200,
            note="",
            higher_is_better=True,
        ),
    )


def estimate(mean: float, place: int) -> Estimate:
    mean = round(mean - 0.1 * place, 3)
    return Estimate(
        mean=mean,
        low=round(mean - 0.05, 3),
        high=round(mean + 0.05, 3),
        seed_sd=0.01,
        method="bca",
        note="",
        higher_is_better=place < 2,
    )
