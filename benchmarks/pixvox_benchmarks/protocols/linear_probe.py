"""Logistic regression on frozen features, penalty chosen on validation (cf. arXiv:2304.07193)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pixvox_benchmarks.folds import stratified
from pixvox_benchmarks.learnable import learnable, predictable
from pixvox_benchmarks.logistic import fit, probabilities
from pixvox_benchmarks.standard import standard
from pixvox_registry import METRICS, PROTOCOLS
from pixvox_registry.contracts import Predictions, Split


@PROTOCOLS.register
class LinearProbe:
    """Features standardised by train, penalties from 1e-6 to 1e5 (scikit-learn's C), best AUC wins.

    Of equal AUCs the stronger penalty wins. Where val has fewer than ``fewest`` cases of a class,
    the choice falls on stratified folds of train instead, drawn ``seeds`` times.
    The final fit is on train alone. A class that train lacks gets probability 0.
    """

    version = "1"

    def __init__(
        self, penalties: int = 45, *, seeds: int = 3, folds: int = 5, fewest: int = 5
    ) -> None:
        self.penalties = penalties
        self.seeds = seeds
        self.folds = folds
        self.fewest = fewest

    def __call__(self, train: Split, val: Split, test: Callable[[], Split]) -> Predictions:
        """Fit every penalty on train, choose one, then open test.

        Raises:
            UserError: train is empty or holds one class, or test is empty.
        """
        classes = learnable(train, val)
        centre, scale = standard(train.features)
        known, labels = train.target.unique(return_inverse=True)
        learnt = (train.features.double() - centre) / scale
        counts = torch.bincount(val.target, minlength=classes)
        by_val = len(known) == classes and bool((counts >= self.fewest).all())
        weights = torch.ones(1, len(labels))  # [M, N]
        if not by_val:
            held_out = stratified(labels, self.folds, seeds=self.seeds)
            weights = torch.cat([weights, (~held_out).float()])
        c = torch.logspace(-6, 5, self.penalties, dtype=torch.float64)
        fits = fit(learnt, labels, weights, c, classes=len(known))
        if by_val:
            judged = [((val.features.double() - centre) / scale, val.target)]
        else:
            judged = [(learnt[out], labels[out]) for out in held_out]
        fitted = fits.coefficients[-len(judged) :]  # on all of train, or each without its fold
        auc = torch.stack([_aucs(*j, w) for j, w in zip(judged, fitted, strict=True)]).mean(0)
        best = int(auc.argmax())  # the first of equals: the strongest penalty
        coefficients = fits.coefficients[0, best].contiguous()
        chosen = {
            "C": float(c[best]),
            "auc": float(auc[best]),
            "chosen_on": "val" if by_val else f"{len(judged)} folds of train",
            "converged": bool(fits.converged.all()),
            "coefficients_sha256": hashlib.sha256(coefficients.numpy().tobytes()).hexdigest(),
        }
        opened = test()
        predictable(opened, train)
        standardised = (opened.features.double() - centre) / scale
        probability = torch.zeros(len(standardised), classes, dtype=torch.float64)
        probability[:, known] = probabilities(standardised, coefficients)
        return Predictions(probability, opened.target, chosen)


def _aucs(features: Tensor, target: Tensor, coefficients: Tensor) -> Tensor:
    """``[N, D], [N], [L, D + 1, k] -> [L]``."""
    auc = METRICS.build("auc")
    weight = np.ones((1, len(target)))
    tables = probabilities(features, coefficients).numpy()  # [L, N, K]
    return torch.tensor([auc(table, target.numpy(), weight)[0] for table in tables])
