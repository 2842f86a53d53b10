"""Measured: what result files say of some weights, for their card."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pixvox_registry.artifacts import fingerprint
from pixvox_registry.errors import UserError


def scores_of(results: Path, digests: Collection[str]) -> list[dict[str, Any]]:
    """A line for each result below a folder that was measured of weights with such a sha256.

    ``{task, protocol, budget, seed, method, metric, score, low, high, n, contamination, key,
    weights_sha256}``; the metric is the one that ranks, the interval 95 % over cases.

    Raises:
        UserError: there is no such result, or one was edited.
    """
    found = []
    for file in sorted(results.rglob("*.json")):
        try:
            facts = json.loads(file.read_bytes())
        except ValueError:
            continue
        if not isinstance(facts, dict) or facts.get("weights_sha256") not in digests:
            continue
        if "wall_seconds" not in _made(facts):  # the protocol drew weights of its own
            continue
        if facts.pop("sha256", None) != fingerprint(facts):
            raise UserError(f"{file} was edited: its digest does not fit. Measure it again.")
        found.append(line_of(facts))
    if not found:
        raise UserError(
            f"No result below {results} was measured of these weights. `pixvox benchmark --methods "
            "weights:FOLDER` measures them."
        )
    return sorted(found, key=lambda line: (line["task"], line["protocol"], line["seed"]))


def _made(facts: dict[str, Any]) -> dict[str, Any]:
    """What a result tells of the making of its weights; nothing where it is none of ours."""
    told = facts.get("provenance")
    made = told.get("weights") if isinstance(told, dict) else None
    return made if isinstance(made, dict) else {}


def line_of(facts: dict[str, Any]) -> dict[str, Any]:
    """What a card keeps of a result."""
    metric = facts["metrics"][0]
    interval = facts["intervals"][metric]
    return {
        **{name: facts[name] for name in ("task", "protocol", "seed", "method", "key")},
        "budget": facts["budget"]["name"],
        "metric": metric,
        "score": facts["scores"][metric],
        "low": interval["low"],
        "high": interval["high"],
        "n": facts["n_scored"],
        "contamination": facts.get("contamination", {}).get("state", "unknown"),
        "weights_sha256": facts["weights_sha256"],
    }
