"""The card of some weights in prose: the README that lies beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate


def readme(card: Mapping[str, Any]) -> str:
    """What the weights are, how they are used, what they score, what they may be used for."""
    facts, data = card["facts"], card["data"]
    black, white = card["intensity"]["value_range"]
    shape = ", ".join(map(str, [facts["in_channels"], *[card["image_size"]] * facts["dims"]]))
    parts = [
        f"# {card['name']}",
        f"{card['recipe']['title']} on {data['dataset']}{doubt(data)}: a {facts['dims']}D "
        f"{card['backbone']['name']} with {card['parameters']:,} parameters.",
        *_install(card),
        "```python\nimport pixvox_zoo\n\n"
        f"pretrained = pixvox_zoo.load({_address(card)})\n"
        "features = pretrained.backbone(pretrained.intensity.standardise(images)).pooled\n```",
        f"Images are `[B, {shape}]` in the units of the pretraining data: {black:g} is black and "
        f"{white:g} is white.",
        *_scores(card),
        *_health(card),
        f"{_licence(card)} Recipe sha256: `{card['recipe']['sha256'][:12]}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _install(card: Mapping[str, Any]) -> list[str]:
    if "distribution" not in card:
        return []
    return [f"```\npip install {card['distribution']}=={card['version']}\n```"]


def _address(card: Mapping[str, Any]) -> str:
    return f'"{card["name"]}"' if "distribution" in card else '"path/to/this/folder"'


def _scores(card: Mapping[str, Any]) -> list[str]:
    """A table of what was measured, and of which numbers."""
    scores = card.get("scores", [])
    if not scores:
        return []
    lines = [
        {
            "task": one["task"],
            "protocol": one["protocol"],
            "metric": one["metric"],
            "score [95 % over cases]": f"{one['score']:.3f} [{figure(one['low'])}, "
            f"{figure(one['high'])}]",
            "n": one["n"],
            "test cases seen before": one["contamination"],
            "key": one["key"][:12],
        }
        for one in scores
    ]
    table = tabulate(lines, headers="keys", tablefmt="github", disable_numparse=True)
    rounded = card["sha256"]["backbone.safetensors"]
    if all(one["weights_sha256"] == rounded for one in scores):
        return [table]
    return [table, "Some were measured before the numbers were rounded to float16."]


def figure(value: float | None) -> str:
    """A score or an end of its interval; ``?`` where it is unknown."""
    return "?" if value is None else f"{value:.3f}"


def doubt(data: Mapping[str, Any]) -> str:
    """`` (unverified data)`` unless its files were held against official digests; with their own.

    >>> doubt({"verified": True}), doubt({"verified": False, "sha256": "8adc2319716dd06a"})
    ('', ' (unverified data, sha256 8adc2319716d)')
    """
    if data.get("verified"):
        return ""
    digest = data.get("sha256")
    return f" (unverified data, sha256 {digest[:12]})" if digest else " (unverified data)"


def _health(card: Mapping[str, Any]) -> list[str]:
    health = card.get("health", {})
    if not health:
        return []
    told = ", ".join(f"{name} {value:.3g}" for name, value in sorted(health.items()))
    collapsed = " **The representation has collapsed.**" if card.get("collapsed") else ""
    return [f"Health at the end of pretraining: {told}.{collapsed}"]


def _licence(card: Mapping[str, Any]) -> str:
    sources = [card["data"], *card.get("beside", ())]
    made_of = "; ".join(
        f"{one.get('dataset')}{doubt(one)}: {one.get('licence', 'unknown')}" for one in sources
    )
    own = f"Licence of the weights: {card['licence']}. " if "licence" in card else ""
    return f"{own}Licence of the data: {made_of}. No weights here are a medical device."
