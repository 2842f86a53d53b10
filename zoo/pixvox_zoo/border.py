"""The border: YAML becomes a recipe here, and no dict passes below this file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pixvox_registry.errors import UserError, suggestion, unknown
from pixvox_registry.recipes import recipe_files
from pixvox_zoo.recipe import Freeze, Objective, Optimization, Part, Recipe, Schedule, Stage
from pixvox_zoo.recipe_text import load, merge, numbers, override

T = TypeVar("T")
HEADS = ("projector", "predictor")
SHARED = {"projector": HEADS, "predictor": HEADS, "clustering": ("clustering",)}
SHARED |= {"decoder": ("decoder",), "loss": ()}  # part: what it may share with another objective
PUBLISHED = ("online", "momentum")
CHOICES = {
    "stream": ("pooled", "slices", "tokens", "maps"),
    "target_stream": (None, "pooled", "slices", "tokens", "maps"),
    "target": (None, "same", "detached", "momentum"),
    "pairs": ("other", "same", "all"),
    "cluster_on": ("embedding", "features"),
    "refit": (None, "epoch", "stage"),
    "backbone": ("keep", "fresh"),
}


def read_recipe(name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe of the zoo by name, or of a YAML file; overrides read ``optimizer.lr=0.1``.

    Raises:
        UserError: an unknown name, key or choice, or unsafe YAML.
    """
    files = recipe_files()
    is_file = str(name).endswith((".yaml", ".yml"))
    if not is_file and str(name) not in files:
        raise unknown("recipe", str(name), files)
    file = Path(name) if is_file else files[str(name)]
    raw = load(file)
    for text in overrides:
        raw = merge(raw, override(text))
    return parse(file.stem if is_file else str(name), raw)


def parse(name: str, raw: Mapping[str, Any]) -> Recipe:
    """A mapping into a recipe. An unknown key is an error, never a silence."""
    raw = numbers(dict(raw))
    known = {"title", "paper", "family", "views", "backbone", "momentum", "publish", "optimizer"}
    stage_keys = {field.name for field in fields(Stage)} - {"backbone"}
    _check_keys(raw, {*known, *stage_keys, "stages"}, f"recipe {name!r}")
    if "stages" in raw and stage_keys & raw.keys():
        both = ", ".join(sorted(stage_keys & raw.keys()))
        raise UserError(f"recipe {name!r} has stages and also {both}; put them into the stages.")
    for required in ("views", "backbone"):
        if required not in raw:
            raise UserError(f"recipe {name!r} has no {required!r}; every recipe names one.")
    publish = raw.get("publish", "online")
    if publish not in PUBLISHED or (publish == "momentum" and raw.get("momentum") is None):
        raise UserError(f"publish is {publish!r}; it can be online, or momentum where that is set.")
    single = {key: raw[key] for key in stage_keys & raw.keys()}
    stages = raw.get("stages", [single])
    if not isinstance(stages, list) or not stages:
        raise UserError(f"stages must list one stage or more, not {stages!r}.")
    return Recipe(
        name=name,
        title=raw.get("title", name),
        paper=raw.get("paper", ""),
        family=raw.get("family", ""),
        views=_views(raw["views"]),
        backbone=_part(raw["backbone"], "backbone"),
        momentum=_scheduled(raw, "momentum", None, ""),
        publish=publish,
        optimizer=_optimization(raw.get("optimizer", {})),
        stages=tuple(
            _stage(stage, f"stages.{i}" if "stages" in raw else "")
            for i, stage in enumerate(stages)
        ),
    )


def _stage(raw: Any, where: str) -> Stage:
    _check(raw, Stage, where)
    _check_numbers(raw, ("epochs",), where)
    objectives, freeze = raw.get("objectives", {}), raw.get("freeze") or {}
    at_objectives, at_freeze = _below(where, "objectives"), _below(where, "freeze")
    _check_mapping(objectives, at_objectives)
    _check_mapping(freeze, at_freeze)
    gone = {name for name, objective in objectives.items() if objective is None}  # by an override
    objectives = {name: held for name, held in objectives.items() if name not in gone}
    freeze = {path: held for path, held in freeze.items() if path.partition(".")[0] not in gone}
    return Stage(
        **{
            **raw,
            "objectives": {k: _objective(v, f"{at_objectives}.{k}") for k, v in objectives.items()},
            "freeze": {k: _freeze(v, f"{at_freeze}.{k}") for k, v in freeze.items()},
        }
    )


