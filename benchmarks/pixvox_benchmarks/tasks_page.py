"""The page of the tasks: their cards as one table for each kind, with no data read."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from pixvox_registry import TASKS

HEAD = """# tasks

A task is one labelled data set in fixed splits. `--tasks` takes their names with commas between;
`breastmnist:64` is BreastMNIST at 64 px. Data is read from `$PIXVOX_DATA`; where it is missing, the
task says what was looked for. This page is made by `pixvox tasks page` from the cards; nothing on
it is typed by hand."""
LEGEND = """*Cases* are those of train / val / test. *A case* is what intervals go over; where
patients are not published it is an image, and the board says so. *Mirrored* are the directions
along which views may flip the anatomy. *Ranked by* is the first metric. A *source* is what
`pixvox pretrain --data` takes. Splits *by rule* follow from the names of the cases, or of their
patients: in the order of the sha256 of `RULE/NAME`, the first 60 % are train, the next 15 % val and
the others test (`pixvox_registry.split_rule`)."""
AXES: Mapping[int, tuple[str, ...]] = {
    2: ("up and down", "left and right"),
    3: ("feet and head", "back and front", "left and right"),
}
KINDS = {"classes": "Classes", "labels": "Several labels at once", "structures": "Structures"}


def page() -> str:
    """The whole page as Markdown."""
    sections = [HEAD]
    rows: dict[tuple[str, int], list[dict[str, str]]] = {}
    for name, _ in TASKS.sound():
        task: Any = TASKS.build(name)
        rows.setdefault((_kind(task), task.dims), []).append(_row(name, task))
    for kind, title in KINDS.items():
        for dims in (2, 3):
            if found := rows.get((kind, dims)):
                table = tabulate(found, headers="keys", tablefmt="pipe")
                sections.append(f"## {title} in {dims}D\n\n{table}")
    return "\n\n".join([*sections, LEGEND]) + "\n"


def _kind(task: Any) -> str:
    return "structures" if hasattr(task, "structures") else str(task.kind)


def _row(name: str, task: Any) -> dict[str, str]:
    told = task.structures if _kind(task) == "structures" else task.classes
    factory = TASKS.get(name)
    title = inspect.cleandoc(sys.modules[factory.__module__].__doc__ or "").splitlines()[0]
    cases = (inspect.getdoc(factory) or "").splitlines()[0]
    return {
        "task": f"`{name}`{_sizes(task)}",
        "what": f"{title.rstrip('.')}.",
        "cases": cases,
        "labels": f"{len(told)}: {'; '.join(told)}",
        "a case": task.units,
        "mirrored": "; ".join(AXES[task.dims][axis] for axis in task.flips) or "never",
        "ranked by": task.metrics[0],
        "licence": task.licence,
        "source": f"`{task.source.name}`",
    }


def _sizes(task: Any) -> str:
    """Further sizes that a task comes in."""
    published = getattr(task.source, "entry", None)
    others = [size for size in getattr(published, "md5", {}) if int(size) != task.source.size]
    return f" `:{'` `:'.join(others)}`" if task.source.name.count(",") == 0 and others else ""
