"""``pixvox score``: predictions made elsewhere, by the metrics and conventions of the boards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say, show_table
from pixvox_registry.errors import UserError

if TYPE_CHECKING:
    from pixvox_benchmarks.outside import Figure, Scored
    from pixvox_benchmarks.segmentation_task import SegmentationTask
    from pixvox_registry.contracts import Task


@COMMANDS.register
def score(
    predictions: Annotated[
        Path, typer.Argument(help="A folder of label maps, or a CSV of probabilities.")
    ],
    task: Annotated[str, typer.Option(help="pixvox list tasks; breastmnist:64 is another size.")],
    split: Annotated[str, typer.Option(help="Which cases were predicted.")] = "test",
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="A case without prediction scores worst.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="A CSV of what each case scored.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Score what nnU-Net, a script of yours or `pixvox benchmark --predictions` predicted.

    Label maps are called as their cases: NIfTI on the grid of the original in 3D, in any order of
    axes, PNG of label values in 2D. Probabilities stand in a CSV of `id` and a column for each
    class. A missing case is refused, or scores worst with --allow-missing. Predictions that are
    refused leave with 1.

    Example: pixvox score nnunet/predictions --task hippocampus --out cases.csv

    Example: pixvox score probabilities.csv --task breastmnist --allow-missing --json
    """
    from pixvox_benchmarks.outside import Refused, score_outside
    from pixvox_benchmarks.task_line import task_of

    if out is not None and (out.is_dir() or out.resolve().is_relative_to(predictions.resolve())):
        raise UserError(
            f"--out wants a file of its own for the scores of cases, not among the predictions; "
            f"{out} came."
        )
    about = task_of(task)
    try:
        scored = score_outside(predictions, about, split=split, allow_missing=allow_missing)
    except Refused as refused:
        say(f"pixvox: {refused}")
        raise SystemExit(1) from None
    if out is not None:
        from pixvox_benchmarks.case_table import case_table
        from pixvox_registry.artifacts import publish

        publish(out, case_table(scored))
    if json:
        from pixvox_registry.artifacts import canonical_json

        sys.stdout.write(canonical_json(document(scored, about, split)).decode())
    else:
        show_table([line_of(figure, scored) for figure in scored.figures])
    report(scored, about, split)


def line_of(figure: Figure, scored: Scored) -> dict[str, Any]:
    """A row for the terminal; ``n`` is never left out."""
    found = figure.interval
    several = any(other.structure for other in scored.figures)
    return {
        "metric": figure.metric,
        **({"structure": figure.structure or "mean"} if several else {}),
        "better": "higher" if figure.higher_is_better else "lower",
        "score": figure.score,
        "95 % interval": f"[{found['low']:.4g}, {found['high']:.4g}]" if found else None,
        "method": found.get("method"),
        **({"in cases": figure.n_counted} if several else {}),
        "n": f"{scored.n_scored}/{scored.n_expected}",
    }


def document(scored: Scored, task: Task | SegmentationTask, split: str) -> dict[str, Any]:
    """All that is known of the scores, for JSON."""
    counted = {"n_scored": scored.n_scored, "n_expected": scored.n_expected}
    return {
        "task": task.name,
        "task_sha256": task.fingerprint(),
        "split": split,
        "units": task.units,
        "missing": list(scored.missing),
        **counted,
        "scores": [
            {
                "metric": figure.metric,
                "structure": figure.structure or None,
                "score": figure.score,
                "higher_is_better": figure.higher_is_better,
                "interval": dict(figure.interval) or None,
                "n_counted": figure.n_counted,
                **counted,
            }
            for figure in scored.figures
        ],
    }


def report(scored: Scored, task: Task | SegmentationTask, split: str) -> None:
    """What one must know of the figures beside them."""
    from pixvox_registry.decoded import some

    noted: dict[str, list[str]] = {}
    for figure in scored.figures:
        if note := figure.interval.get("note"):
            noted.setdefault(note, []).append(f"{figure.metric} {figure.structure}".rstrip())
    for note, where in noted.items():
        say(f"{note}: {', '.join(where)}")
    if scored.missing:
        say(f"scored worst, as nothing was predicted: {some(scored.missing)}")
    held = "nothing may be chosen by these scores" if split == "test" else "boards score test"
    say(
        f"{task.name}: {scored.n_scored}/{scored.n_expected} cases of {split} were predicted; a "
        f"case is one {task.units}; {held}."
    )
