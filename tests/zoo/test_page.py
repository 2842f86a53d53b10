"""The page of the zoo and the measured line of every card are what the check says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pixvox_registry import UserError
from pixvox_registry.budgets import budget
from pixvox_registry.recipes import recipe_files
from pixvox_zoo.border import read_recipe
from pixvox_zoo.card import plugins_of
from pixvox_zoo.commands.zoo_page import pages
from pixvox_zoo.page import is_stale, page, with_measured

ROOT = Path(__file__).parents[2]
SCORE = {"metric": "auc", "mean": 0.9, "low": 0.8, "high": 0.95, "seed_sd": 0.01, "above": "yes"}
BUDGET = budget("brief", 2).facts()
MADE_BY = {
    "recipe": read_recipe("simclr").sha256,
    "plugins": {**plugins_of(read_recipe("simclr")), "protocol/knn_probe": "another room's"},
}
RECORD = {
    "recipe": "simclr",
    "task": "toy",
    "budget": BUDGET,
    "seeds": [0, 1, 2],
    "made_by": MADE_BY,
    "collapsed": False,
    "scores": {"knn_probe": SCORE, "linear_probe": None},
    "embedding_std": 0.5,
    "rankme": 12.0,
    "occupancy": None,
    "images_per_second": 1234.5,
    "peak_memory_mb": 800.0,
    "wall_seconds": 51.7,
}


def check(**changes: Any) -> dict[str, Any]:
    return {"commits": ["0123456"], "records": [{**RECORD, **changes}]}


def test_committed_pages_are_what_the_check_says() -> None:
    made = pages(ROOT / "zoo" / "check.json", ROOT / "zoo" / "README.md")
    stale = [str(file) for file, text in made.items() if file.read_text() != text]
    assert not stale, f"{', '.join(stale)}: run `make boards` and commit what it changes"


def test_the_page_lists_every_recipe_and_every_figure() -> None:
    text = page(check())
    assert all(f"[{name}](pixvox_zoo/recipes/{name}/card.md)" in text for name in recipe_files())
    (line,) = [line for line in text.splitlines() if line.startswith("| simclr ")]
    for cell in ("0.900 [0.800, 0.950]", "knn yes", "12.0", "0.50", "1,234", "800"):
        assert cell in line
    assert (
        f"{BUDGET['seen']:,} cases seen" in text and "Seeds: 3. The longest run took 52 s." in text
    )
    assert "`pixvox zoo check --tasks toy --seeds 3 --budget brief`; code 0123456." in text
    assert "simclr (collapsed)" in page(check(collapsed=True))


def test_a_card_tells_what_was_measured_once() -> None:
    card = "# SimCLR\n\n- **Command:** `x`\n"
    told = with_measured(card, check(), "simclr")
    assert told.endswith("knn AUC 0.900 [0.800, 0.950], 1,234 cases/s.\n")
    assert with_measured(told, check(), "simclr") == told
    assert "(`brief`, 3 seeds) knn" in told
    assert "(`brief`, 1 seed) knn" in with_measured(card, check(seeds=[2]), "simclr")
    assert with_measured(told, check(), "mae").endswith("- **Measured:** not yet.\n")


def test_figures_of_another_recipe_code_or_budget_are_marked() -> None:
    assert not is_stale(RECORD) and "stale" not in with_measured("#", check(), "simclr")
    loss = {**MADE_BY["plugins"], "loss/nt_xent": "pixvox 0.1.0 000000000000"}
    for change in (
        {"made_by": {**MADE_BY, "recipe": "0" * 64}},
        {"made_by": {**MADE_BY, "plugins": loss}},
        {"budget": {**BUDGET, "batch": 7}},
        {"recipe": "gone"},
    ):
        assert is_stale({**RECORD, **change})
    altered = check(made_by={**MADE_BY, "recipe": "0" * 64}, collapsed=True)
    assert "simclr (collapsed, stale)" in page(altered)
    assert "3 seeds, stale" in with_measured("#", altered, "simclr")


def test_a_missing_check_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="pixvox zoo check"):
        pages(tmp_path / "check.json", tmp_path / "README.md")
