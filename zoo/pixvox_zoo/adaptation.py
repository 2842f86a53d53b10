"""Adaptation: weights for other channels, other dims or another side, said and proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from pixvox_registry.errors import UserError
from pixvox_registry.intensity import Intensity
from pixvox_zoo.card_shape import MOST
from pixvox_zoo.fitting import excess, fit, golden_input
from pixvox_zoo.rebuilding import fresh
from pixvox_zoo.reshaping import adapted
from pixvox_zoo.sides import at_side

TOLERANCE = 1e-4  # of the largest feature; what is added up in another order rounds otherwise


def adapt(
    given: nn.Module, card: Mapping[str, Any], wanted: Mapping[str, Any], where: str
) -> tuple[nn.Module, Mapping[str, Any], list[str]]:
    """A backbone for other facts than its card's, its name and settings, a line on each change.

    Channels and dims come first and are proved at the weights' own side, which is seldom large.

    Args:
        given: the backbone of the card.
        wanted: facts.

    Raises:
        UserError: it cannot be brought there, or says otherwise then.
    """
    named, facts = card["backbone"], card["facts"]
    side, lines = wanted["image_size"], list[str]()
    now = {**wanted, "image_size": facts["image_size"]}
    if now != facts:
        made = fresh(named, now, 0).eval()
        tensors, lines = adapted(given.state_dict(), given, made)
        fit(made, tensors, f"{where}, adapted,", remedy="Take weights of these channels and dims.")
        images = golden_input({"facts": facts, "image_size": facts["image_size"]})
        check_agreement(given, made, images, now, where)
        given = made
    if side == facts["image_size"]:
        return given, named, lines
    made, named, changed = at_side(given, named, now, side, where)
    return made, named, [*lines, *changed]


def checked_wishes(
    wishes: Mapping[str, int | None], facts: Mapping[str, Any], where: str
) -> dict[str, int]:
    """Those that are wishes at all.

    Raises:
        UserError: one that no images have, or images of weights for volumes.
    """
    said = {name: wish for name, wish in wishes.items() if wish is not None}
    for name, wish in said.items():
        least, most = (2, 3) if name == "dims" else (1, MOST)
        if not isinstance(wish, Integral) or isinstance(wish, bool) or not least <= wish <= most:
            raise UserError(f"{name} is a whole number from {least} to {most:,}; {wish!r} came.")
    if said.get("dims", facts["dims"]) < facts["dims"]:
        raise UserError(
            f"{where} is for volumes, and their kernels do not become those of images; dims=2 came."
            " Take weights of images, or give it volumes."
        )
    return {name: int(wish) for name, wish in said.items()}


def check_agreement(
    given: nn.Module, wanted: nn.Module, images: Tensor, facts: Mapping[str, Any], where: str
) -> None:
    """Refuse an adapted backbone that says otherwise of images that mean the same to both.

    Args:
        images: ``[B, C, *S]`` that fit the given backbone.
        facts: of the wanted one.

    Raises:
        UserError: pooled features differ; this kind of backbone cannot be adapted so.
    """
    before, after = images, images
    if facts["in_channels"] == 1 != images.shape[1]:
        after = images.mean(1, keepdim=True)
        before = after.expand_as(images)
    elif facts["in_channels"] != images.shape[1]:
        after = images.expand(-1, facts["in_channels"], *images.shape[2:])
    if facts["dims"] == images.ndim - 1:
        after = after.unsqueeze(2).expand(-1, -1, facts["image_size"], *images.shape[2:])
    with torch.inference_mode():
        expected, came = given(before).pooled, wanted(after.contiguous()).pooled
    if difference := excess(expected, came, TOLERANCE):
        raise UserError(
            f"{where} cannot be adapted: where nothing but channels and dims differ, its features "
            f"should be the same, and they differ by {difference:.1e}. Take weights of these "
            "channels and dims."
        )


def intensity_for(intensity: Intensity, channels: int) -> Intensity:
    """The scale for so many channels: each is as the mean of those that there were."""
    if channels == len(intensity.mean):
        return intensity
    mean = sum(intensity.mean) / len(intensity.mean)
    std = sum(intensity.std) / len(intensity.std)
    return replace(intensity, mean=(mean,) * channels, std=(std,) * channels)