def _objective(raw: Any, where: str) -> Objective:
    _check(raw, Objective, where)
    _check_numbers(raw, ("queue",), where, optional=True)
    parts = {
        part: _part(raw[part], f"{where}.{part}", shared)
        for part, shared in SHARED.items()
        if raw.get(part) is not None
    }
    weight = _scheduled(raw, "weight", 1.0, where)
    return Objective(**{**raw, **parts, "queue": int(raw.get("queue") or 0), "weight": weight})


def _optimization(raw: Any) -> Optimization:
    _check(raw, Optimization, "optimizer")
    _check_numbers(raw, ("lr", "warmup"), "optimizer")
    _check_numbers(raw, ("clip",), "optimizer", optional=True)
    if type(batches := raw.get("accumulate", 1)) is not int or batches < 1:
        raise UserError(f"optimizer.accumulate counts batches, 1 or more, not {batches!r}.")
    _check_mapping(raw.get("settings", {}), "optimizer.settings")
    _number(raw.get("settings", {}), "optimizer.settings")
    decay = _scheduled(raw, "weight_decay", 0.0, "optimizer")
    return Optimization(**{**raw, "weight_decay": decay})


def _freeze(raw: Any, where: str) -> Freeze:
    if raw is None:
        return Freeze()
    _check(raw, Freeze, where)
    _check_numbers(raw, ("until_step", "until"), where, optional=True)
    return Freeze(**raw)


def _views(raw: Any) -> tuple[Part, ...]:
    """One part, or a list of those that follow each other."""
    if not isinstance(raw, list):
        return (_part(raw, "views"),)
    if not raw:
        raise UserError("views lists nothing; every recipe names views.")
    return tuple(_part(part, f"views.{place}") for place, part in enumerate(raw))


def _part(raw: Any, where: str, shared: Collection[str] = ()) -> Any:
    """A part, or the text ``objective.part`` where it may be ``shared`` with another objective."""
    if isinstance(raw, str) and raw.count(".") == 1 and raw.partition(".")[2] in shared:
        return raw
    if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str):
        or_shared = "".join(f", or 'objective.{part}'" for part in shared)
        raise UserError(
            f"{where} must read {{name: ..., settings: {{...}}}}{or_shared}, not {raw!r}."
        )
    _check(raw, Part, where)
    settings = raw.get("settings") or {}
    _check_mapping(settings, f"{where}.settings")
    return Part(
        name=raw["name"],
        settings={k: _number(v, f"{where}.settings.{k}") for k, v in settings.items()},
    )


def _scheduled(raw: Mapping[str, Any], key: str, default: float | None, where: str) -> Any:
    """A number or a schedule of one."""
    given = _number(raw.get(key, default), _below(where, key))
    if not isinstance(given, Schedule):
        _check_numbers({key: given}, (key,), where, optional=default is None)
    return given


def _number(raw: Any, where: str) -> Any:
    """A schedule where the mapping says ``start``; anything else as it is."""
    if not isinstance(raw, Mapping):
        return raw
    if "start" not in raw:
        deeper = [key for key, held in raw.items() if isinstance(held, Mapping) and "start" in held]
        if deeper:
            raise UserError(f"{where}.{deeper[0]} lies too deep for a schedule; give one number.")
        return raw
    _check(raw, Schedule, where)
    if "end" not in raw:
        raise UserError(f"{where} has a start and no end; a schedule needs both.")
    _check_numbers(raw, ("start", "end", "until"), where)
    return Schedule(**raw)


def _below(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _check_numbers(
    raw: Mapping[str, Any], keys: Iterable[str], where: str, *, optional: bool = False
) -> None:
    for key in keys:
        given = raw.get(key, 0)
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if not is_number and not (optional and given is None):
            raise UserError(f"{_below(where, key)} must be a number, not {given!r}.")


def _check_mapping(raw: Any, where: str) -> None:
    if not isinstance(raw, Mapping):
        raise UserError(f"{where} must be a mapping, not {raw!r}.")


def _check(raw: Any, kind: type, where: str) -> None:
    _check_mapping(raw, where)
    _check_keys(raw, {field.name for field in fields(kind)}, where)
    for key, choices in CHOICES.items():
        if key in raw and raw[key] not in choices:
            there = ", ".join(str(choice) for choice in choices if choice)
            hint = suggestion(raw[key], [c for c in choices if c])
            raise UserError(f"{_below(where, key)} is {raw[key]!r}.{hint} It can be: {there}.")


def _check_keys(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in raw:
        if key not in known:
            raise UserError(
                f"{where} has no key {key!r}.{suggestion(key, known)} "
                f"It has: {', '.join(sorted(known))}."
            )
