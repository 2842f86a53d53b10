"""Ablations: variants of a recipe along named axes, each a few overrides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import yaml

from pixvox_registry.errors import UserError
from pixvox_registry.recipes import recipe_files

Axis = Mapping[str, Sequence[str]]  # {variant: overrides, each as --set takes them}


def axes_of(recipe: str) -> dict[str, Axis]:
    """``{axis: {variant: overrides}}`` from the ``ablation.yaml`` beside a recipe.

    Raises:
        UserError: there is none, or it is no such mapping.
    """
    files = recipe_files()
    file = (files[recipe] if recipe in files else Path(recipe)).with_name("ablation.yaml")
    if not file.is_file():
        raise UserError(
            f"Recipe {recipe!r} brings no ablation.yaml. Give the axes: --vary "
            '"NAME: VARIANT key=value; OTHER key=value", a variant may have no override.'
        )
    axes = yaml.safe_load(file.read_text())
    if not isinstance(axes, dict) or not all(isinstance(axis, dict) for axis in axes.values()):
        raise UserError(f"{file} must map each axis to its variants, and these to overrides.")
    return axes


def axis_of(text: str) -> tuple[str, Axis]:
    """One axis as ``--vary`` takes it.

    >>> axis_of("tau: low loss.temperature=0.1; high loss.temperature=0.5 optimizer.lr=0.01")[1]
    {'low': ['loss.temperature=0.1'], 'high': ['loss.temperature=0.5', 'optimizer.lr=0.01']}
    """
    name, colon, rest = text.partition(":")
    variants: dict[str, Sequence[str]] = {}
    for said in filter(str.strip, rest.split(";")):
        label, *overrides = said.split()[:1] + re.findall(r"\S+=(?:\{.*?\}(?=\s|$)|\S+)", said)
        variants[label] = overrides
    if not colon or len(variants) < 2:
        raise UserError(f"--vary wants NAME: and two variants or more, not {text!r}.")
    return name.strip(), variants


def variants_of(axes: Mapping[str, Axis]) -> dict[str, list[str]]:
    """Every combination of one variant per axis, by its name: ``{intra-mean: overrides}``."""
    return {
        "-".join(labels): [
            text for axis, label in zip(axes, labels, strict=True) for text in axes[axis][label]
        ]
        for labels in product(*axes.values())
    }
