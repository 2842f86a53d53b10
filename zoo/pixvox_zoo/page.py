"""The page of the zoo: its recipes, their parts, and what the gate measured of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pixvox_registry import BACKBONES
from pixvox_registry.budgets import budget
from pixvox_registry.recipes import recipe_files
from pixvox_zoo.border import read_recipe
from pixvox_zoo.card import plugins_of
from pixvox_zoo.recipe import Objective, Part, Recipe

MEASURED = "- **Measured:** "
DASH = "—"
HEAD = """# zoo

MAKES. Backbones, views, heads, losses, the recipes that compose them, pretraining and weights.

A method is a recipe: a YAML file of names and numbers, the same in 2D and in 3D. `pixvox describe
recipes NAME` shows one with its card. This page is made by `make boards` from the recipes and from
`check.json`; nothing on it is typed by hand."""
LEGEND = """Mean AUC on the test split over the seeds [95 % interval over cases]. Above random init:
against an untrained backbone of the same kind under the same probe; *clearly* where the intervals
are disjoint, *yes* where only the means differ. RankMe is the effective rank of the features; std
the spread of the embedding (1 isotropic, 0 collapsed); occupancy the share of clusters in use.
Speed and memory are of the machine at hand, where other work may have run beside it. *Stale*: the
recipe, a plugin's code or the budget is another by now."""


def page(check: Mapping[str, Any]) -> str:
    """The whole page as Markdown."""
    recipes = [read_recipe(name) for name in recipe_files()]
    sections = [HEAD, f"## Recipes\n\n{_table(_composition(r) for r in recipes)}"]
    for place, records in _places(check).items():
        rows = [_figures(record) for record in records]
        sections.append(f"## {place[0]}\n\n{_spent(records)}\n\n{_table(rows)}")
    if check["records"]:
        commits = ", ".join(check["commits"])
        sections.append(f"{LEGEND}\n\n{_replay(check['records'])}; code {commits}.")
    return "\n\n".join(section.strip() for section in sections) + "\n"


def with_measured(card: str, check: Mapping[str, Any], recipe: str) -> str:
    """A card whose line of measured figures is today's; without figures it says so."""
    records = [record for record in check["records"] if record["recipe"] == recipe]
    told = "; ".join(map(_sentence, records))
    kept = [line for line in card.splitlines() if not line.startswith(MEASURED)]
    return "\n".join([*kept, f"{MEASURED}{told or 'not yet'}."]) + "\n"


def is_stale(record: Mapping[str, Any]) -> bool:
    """Is the recipe, the code of one of its plugins or the budget another than when measured?"""
    if record["recipe"] not in recipe_files():
        return True
    recipe, then = read_recipe(record["recipe"]), record["made_by"]
    preset = budget(record["budget"]["name"], record["budget"]["dims"])
    plugins = {name: then["plugins"].get(name) for name in plugins_of(recipe)}
    today = recipe.sha256, plugins_of(recipe), preset.facts()
    return (then["recipe"], plugins, dict(record["budget"])) != today


