"""The border: YAML becomes a recipe here, and no dict passes below this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import yaml
from mmengine.config import Config

from pixvox_registry.errors import UserError, suggestion, unknown
from pixvox_registry.recipes import recipe_files
from pixvox_zoo.recipe import Freeze, Objective, Optimization, Part, Recipe, Schedule, Stage

T = TypeVar("T")
PARTS = ("projector", "predictor", "clustering", "decoder", "loss")
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
    raw = _load(file)
    for text in overrides:
        raw = _merge(raw, _override(text))
    return parse(file.stem if is_file else str(name), raw)


def parse(name: str, raw: Mapping[str, Any]) -> Recipe:
    """A mapping into a recipe. An unknown key is an error, never a silence."""
    raw = _numbers(dict(raw))
    known = {"title", "paper", "family", "views", "backbone", "momentum", "optimizer"}
    stage_keys = {field.name for field in fields(Stage)} - {"backbone"}
    _check_keys(raw, {*known, *stage_keys, "stages"}, f"recipe {name!r}")
    if "stages" in raw and stage_keys & raw.keys():
        both = ", ".join(sorted(stage_keys & raw.keys()))
        raise UserError(f"recipe {name!r} has stages and also {both}; put them into the stages.")
    for required in ("views", "backbone"):
        if required not in raw:
            raise UserError(f"recipe {name!r} has no {required!r}; every recipe names one.")
    stages = raw.get("stages") or [{key: raw[key] for key in stage_keys & raw.keys()}]
    return Recipe(
        name=name,
        title=raw.get("title", name),
        paper=raw.get("paper", ""),
        family=raw.get("family", ""),
        views=_part(raw["views"], "views"),
        backbone=_part(raw["backbone"], "backbone"),
        momentum=_number(raw.get("momentum"), "momentum"),
        optimizer=_optimization(raw.get("optimizer", {})),
        stages=tuple(_stage(stage, f"stages.{i}") for i, stage in enumerate(stages)),
    )


def _stage(raw: Mapping[str, Any], where: str) -> Stage:
    _check(raw, Stage, where)
    objectives = {k: _objective(v, f"objectives.{k}") for k, v in raw.get("objectives", {}).items()}
    freeze = {k: _freeze(v, f"freeze.{k}") for k, v in (raw.get("freeze") or {}).items()}
    return Stage(**{**raw, "objectives": objectives, "freeze": freeze})


def _objective(raw: Mapping[str, Any], where: str) -> Objective:
    _check(raw, Objective, where)
    parts = {k: _part(raw[k], f"{where}.{k}") for k in PARTS if raw.get(k) is not None}
    weight = _number(raw.get("weight", 1.0), f"{where}.weight")
    return Objective(**{**raw, **parts, "queue": raw.get("queue") or 0, "weight": weight})


def _optimization(raw: Mapping[str, Any]) -> Optimization:
    _check(raw, Optimization, "optimizer")
    decay = _number(raw.get("weight_decay", 0.0), "optimizer.weight_decay")
    return Optimization(**{**raw, "weight_decay": decay})


def _freeze(raw: Any, where: str) -> Freeze:
    if raw is None:
        return Freeze()
    _check(raw, Freeze, where)
    return Freeze(**raw)


def _part(raw: Any, where: str) -> Any:
    if isinstance(raw, str) and raw.count(".") == 1:
        return raw  # "objective.part" shares that part
    if not isinstance(raw, Mapping) or "name" not in raw:
        raise UserError(f"{where} must read {{name: ..., settings: {{...}}}}, not {raw!r}.")
    _check(raw, Part, where)
    settings = raw.get("settings") or {}
    return Part(
        name=raw["name"],
        settings={k: _number(v, f"{where}.settings.{k}") for k, v in settings.items()},
    )


def _number(raw: Any, where: str) -> Any:
    """A schedule where the mapping says ``start``; anything else as it is."""
    if not (isinstance(raw, Mapping) and "start" in raw):
        return raw
    _check(raw, Schedule, where)
    return Schedule(**raw)


def _check(raw: Any, kind: type, where: str) -> None:
    if not isinstance(raw, Mapping):
        raise UserError(f"{where} must be a mapping, not {raw!r}.")
    _check_keys(raw, {field.name for field in fields(kind)}, where)
    for key, choices in CHOICES.items():
        if key in raw and raw[key] not in choices:
            there = ", ".join(str(choice) for choice in choices if choice)
            hint = suggestion(raw[key], [c for c in choices if c])
            raise UserError(f"{where}.{key} is {raw[key]!r}.{hint} It can be: {there}.")


def _check_keys(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in raw:
        if key not in known:
            raise UserError(
                f"{where} has no key {key!r}.{suggestion(key, known)} "
                f"It has: {', '.join(sorted(known))}."
            )


def _load(file: Path) -> dict[str, Any]:
    """A YAML file over its ``_base_``: another recipe's name, never a path, one level deep."""
    raw = _safe_yaml(file)
    base = raw.pop("_base_", None)
    if base is None:
        return raw
    if base not in recipe_files():
        raise UserError(
            f"{file}: _base_ is {base!r}; it must be the name of a recipe, one of "
            f"{', '.join(recipe_files())}."
        )
    below = _safe_yaml(recipe_files()[base])
    if "_base_" in below:
        raise UserError(f"{file}: its _base_ {base!r} has a _base_ too; one level is allowed.")
    return _merge(below, raw)


def _safe_yaml(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise UserError(f"There is no recipe file {file}.")
    try:
        raw = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise UserError(f"{file} is not plain YAML: {error}") from None
    if not isinstance(raw, dict):
        raise UserError(f"{file} must hold a mapping, not {type(raw).__name__}.")
    return raw


def _merge(base: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """mmengine's merge; a part whose name changes is replaced whole, not merged."""
    if not child:
        return base
    try:
        merged = Config(_without_replaced(base, child))
        merged.merge_from_dict(child)
    except (KeyError, TypeError) as error:
        raise UserError(f"A recipe cannot take {child!r}: {error}") from None
    result: dict[str, Any] = merged.to_dict()
    return result


def _without_replaced(base: Any, child: Any) -> Any:
    """The base less what the child replaces whole: renamed parts, and numbers by schedules."""
    if not (isinstance(base, dict) and isinstance(child, dict)):
        return base
    if "name" in base and child.get("name", base["name"]) != base["name"]:
        return {}
    return {
        key: _without_replaced(held, child.get(key))
        for key, held in base.items()
        if isinstance(held, dict) or not isinstance(child.get(key), dict)
    }


def _override(text: str) -> dict[str, Any]:
    """``a.b=1`` as a nested mapping."""
    path, equals, written = text.partition("=")
    if not equals or not path:
        raise UserError(f"--set wants key=value, for example optimizer.lr=0.1, not {text!r}.")
    nested = yaml.safe_load(written)
    for key in reversed(path.split(".")):
        nested = {key: nested}
    return dict(nested)


def _numbers(raw: Any) -> Any:
    """``1e-6``, which YAML 1.1 takes for a string, is a number."""
    if isinstance(raw, dict):
        return {key: _numbers(held) for key, held in raw.items()}
    if isinstance(raw, list):
        return [_numbers(held) for held in raw]
    if isinstance(raw, str) and raw[:1] in "+-.0123456789":
        try:
            return float(raw)
        except ValueError:
            return raw
    return raw
