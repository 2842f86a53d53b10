"""The page of the wheels of weights: what their cards say, one line each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabulate import tabulate

from pixvox_registry.errors import UserError
from pixvox_registry.wheels import cards_in
from pixvox_zoo.card_text import doubt, figure
from pixvox_zoo.standing import Standing, standings

HEAD = """# weights

Pretrained backbones as wheels. `pip install` one beside pixvox, offline if need be;
`pixvox_zoo.load("NAME")` then verifies its sha256 and a golden output and gives the backbone, and
`pixvox weights --verify` tells what is installed. This page is made by `pixvox zoo wheels` from the
cards in the wheels and from the board; nothing on it is typed by hand."""
LEGEND = """*Measured* is the score that ranks on that task, [95 % interval over test cases], of
these very numbers or of those that they were rounded from; *(seen)* or *(unknown)* says that
pretraining was, or may have been, shown test cases. *Cases shown* counts a case once per epoch.
*Unverified data*: its bytes were not held against an official digest, or are others."""
BESIDE = """Beside a score stands that of random init: the same backbone with no pretraining, under
the same protocol and budget. † these weights were not told to be better, †† they were told to be
worse, ‡ they have collapsed: the tests are those of the board, and where all weights of a task are
signed there is nothing to take. [Which weights for what]({families}) says what to do instead."""
UNITS = {2: "px", 3: "voxels"}  # along a side
USE = """```
pip install {wheel}
```

```python
import pixvox_zoo

pretrained = pixvox_zoo.load("{name}")
features = pretrained.backbone(pretrained.intensity.standardise(images)).pooled
```"""


def page(folder: Path, board: Path | None = None) -> str:
    """The whole page as Markdown.

    Args:
        board: a ``board.json``: what random init scores where the weights were measured.

    Raises:
        UserError: the folder is not there, a wheel holds no card of weights, or the file is no
            board.
    """
    cards, beside = cards_in(folder), standings(board) if board else {}
    try:
        rows = [_row(wheel, card, beside) for wheel, card in cards.items()]
    except (KeyError, TypeError) as error:
        raise UserError(
            f"A card in {folder} was not written by `pixvox pack`: it lacks {error}."
        ) from None
    table = tabulate(rows, headers="keys", tablefmt="pipe", disable_numparse=True)
    use = [USE.format(wheel=w, name=card["name"]) for w, card in list(cards.items())[:1]]
    return "\n\n".join([HEAD, *use, table, LEGEND, *_beside(folder, board)]) + "\n"


def _beside(folder: Path, board: Path | None) -> list[str]:
    if board is None:
        return []
    families = Path(os.path.relpath(board.parent / "families.md", folder)).as_posix()
    return [BESIDE.format(families=families)]


def _row(wheel: Path, card: Mapping[str, Any], beside: Mapping[str, Standing]) -> dict[str, str]:
    sources = (card["data"], *card.get("beside", ()))
    spent = card["provenance"]
    return {
        "name": f"[`{card['name']}`]({wheel.name})",
        "method": f"{card['recipe']['title']} ({card['recipe']['family']})",
        "dims": f"{card['facts']['dims']}D",
        "backbone": f"{card['backbone']['name']}, {card['parameters'] / 1e6:.2f} M",
        "measured": "<br>".join(_score(one, beside) for one in card["scores"]) or "—",
        "made of": ", ".join(source["dataset"] + doubt(source) for source in sources),
        "cases shown": f"{card['budget']['seen']:,} of {card['image_size']} "
        f"{UNITS[card['facts']['dims']]} in {spent['wall_seconds']:,.0f} s",
        "stored": card["stored"],
        "MB": f"{wheel.stat().st_size / 1e6:.1f}",
        "licence": card["licence"],
    }


def _score(one: Mapping[str, Any], beside: Mapping[str, Standing]) -> str:
    shown = "" if one["contamination"] == "unseen" else f" ({one['contamination']})"
    interval = f"[{figure(one['low'])}, {figure(one['high'])}]"
    score = f"{one['metric']} {one['score']:.3f} {interval}{shown}"
    told = beside[one["key"]].text if one["key"] in beside else ""
    return f"{one['task']}, {one['protocol']}: {score}{told}"
