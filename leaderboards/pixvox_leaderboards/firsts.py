"""The first row of a task or of a place on a board, held against what is installed here."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from pixvox_benchmarks.result import Result
from pixvox_registry import PROTOCOLS, TASKS
from pixvox_registry.budgets import budget
from pixvox_registry.contracts import Task
from pixvox_registry.errors import UserError, unknown
from pixvox_registry.source_spec import parse_source


def task_called(line: str) -> Task:
    """The installed task of that very name, with no data read: ``breastmnist:64`` is one of two.

    Raises:
        UserError: there is none, or it has no such edition.
    """
    name, *pieces = line.split(":")
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    known = TASKS.names_of_settings(name)
    if pieces and known and "=" not in pieces[0]:
        pieces[0] = f"{next(iter(known))}={pieces[0]}"
    settings = parse_source(",".join([name, *pieces]))[2]
    needed = {n for n, p in known.items() if p.default is inspect.Parameter.empty}
    task = None if needed - settings.keys() else TASKS.build(name, **settings)
    if task is None or task.name != line:
        raise UserError(
            f"No task is called {line!r:.100}; task {name!r} has no such edition, or calls it "
            "otherwise. `pixvox list tasks` shows them."
        )
    return task


def check_first_of_task(file: Path, result: Result, task: Task) -> None:
    """Refuse another task than the installed one of that name.

    Raises:
        UserError: says in what they differ.
    """
    told = {
        "task_version": (result.task_version, task.version),
        "units": (result.units, task.units),
        "dims": (result.dims, task.dims),
    }
    for name, (said, known) in told.items():
        if said != known:
            raise UserError(
                f"{file} says {name} {said!r:.60}; {result.task} has {known!r} in the pixvox that "
                "is installed here. Measure it with that."
            )


def check_first_of_place(file: Path, result: Result, task: Task) -> None:
    """Refuse a protocol, metrics or a budget that are not those installed under their names.

    Raises:
        UserError: says in what they differ.
    """
    protocol = PROTOCOLS.build(result.protocol.partition("@")[0])
    if result.protocol_version != protocol.version:
        raise UserError(
            f"{file} says version {result.protocol_version!r:.60} of {result.protocol}, and "
            f"{protocol.version!r} is installed here. Measure it with that."
        )
    metrics: tuple[str, ...] = getattr(protocol, "metrics", ()) or task.metrics
    if result.metrics != metrics:
        raise UserError(
            f"{file} has the metrics {', '.join(result.metrics)}; by {result.protocol} a case of "
            f"{result.task} has {', '.join(metrics)}, of which the first ranks."
        )
    preset = budget(result.budget["name"], task.dims).facts()
    wanted: dict[str, Any] = {**preset, "image_size": _side(task) or preset["image_size"]}
    if other := sorted(n for n in wanted if repr(wanted[n]) != repr(result.budget[n])):
        facts = ", ".join(f"{name} {result.budget[name]!r:.40}" for name in other)
        right = ", ".join(f"{name} {wanted[name]!r}" for name in other)
        raise UserError(
            f"{file} says {facts} of the budget {wanted['name']}; on {result.task} it has {right}. "
            "A budget is equal for all who are compared; measure it with `--budget "
            f"{wanted['name']}`."
        )


def _side(task: Task) -> int | None:
    """Of the images or patches that a task shows a backbone, instead of the budget's."""
    side: int | None = getattr(task, "patch_size", None) or getattr(task, "image_size", None)
    return side
