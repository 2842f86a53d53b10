"""``pixvox zoo gate``: which recipes learnt something, told from result files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pixvox_registry import COMMANDS
from pixvox_registry.console import say, show_table


@COMMANDS.register
def zoo_gate(
    results: Annotated[Path, typer.Argument(help="Folder of result files.")] = Path(
        "runs/zoo/results"
    ),
    budget: Annotated[str, typer.Option(help="Of this budget alone.")] = "",
    protocol: Annotated[
        list[str] | None, typer.Option(help="Of this protocol; may be told several times.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write this JSON file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Hold every recipe against random init of its own backbone. The same files, the same bytes.

    Example: pixvox zoo gate leaderboards/results --budget brief --protocol knn_probe
    """
    from pixvox_leaderboards.board import build
    from pixvox_leaderboards.gate import as_json, chosen, records
    from pixvox_leaderboards.reading import read_all

    readings = chosen(read_all(results), budget, protocol or ())
    if out is not None:
        out.write_bytes(as_json(readings))
        say(f"wrote {out}")
    show_table([flat(record) for record in records(build(readings), readings)], as_json=json)


def flat(record: dict[str, object]) -> dict[str, object]:
    """A record as a line of a table: each protocol's mean, interval and standing."""
    scores = record["scores"]
    assert isinstance(scores, dict)
    line = {name: record[name] for name in ("recipe", "task")}
    for protocol, found in scores.items():
        line[protocol] = found and f"{found['mean']:.3f} [{found['low']}, {found['high']}]"
        line[f"above {protocol}"] = found and found["above"]
    rest = ("embedding_std", "rankme", "occupancy", "images_per_second", "peak_memory_mb")
    return {**line, **{name: record[name] for name in rest}, "collapsed": record["collapsed"]}
