"""The card of some weights in prose: the README that lies beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def readme(card: Mapping[str, Any]) -> str:
    """The card in prose."""
    data = card["data"]
    black, white = card["intensity"]["value_range"]
    return "\n".join(
        [
            f"# {card['name']}",
            "",
            f"{card['recipe']['title']} on {data['dataset']}: a {card['facts']['dims']}D "
            f"{card['backbone']['name']} with {card['parameters']:,} parameters.",
            "",
            "```python",
            "import pixvox_zoo",
            "",
            'pretrained = pixvox_zoo.load("path/to/this/folder")',
            "features = pretrained.backbone(pretrained.intensity.standardise(images)).pooled",
            "```",
            "",
            f"Images are `[B, {card['facts']['in_channels']}, "
            f"{', '.join([str(card['image_size'])] * card['facts']['dims'])}]` in the units of the "
            f"pretraining data: {black:g} is black and {white:g} is white.",
            f"Data licence: {data.get('licence', 'unknown')}. Recipe sha256: "
            f"`{card['recipe']['sha256'][:12]}`.",
            "",
        ]
    )
