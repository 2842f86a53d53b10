"""Recipes as text: plain YAML over one base, with overrides; still a mapping, and unchecked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from pixvox_registry.errors import UserError
from pixvox_registry.recipes import recipe_files


def load(file: Path) -> dict[str, Any]:
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
    return merge(below, raw)


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


def merge(base: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """mmengine's merge; a part whose name changes is replaced whole, not merged."""
    if not child:
        return base
    child = _into_lists(base, child)
    try:
        merged = Config(_without_replaced(base, child))
        merged.merge_from_dict(child)
    except (KeyError, TypeError) as error:
        raise UserError(f"A recipe cannot take {child!r}: {error}") from None
    result: dict[str, Any] = merged.to_dict()
    return result


def _into_lists(base: Any, child: Any) -> Any:
    """Numbers as keys reach into a list of the base: ``stages.1.epochs`` is of the second stage."""
    if not isinstance(child, dict):
        return child
    if not isinstance(base, list):
        held = base if isinstance(base, dict) else {}
        return {key: _into_lists(held.get(key), value) for key, value in child.items()}
    items = list(base)
    for key, value in child.items():
        if not str(key).isdigit() or int(key) >= len(items):
            raise UserError(
                f"A list of {len(items)} has no {key!r}; its items are 0 to {len(items) - 1}."
            )
        whole = isinstance(value, dict) and isinstance(items[int(key)], dict)
        items[int(key)] = merge(items[int(key)], value) if whole else value
    return items


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


def override(text: str) -> dict[str, Any]:
    """``a.b=1`` as a nested mapping."""
    path, equals, written = text.partition("=")
    if not equals or not path:
        raise UserError(f"--set wants key=value, for example optimizer.lr=0.1, not {text!r}.")
    try:
        nested = yaml.safe_load(written)
    except yaml.YAMLError:
        raise UserError(f"--set {path} wants plain YAML, not {written!r}.") from None
    for key in reversed(path.split(".")):
        nested = {key: nested}
    return dict(nested)


def numbers(raw: Any) -> Any:
    """``1e-6``, which YAML 1.1 takes for a string, is a number."""
    if isinstance(raw, dict):
        return {key: numbers(held) for key, held in raw.items()}
    if isinstance(raw, list):
        return [numbers(held) for held in raw]
    if isinstance(raw, str) and raw[:1] in "+-.0123456789":
        try:
            return float(raw)
        except ValueError:
            return raw
    return raw
