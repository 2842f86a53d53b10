"""Logistic regression on frozen features, penalty chosen on validation (cf. arXiv:2304.07193)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pixvox_benchmarks.learnable import learnable, predictable
from pixvox_benchmarks.logistic import fit, probabilities
from pixvox_registry import METRICS, PROTOCOLS, UserError
from pixvox_registry.contracts import Predictions, Split
from pixvox_registry.draws import generator


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
        centre, scale = _standard(train.features)
        known, labels = train.target.unique(return_inverse=True)
        probe = _Standardised((train.features.double() - centre) / scale, labels, len(known))
        c = torch.logspace(-6, 5, self.penalties, dtype=torch.float64)
        counts = torch.bincount(val.target, minlength=classes)
        if len(known) == classes and (counts >= self.fewest).all():
            judged = Split((val.features.double() - centre) / scale, val.target)
            coefficients, auc, converged = probe.on_validation(judged, c)
            where = "val"
        else:
            held_out = probe.folds(self.folds, self.seeds)
            coefficients, auc, converged = probe.on_folds(held_out, c)
            where = f"{len(held_out)} folds of train"
        best = int(auc.argmax())  # the first of equals: the strongest penalty
        chosen: Mapping[str, Any] = {
            "C": float(c[best]),
            "auc": float(auc[best]),
            "chosen_on": where,
            "converged": converged,
            "coefficients_sha256": hashlib.sha256(coefficients[best].numpy().tobytes()).hexdigest(),
        }
        opened = test()
        predictable(opened, train)
        probability = torch.zeros(len(opened.target), classes, dtype=torch.float64)
        standardised = (opened.features.double() - centre) / scale
        probability[:, known] = probabilities(standardised, coefficients[best])
        return Predictions(probability, opened.target, chosen)


class _Standardised:
    """Training cases and what can be tried on them.

    Args:
        features: ``[N, D]`` float64.
        labels: ``[N]``, every class of 0 to K - 1 among them.
    """

    def __init__(self, features: Tensor, labels: Tensor, classes: int) -> None:
        self.features = features
        self.labels = labels
        self.classes = classes

    def on_validation(self, val: Split, c: Tensor) -> tuple[Tensor, Tensor, bool]:
        """Coefficients ``[L, D + 1, k]``, their AUC ``[L]``, and whether all fits converged."""
        everyone = torch.ones(1, 1).expand(1, len(self.labels))
        fits = fit(self.features, self.labels, everyone, c, classes=self.classes)
        auc = _aucs(val.features, val.target, fits.coefficients[0])
        return fits.coefficients[0], auc, bool(fits.converged.all())

    def on_folds(self, held_out: Tensor, c: Tensor) -> tuple[Tensor, Tensor, bool]:
        """The same, with the mean AUC over folds ``[M, N]``; the coefficients are of all cases."""
        everyone = torch.ones_like(held_out[:1])
        weights = torch.cat([everyone, ~held_out])
        fits = fit(self.features, self.labels, weights.float(), c, classes=self.classes)
        aucs = [
            _aucs(self.features[out], self.labels[out], coefficients)
            for out, coefficients in zip(held_out, fits.coefficients[1:], strict=True)
        ]
        return fits.coefficients[0], torch.stack(aucs).mean(0), bool(fits.converged.all())

    def folds(self, folds: int, seeds: int) -> Tensor:
        """``[M, N]`` bool, True where held out; every class is spread evenly over the folds.

        Raises:
            UserError: a class has a single case.
        """
        folds = min(folds, int(torch.bincount(self.labels).min()))
        if folds < 2:
            raise UserError(
                "A linear probe wanted to choose its penalty on folds of train, for val is small "
                "or lacks a class; but a class has a single case in train. Add cases to one."
            )
        return torch.stack([fold for seed in range(seeds) for fold in self._drawn(folds, seed)])

    def _drawn(self, folds: int, seed: int) -> Iterator[Tensor]:
        order = torch.randperm(len(self.labels), generator=generator(seed, "folds"))
        dealt = torch.empty_like(self.labels)
        for k in range(self.classes):
            members = order[self.labels[order] == k]
            dealt[members] = torch.arange(len(members)) % folds
        for fold in range(folds):
            yield dealt == fold


def _standard(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation ``[D]``; features that are constant but for rounding keep 1."""
    centre = features.double().mean(0)
    scale = features.double().std(0, correction=0)
    constant = scale <= 1e-6 * features.double().abs().amax(0)
    return centre, torch.where(constant, 1.0, scale)


def _aucs(features: Tensor, target: Tensor, coefficients: Tensor) -> Tensor:
    """``[N, D], [N], [L, D + 1, k] -> [L]``."""
    auc = METRICS.build("auc")
    weight = np.ones((1, len(target)))
    tables = probabilities(features, coefficients).numpy()  # [L, N, K]
    return torch.tensor([auc(table, target.numpy(), weight)[0] for table in tables])
