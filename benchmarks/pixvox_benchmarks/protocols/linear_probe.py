"""Logistic regression on frozen features, penalty chosen on validation (cf. arXiv:2304.07193)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch
from torch import Tensor

from pixvox_benchmarks.learnable import learnable, predictable
from pixvox_benchmarks.logistic import fit, probabilities
from pixvox_benchmarks.question import Question, judges
from pixvox_benchmarks.standard import standard
from pixvox_registry import PROTOCOLS
from pixvox_registry.measuring import Predictions, Split


@PROTOCOLS.register
class LinearProbe:
    """Features standardised by train, penalties from 1e-6 to 1e5 (scikit-learn's C), best AUC wins.

    Of equal AUCs the stronger penalty wins. Where val has fewer than ``fewest`` cases of a class,
    the choice falls on stratified folds of train instead, drawn ``seeds`` times.
    The final fit is on train alone. A class that train lacks gets probability 0.

    Labels of which several may hold are fitted one by one with one penalty for all, that of the
    best mean AUC; val or folds judge each as if it were alone. A label that all of train has, or
    none, gets probability 1, or 0.
    """

    version = "1"
    answers = ("classes", "labels")

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
        width = learnable(train, val, labels=True)
        centre, scale = standard(train.features)
        learnt, seen = ((split.features.double() - centre) / scale for split in (train, val))
        questions = [
            Question.judged(*answers, fewest=self.fewest, folds=self.folds, seeds=self.seeds)
            for answers in _asked(train.target, val.target)
        ]
        c = torch.logspace(-6, 5, self.penalties, dtype=torch.float64)
        fits = fit(
            learnt,
            torch.cat([q.target.expand(len(q.weights), -1) for q in questions]),  # [M, N]
            torch.cat([q.weights for q in questions]),
            c,
            classes=1 + int(questions[0].target.max()),
        )
        fitted = fits.coefficients.split([len(q.weights) for q in questions])
        judged = [q.aucs(learnt, seen, w) for q, w in zip(questions, fitted, strict=True)]
        auc = torch.stack(judged).mean(0)
        best = int(auc.argmax())  # the first of equals: the strongest penalty
        coefficients = torch.cat([w[0, best] for w in fitted], -1)  # [D + 1, k or labels told]
        chosen = {
            "C": float(c[best]),
            "auc": float(auc[best]),
            "chosen_on": judges(questions),
            "converged": bool(fits.converged.all()),
            "coefficients_sha256": hashlib.sha256(coefficients.numpy().tobytes()).hexdigest(),
        }
        opened = test()
        predictable(opened, train)
        standardised = (opened.features.double() - centre) / scale
        if train.target.ndim == 2:
            probability = train.target.double().mean(0).repeat(len(standardised), 1)
            of_each = probabilities(standardised, coefficients.T[..., None])  # [labels told, N, 2]
            probability[:, _told(train.target)] = of_each[..., 1].T
        else:
            probability = torch.zeros(len(standardised), width, dtype=torch.float64)
            probability[:, train.target.unique()] = probabilities(standardised, coefficients)
        return Predictions(probability, opened.target, chosen)


def _asked(train: Tensor, val: Tensor) -> list[tuple[Tensor, Tensor]]:
    """``[N], [V]`` as they are; of labels ``[N, L], [V, L]`` each that tells cases apart."""
    if train.ndim == 1:
        return [(train, val)]
    told = _told(train)
    return list(zip(train[:, told].T, val[:, told].T, strict=True))


def _told(labels: Tensor) -> Tensor:
    """``[N, L] -> [labels told]``: those that hold for some cases and for some not."""
    return (labels != labels[0]).any(0).nonzero().flatten()
