"""A question that a linear probe answers: which class of all, or whether one label holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pixvox_benchmarks.folds import stratified
from pixvox_benchmarks.logistic import probabilities
from pixvox_registry import METRICS


@dataclass(frozen=True)
class Question:
    """What to fit, and what judges the fits.

    Args:
        target: ``[N]`` of train, 0 to k - 1.
        weights: ``[m, N]`` of train, one row for each fit; the first one is all of it.
        val: ``[V]`` answers of val.
        held_out: ``[m - 1, N]`` bool, the folds that judge each fit but the first; None where val
            judges the first.
    """

    target: Tensor
    weights: Tensor
    val: Tensor
    held_out: Tensor | None

    @classmethod
    def judged(
        cls, target: Tensor, val: Tensor, *, fewest: int, folds: int, seeds: int
    ) -> Question:
        """By val, if it has the ``fewest`` cases of each answer and train knows them all.

        Else by stratified folds of train, drawn ``seeds`` times.

        Args:
            target: ``[N]`` of train.

        Raises:
            UserError: folds are due, and an answer has a single case.
        """
        known, place = target.unique(return_inverse=True)
        answers = 1 + int(torch.cat([target, val]).max())
        counts = torch.bincount(val, minlength=answers)
        everyone = torch.ones(1, len(target))
        if len(known) == answers and bool((counts >= fewest).all()):
            return cls(place, everyone, val, None)
        held_out = stratified(place, folds, seeds=seeds)
        return cls(place, torch.cat([everyone, (~held_out).float()]), val, held_out)

    def aucs(self, learnt: Tensor, seen: Tensor, fitted: Tensor) -> Tensor:
        """``[N, D]`` of train, ``[V, D]`` of val, ``[m, P, D + 1, k] -> [P]``, one per penalty."""
        if self.held_out is None:
            return _aucs(seen, self.val, fitted[0])
        folds = zip(self.held_out, fitted[1:], strict=True)
        return torch.stack([_aucs(learnt[out], self.target[out], w) for out, w in folds]).mean(0)


def judges(questions: list[Question]) -> str:
    """Who chose the penalty, in words."""
    folded = [len(question.held_out) for question in questions if question.held_out is not None]
    if not folded:
        return "val"
    if len(questions) == 1:
        return f"{folded[0]} folds of train"
    if len(folded) == len(questions):
        return "folds of train"
    return f"val, and folds of train for {len(folded)} of {len(questions)} labels"


def _aucs(features: Tensor, target: Tensor, coefficients: Tensor) -> Tensor:
    """``[N, D], [N], [P, D + 1, k] -> [P]``."""
    auc = METRICS.build("auc")
    weight = np.ones((1, len(target)))
    tables = probabilities(features, coefficients).numpy()  # [P, N, K]
    return torch.tensor([auc(table, target.numpy(), weight)[0] for table in tables])