def _places(check: Mapping[str, Any]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Records by task and budget."""
    places: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for record in check["records"]:
        places.setdefault((record["task"], record["budget"]["name"]), []).append(record)
    return places


def _composition(recipe: Recipe) -> dict[str, str]:
    """One line of the table of recipes."""
    objectives = [o for stage in recipe.stages for o in stage.objectives.values()]
    return {
        "recipe": f"[{recipe.name}](pixvox_zoo/recipes/{recipe.name}/card.md)",
        "family": recipe.family,
        "dims": ", ".join(f"{dims}D" for dims in dims_of(recipe)),
        "views": " + ".join(part.name for part in recipe.views),
        "backbone": recipe.backbone.name,
        "objectives": "; ".join(map(_objective, objectives)) or DASH,
        "momentum": DASH if recipe.momentum is None else "yes",
        "paper": recipe.paper or DASH,
    }


def dims_of(recipe: Recipe) -> tuple[int, ...]:
    """2 and 3, unless its backbone says otherwise."""
    only: int | None = getattr(BACKBONES.get(recipe.backbone.name), "only_dims", None)
    return (2, 3) if only is None else (only,)


def _objective(objective: Objective) -> str:
    """Its parts in the order in which signals pass them."""
    roles = (objective.projector, objective.predictor, objective.clustering, objective.decoder)
    named = [part.name if isinstance(part, Part) else part for part in roles if part]
    queue = [f"queue {objective.queue}"] if objective.queue else []
    loss = [objective.loss.name] if objective.loss else []
    return ", ".join([*named, *queue, *loss])


def _figures(record: Mapping[str, Any]) -> dict[str, str]:
    """One line of the table of a task."""
    scores = {
        protocol.removesuffix("_probe"): found for protocol, found in record["scores"].items()
    }
    marks = ["collapsed"] * record["collapsed"] + ["stale"] * is_stale(record)
    return {
        "recipe": record["recipe"] + (f" ({', '.join(marks)})" if marks else ""),
        **{name: _score(found) for name, found in scores.items()},
        "above random init": ", ".join(
            f"{name} {found['above']}" for name, found in scores.items() if found
        )
        if not record["recipe"].startswith("random_init")
        else DASH,
        "RankMe": _number(record["rankme"], 1),
        "std": _number(record["embedding_std"], 2),
        "occupancy": _number(record["occupancy"], 2),
        "cases/s": _number(record["images_per_second"] or None, 0),  # untrained: none
        "MB": _number(record["peak_memory_mb"], 0),
    }


def _sentence(record: Mapping[str, Any]) -> str:
    scores = ", ".join(
        f"{protocol.removesuffix('_probe')} AUC {_score(found)}"
        for protocol, found in record["scores"].items()
        if found
    )
    speed = f", {record['images_per_second']:,.0f} cases/s" if record["images_per_second"] else ""
    seeds = len(record["seeds"])
    spent = f"`{record['budget']['name']}`, {seeds} seed{'s' * (seeds > 1)}"
    spent += ", stale" if is_stale(record) else ""
    return f"{record['task']} ({spent}) {scores}{speed}"


def _spent(records: Sequence[Mapping[str, Any]]) -> str:
    """Budget and seeds of a table, which its rows share, and the longest run of all."""
    budget, seeds = records[0]["budget"], max(len(record["seeds"]) for record in records)
    longest = max(record["wall_seconds"] or 0.0 for record in records)
    return (
        f"Budget `{budget['name']}`, the same for every recipe: {budget['seen']:,} cases seen in "
        f"batches of {budget['batch']}, {budget['image_size']} px, width {budget['width']:g}. "
        f"Seeds: {seeds}. The longest run took {longest:.0f} s."
    )


def _replay(records: Sequence[Mapping[str, Any]]) -> str:
    """The commands that make these records anew, one per budget."""
    commands = []
    for name in dict.fromkeys(record["budget"]["name"] for record in records):
        mine = [record for record in records if record["budget"]["name"] == name]
        tasks = ",".join(dict.fromkeys(record["task"] for record in mine))
        seeds = max(len(record["seeds"]) for record in mine)
        commands.append(f"`pixvox zoo check --tasks {tasks} --seeds {seeds} --budget {name}`")
    return f"Replay: {', '.join(commands)}"


def _score(found: Mapping[str, Any] | None) -> str:
    if not found:
        return DASH
    return f"{found['mean']:.3f} [{_number(found['low'], 3)}, {_number(found['high'], 3)}]"


def _number(figure: float | None, digits: int) -> str:
    return DASH if figure is None else f"{figure:,.{digits}f}"


def _table(rows: Iterable[Mapping[str, str]]) -> str:
    from tabulate import tabulate

    return tabulate(
        [dict(row) for row in rows], headers="keys", tablefmt="github", disable_numparse=True
    )
