"""Weights at another side than their own: what they chose by their own stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from pixvox_registry.draws import generator
from pixvox_registry.errors import UserError
from pixvox_zoo.fitting import excess, fit
from pixvox_zoo.rebuilding import fresh, settled
from pixvox_zoo.reshaping import adapted, grids_of

TOLERANCE = 1e-4  # of the largest feature
PROVED = 1 << 18  # pixels of an image up to which features are compared; more would take too long
REACH = 32  # pixels around a side in which one is looked for that a backbone takes
UNFIT = (UserError, RuntimeError, ValueError, AssertionError)  # what sides that do not fit raise


def at_side(
    given: nn.Module, named: Mapping[str, Any], facts: Mapping[str, Any], side: int, where: str
) -> tuple[nn.Module, Mapping[str, Any], list[str]]:
    """A backbone for images of another side, its name and settings, a line on each change.

    It is built with the settings that the given one chose by its own side, so of the same patches
    or stages; position embeddings are interpolated. Images of the new side mean the same to both.

    Args:
        facts: those that the given one was built with.

    Raises:
        UserError: it takes no images of that side; names some that it does. Or features differ.
    """
    now = {**facts, "image_size": side}
    named, kept = settled(named, given)
    try:
        made = fresh(named, now, 0).eval()
        tensors, lines = adapted(given.state_dict(), given, made)
        fit(made, tensors, where)
        difference = disagreement(given, made, now) if side ** facts["dims"] <= PROVED else 0.0
    except UNFIT as error:
        told = " and ".join(f"{taken} px" for taken in sides_taken(given, named, facts, side))
        raise UserError(
            f"{where} takes no images of {side} px: trained at {facts['image_size']} px, its "
            f"backbone {' with '.join([repr(named['name']), *kept])} does not fit them. It takes "
            f"{told}, for example."
        ) from error
    if difference:
        raise UserError(
            f"{where} cannot be brought to {side} px: its features should stay as they are, and "
            f"they differ by {difference:.1e}. Leave it at {facts['image_size']} px."
        )
    return made, named, [*lines, *(f"{line} as at {facts['image_size']} px" for line in kept)]


def disagreement(given: nn.Module, made: nn.Module, facts: Mapping[str, Any]) -> float:
    """How far features of an image differ; 0 if within the tolerance, or if ``given`` takes none.

    Args:
        facts: of the image, and of the backbone that was made for it.
    """
    shape = (1, facts["in_channels"], *[facts["image_size"]] * facts["dims"])
    image = torch.randn(shape, generator=generator(0, "side"))
    with torch.inference_mode():
        came = made(image).pooled
        try:
            expected = given(image).pooled
        except UNFIT:
            return 0.0
    return excess(expected, came, TOLERANCE)


def sides_taken(
    given: nn.Module, named: Mapping[str, Any], facts: Mapping[str, Any], side: int
) -> list[int]:
    """The sides next to one that a backbone takes with its tensors, and its own; in order."""
    found = {facts["image_size"]}
    for step in (-1, 1):
        way = range(side + step, max(0, side + step * REACH), step)
        found |= {next((s for s in way if _takes(given, named, {**facts, "image_size": s})), side)}
    return sorted(found - {side})


def _takes(given: nn.Module, named: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether it can be built, filled and asked, told by shapes alone: nothing is computed."""
    grids = grids_of(given)
    shape = (1, facts["in_channels"], *[facts["image_size"]] * facts["dims"])
    try:
        with torch.device("meta"), torch.inference_mode():
            made = fresh(named, facts, 0).eval()
            made(torch.empty(shape))
    except UNFIT:
        return False
    there = {name: tensor.shape for name, tensor in made.state_dict().items() if name not in grids}
    own = {name: tensor.shape for name, tensor in given.state_dict().items() if name not in grids}
    return there == own
