"""Views in turn: what one makes, the next one takes, so that simple views add up to rich ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from pixvox_registry.contracts import View, Views
from pixvox_registry.draws import Draws
from pixvox_registry.errors import UserError

SETTLED = {"original", "mask"}  # what speaks of places in the view


class InTurn:
    """Several views plugins as one; each later one is applied to every view so far.

    A view keeps the labels of every step, and the first original. Where it lies in the case is
    known of the first step alone, and only if no later one moves pixels.

    Args:
        steps: the plugins, in order.

    Raises:
        UserError: a later step that makes several views of one, or that moves pixels when an
            original or a mask is there that would not move along.
    """

    def __init__(self, steps: Sequence[Views]) -> None:
        for place, step in enumerate(steps[1:], 1):
            if step.num_targets != 1:
                raise UserError(f"views.{place} makes several views of one; list it first.")
            settled = {name for earlier in steps[:place] for name in earlier.provides} & SETTLED
            if settled and not getattr(step, "keeps_places", False):
                raise UserError(
                    f"views.{place} moves pixels, and the {min(settled)} of the views before it "
                    "would stay; list it earlier."
                )
        self.steps = steps
        self.num_targets = steps[0].num_targets
        self.keeps = [getattr(step, "keeps_places", False) for step in steps]
        of_steps = {name for step in steps for name in step.provides} - {"frame"}
        framed = {"frame"} & set(steps[0].provides) if all(self.keeps[1:]) else set()
        self.provides: Iterable[str] = tuple(of_steps | framed)
        self.num_classes: dict[str, int] = {}
        for step in steps:
            self.num_classes |= getattr(step, "num_classes", {})

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> views``; every view of every step draws numbers of its own."""
        views = self.steps[0](images, draws)
        for place, step in enumerate(self.steps[1:], 1):
            views = [
                _over(view, step(view.image, draws.under(f"{place}/{number}")), self.keeps[place])
                for number, view in enumerate(views)
            ]
        return views


class ByDims:
    """Views for images and views for volumes, made by one recipe; the first leads."""

    def __init__(self, views: Mapping[int, Views]) -> None:
        self.views = views
        first = next(iter(views.values()))
        self.num_targets = first.num_targets
        self.provides: Iterable[str] = first.provides
        self.num_classes: dict[str, int] = getattr(first, "num_classes", {})

    def __call__(self, images: Tensor, draws: Draws) -> list[View]:
        """``[B, C, *S] -> views``, by those of its dims."""
        return self.views[images.ndim - 2](images, draws)


def in_turn(steps: Sequence[Views]) -> Views:
    """The views of a recipe; a single one is itself."""
    made: Views = steps[0] if len(steps) == 1 else InTurn(steps)
    return made


def _over(before: View, made: list[View], keeps_places: bool) -> View:
    """One view after a step that made a view of it."""
    (after,) = made
    original = after.original if before.original is None else before.original
    frame = before.frame if keeps_places else None
    mask = before.mask if after.mask is None else after.mask
    labels: dict[str, Any] = {**before.labels, **after.labels}
    return replace(
        before, image=after.image, original=original, mask=mask, frame=frame, labels=labels
    )
