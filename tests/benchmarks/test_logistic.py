"""The batched solver finds scikit-learn's optimum, for every weighting and penalty, and sooner."""

import time
import warnings

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from pixvox_benchmarks.folds import stratified
from pixvox_benchmarks.likelihood import Likelihood
from pixvox_benchmarks.logistic import fit, probabilities
from pixvox_benchmarks.matrix import Matrix
from pixvox_benchmarks.meters.linear_probe import grid
from pixvox_registry import UserError


@pytest.fixture(autouse=True)
def one_thread():
    """Problems this small only wait for their threads, for seconds where neighbours are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


def objective(features, target, weight, c, coefficients):
    """By its definition, in float64; ``coefficients [D + 1, k]``."""
    log_p = probabilities(features, coefficients).clamp_min(1e-300).log()
    loss = -log_p[torch.arange(len(target)), target]
    return (coefficients[:-1] ** 2).sum() / 2 + c * (weight * loss).sum()


def reference(features, target, weight, c):
    """scikit-learn to the last digit: coefficients ``[D + 1, k]``."""
    found = LogisticRegression(C=float(c), tol=1e-8, max_iter=100_000)
    found.fit(features.double().numpy(), target.numpy(), sample_weight=weight.double().numpy())
    return torch.tensor(np.vstack([found.coef_.T, found.intercept_]))


@pytest.mark.parametrize("classes", [2, 4])
def test_all_45_penalties_reach_the_objective_and_accuracy_of_scikit_learn(classes):
    features, target, weights, c = grid(400, width=24, classes=classes)
    fits = fit(features, target, weights, c, classes=classes)
    assert fits.coefficients.shape == (15, 45, 25, 1 if classes == 2 else 4)
    assert fits.converged.all()
    for m in (0, 7):
        for number, strength in enumerate(c):
            ours = fits.coefficients[m, number]
            theirs = reference(features, target, weights[m], strength)
            wanted = objective(features, target, weights[m], strength, theirs)
            came = objective(features, target, weights[m], strength, ours)
            assert came <= wanted * (1 + 1e-5)
            out = weights[m] == 0
            decided = [probabilities(features[out], w).argmax(1) for w in (ours, theirs)]
            accuracies = [(d == target[out]).double().mean() for d in decided]
            assert abs(accuracies[0] - accuracies[1]) <= 0.002 + 1e-9


@pytest.mark.parametrize(("cases", "width"), [(60, 200), (80, 80)])
def test_separable_cases_of_many_dimensions_reach_it_too(cases, width):
    features, target, weights, c = grid(cases, width=width)
    fits = fit(features, target, weights[:5], c, classes=2)
    for number in (0, 15, 30, 44):
        ours = objective(features, target, weights[1], c[number], fits.coefficients[1, number])
        theirs = reference(features, target, weights[1], c[number])
        wanted = objective(features, target, weights[1], c[number], theirs)
        assert ours <= wanted * (1 + 1e-5)


def test_fractional_weights_and_raw_units_are_scikit_learns():
    features, target, _, _ = grid(300, width=10)
    raw = features * torch.logspace(-1, 1, 10) + 5
    weight = torch.rand(300, generator=torch.Generator().manual_seed(1)) * 3
    c = torch.tensor([10.0, 0.01], dtype=torch.float64)  # in any order
    fits = fit(raw, target, weight[None], c, classes=2)
    for strength, ours in zip(c, fits.coefficients[0], strict=True):
        theirs = reference(raw, target, weight, strength)
        wanted = objective(raw, target, weight, strength, theirs)
        assert objective(raw, target, weight, strength, ours) <= wanted * (1 + 1e-5)
        torch.testing.assert_close(
            probabilities(raw, ours), probabilities(raw, theirs), rtol=0, atol=2e-3
        )


def test_a_weight_of_two_is_the_case_twice_and_of_zero_not_at_all():
    features, target, _, _ = grid(200, width=8, classes=3)
    weight = torch.arange(200) % 3
    rows = torch.repeat_interleave(torch.arange(200), weight)
    c = torch.tensor([0.1], dtype=torch.float64)
    weighted = fit(features, target, weight[None], c, classes=3, tolerance=1e-10)
    everyone = torch.ones(1, 1).expand(1, len(rows))
    repeated = fit(features[rows], target[rows], everyone, c, classes=3, tolerance=1e-10)
    torch.testing.assert_close(weighted.coefficients, repeated.coefficients, rtol=1e-3, atol=1e-4)


def test_a_problem_is_solved_alike_alone_and_in_company():
    features, target, weights, c = grid(300, width=12)
    together = fit(features, target, weights, c, classes=2)
    alone = fit(features, target, weights[3:4], c[20:21], classes=2)
    values = [
        objective(features, target, weights[3], c[20], w)
        for w in (together.coefficients[3, 20], alone.coefficients[0, 0])
    ]
    torch.testing.assert_close(*values, rtol=2e-6, atol=0)


def test_weightings_of_unlike_targets_are_solved_as_each_by_itself():
    features, target, weights, c = grid(300, width=12, classes=3)
    targets = torch.stack([(target == k).long() for k in range(3)])
    together = fit(features, targets, weights[:3], c, classes=2)
    assert together.converged.all()
    for k in range(3):
        alone = fit(features, targets[k], weights[k : k + 1], c, classes=2)
        for number, strength in enumerate(c):
            values = [
                objective(features, targets[k], weights[k], strength, w[number])
                for w in (together.coefficients[k], alone.coefficients[0])
            ]
            torch.testing.assert_close(*values, rtol=2e-6, atol=0)


def test_a_fold_that_is_done_before_the_others_stays_where_it_is():
    """Its energy came out below zero once, in rounding: it went to NaN, and the solver hung."""
    random = torch.Generator().manual_seed(1)
    target = torch.arange(240) % 3
    centres = torch.randn(3, 24, generator=torch.Generator().manual_seed(99))
    raw = torch.randn(240, 24, generator=random) + 0.4 * centres[target]
    features = (raw - raw.mean(0)) / raw.std(0, correction=0)
    held_out = stratified(target, 5, seeds=3)
    weights = torch.cat([torch.ones(1, 240), (~held_out).float()])
    fits = fit(features, target, weights, torch.logspace(-6, 5, 45), classes=3)
    assert fits.coefficients.isfinite().all() and fits.converged.all()


def test_constant_and_repeated_features_do_no_harm():
    features, target, weights, c = grid(200, width=6)
    awkward = torch.cat([features, features, torch.ones(200, 2)], 1)
    fits = fit(awkward, target, weights[:2], c, classes=2)
    assert fits.coefficients.isfinite().all() and fits.converged.all()
    torch.testing.assert_close(
        fits.coefficients[..., :6, :], fits.coefficients[..., 6:12, :], rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_the_likelihood_is_autograds_and_keeps_its_digits(classes):
    random = torch.Generator().manual_seed(0)
    target = torch.randint(classes, (40,), generator=random)
    k = 1 if classes == 2 else classes
    logit = torch.randn(2, k, 40, generator=random) * 3
    change = torch.randn(2, k, 40, generator=random)
    likelihood = Likelihood(target, classes)

    def loss(z):  # [2, k, N] -> [], in float64
        z = torch.cat([torch.zeros_like(z), z], 1) if classes == 2 else z
        return torch.nn.functional.cross_entropy(z, target.expand(2, -1), reduction="sum")

    z = logit.double()
    torch.testing.assert_close(likelihood.loss(logit).sum().double(), loss(z), rtol=1e-6, atol=0)
    gradient = torch.autograd.functional.jacobian(loss, z)
    bend = torch.autograd.functional.hvp(loss, z, change.double())[1]
    residual = likelihood.residual(logit)
    torch.testing.assert_close(residual.double(), gradient, rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(
        likelihood.bend(residual, change).double(), bend, rtol=1e-4, atol=1e-6
    )
    certain = torch.zeros(1, k, 40)
    certain[0] = 40.0 * (likelihood.label * 2 - 1)
    small = likelihood.loss(certain)
    assert (small > 0).all() and (small < 1e-15).all()


def test_packed_and_plain_products_agree():
    rows, dense = torch.randn(7, 33), torch.randn(50, 33)
    torch.testing.assert_close(Matrix(dense).times(rows), rows @ dense.T, rtol=1e-4, atol=1e-4)


def test_a_fold_without_a_class_and_nan_are_refused():
    features, target, weights, c = grid(50, width=4)
    weights[2] = (target == 1).float()
    for asked in (target, target.expand(len(weights), -1)):
        with pytest.raises(UserError, match="none of class 0"):
            fit(features, asked, weights, c, classes=2)
    features[3, 1] = torch.nan
    with pytest.raises(UserError, match="finite"):
        fit(features, target, weights, c, classes=2)


def test_the_grid_is_several_times_faster_than_scikit_learn_one_by_one():
    """About ten times, in seconds of one core; a neighbour that thrashes the cache halves it."""
    features, target, weights, c = grid()
    rows, sample = weights[0] > 0, c[2::5].tolist()
    x, y = features[rows].numpy(), target[rows].numpy()

    def one_by_one():
        for strength in sample:
            LogisticRegression(C=strength).fit(x, y)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = min(seconds(lambda: fit(features, target, weights, c, classes=2)) for _ in "ab")
        theirs = min(seconds(one_by_one) for _ in "ab") / len(sample) * 45 * 15
    assert theirs > 4 * ours, f"{theirs:.1f} s against {ours:.1f} s"


def seconds(work):
    started = time.process_time()
    work()
    return time.process_time() - started
