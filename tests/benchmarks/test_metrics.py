"""Metrics equal scikit-learn's and their naive loops, for all weightings at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    roc_auc_score,
)

from pixvox_registry import METRICS, UserError
from pixvox_registry.bootstrap import interval

NAMES = [
    "accuracy",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "cohen_kappa",
    "expected_calibration_error",
    "f1",
]


def predictions(cases, classes, *, seed=0, ties=False):
    """Probabilities that know something, targets of every class, integer weightings."""
    random = np.random.default_rng(seed)
    target = np.concatenate([np.arange(classes), random.integers(classes, size=cases - classes)])
    logit = random.normal(size=(cases, classes)) + 1.5 * np.eye(classes)[target]
    p = np.exp(logit)
    p /= p.sum(1, keepdims=True)
    if ties:  # tenths of votes
        p = np.stack([random.multinomial(10, row) for row in p]) / 10
    weight = random.integers(0, 4, size=(6, cases)).astype(float)
    weight[:, :classes] = 1  # every class keeps weight
    return p, target, weight


def score_one(metric, p, y):
    return METRICS.build(metric)(p, y, np.ones((1, len(y))))[0]


def naive_auc(p, y, w):
    areas = []
    for k in [1] if p.shape[1] == 2 else range(p.shape[1]):
        won = total = 0.0
        for i in np.flatnonzero(y == k):
            for j in np.flatnonzero(y != k):
                won += w[i] * w[j] * ((p[i, k] > p[j, k]) + 0.5 * (p[i, k] == p[j, k]))
                total += w[i] * w[j]
        areas.append(won / total)
    return np.mean(areas)


def naive_calibration(p, y, w, bins=15):
    error = 0.0
    for b in range(bins):
        inside = [i for i in range(len(y)) if b / bins < p[i].max() <= (b + 1) / bins]
        gap = sum(w[i] * ((p[i].argmax() == y[i]) - p[i].max()) for i in inside)
        error += abs(gap) / w.sum()
    return error


def naive_brier(p, y, w):
    error = 0.0
    for i in range(len(y)):
        error += w[i] * sum((p[i, k] - (y[i] == k)) ** 2 for k in range(p.shape[1]))
    return error / w.sum()


def naive_precision(p, y, w):
    """At each case of the class, how many of those that score as high are of it?"""
    means = []
    for k in [1] if p.shape[1] == 2 else range(p.shape[1]):
        found = total = 0.0
        for i in np.flatnonzero(y == k):
            ahead = [j for j in range(len(y)) if p[j, k] >= p[i, k]]
            if w[i]:
                found += w[i] * sum(w[j] for j in ahead if y[j] == k) / sum(w[ahead])
            total += w[i]
        means.append(found / total)
    return np.mean(means)


def decisions(p):
    return p[:, 1] > 0.5 if p.shape[1] == 2 else p.argmax(1)


def of_each_class(score):
    """The mean of a score of scikit-learn's for one class against the rest."""

    def mean(p, y, w):
        classes = [1] if p.shape[1] == 2 else range(p.shape[1])
        return np.mean([score(y == k, p[:, k], sample_weight=w) for k in classes])

    return mean


def of_decisions(score, **settings):
    def found(p, y, w):
        return score(y, decisions(p), sample_weight=w, **settings)

    return found


def sklearn_brier(p, y, w):
    classes = range(p.shape[1])
    return sum(brier_score_loss(y == k, p[:, k], sample_weight=w) for k in classes)


REFERENCES = [
    ("auc", naive_auc),
    ("auc", of_each_class(roc_auc_score)),
    ("average_precision", naive_precision),
    ("average_precision", of_each_class(average_precision_score)),
    ("accuracy", of_decisions(accuracy_score)),
    ("balanced_accuracy", of_decisions(balanced_accuracy_score)),
    ("f1", of_decisions(f1_score, average="macro")),
    ("cohen_kappa", of_decisions(cohen_kappa_score)),
    ("brier", naive_brier),
    ("brier", sklearn_brier),
    ("expected_calibration_error", naive_calibration),
]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize(("name", "reference"), REFERENCES)
def test_each_weighting_scores_as_the_reference_does(name, reference, classes, ties):
    p, y, w = predictions(70, classes, ties=ties)
    w = np.concatenate([np.ones((1, 70)), w])
    expected = [reference(p, y, row) for row in w]
    np.testing.assert_allclose(METRICS.build(name)(p, y, w), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_counts_a_case_so_many_times(name):
    p, y, w = predictions(40, 3, ties=True)
    repeated = np.repeat(np.arange(40), w[0].astype(int))
    expected = score_one(name, p[repeated], y[repeated])
    assert METRICS.build(name)(p, y, w)[0] == pytest.approx(expected, abs=1e-12)


@st.composite
def binary(draw):
    """Scores on a coarse grid, so that ties are common, and both classes."""
    grid = st.integers(0, 20).map(lambda n: n / 20)
    score = np.array(draw(st.lists(grid, min_size=2, max_size=30)))
    flags = draw(st.lists(st.booleans(), min_size=len(score) - 2, max_size=len(score) - 2))
    return np.stack([1 - score, score], 1), np.array([0, 1, *flags], dtype=np.int64)


@settings(max_examples=60, deadline=None)
@given(binary())
def test_every_score_lies_in_its_range(case):
    p, y = case
    for name in NAMES:
        low, high = METRICS.get(name).range
        assert low - 1e-12 <= score_one(name, p, y) <= high + 1e-12


@settings(max_examples=60, deadline=None)
@given(binary())
def test_auc_mirrors_with_the_classes_and_keeps_under_monotone_maps(case):
    p, y = case
    area = score_one("auc", p, y)
    assert score_one("auc", p, 1 - y) == pytest.approx(1 - area, abs=1e-12)
    assert score_one("auc", p[:, ::-1], 1 - y) == pytest.approx(area, abs=1e-12)
    squared = p[:, 1] ** 2
    assert score_one("auc", np.stack([1 - squared, squared], 1), y) == pytest.approx(
        area, abs=1e-12
    )


@settings(max_examples=30, deadline=None)
@given(binary(), st.randoms(use_true_random=False))
def test_the_order_of_cases_and_the_scale_of_weights_change_nothing(case, random):
    p, y = case
    order = random.sample(range(len(y)), len(y))
    weight = np.arange(1.0, len(y) + 1)[None]
    for name in NAMES:
        metric = METRICS.build(name)
        expected = metric(p, y, weight)
        moved = metric(p[order], y[order], 3.5 * weight[:, order])
        np.testing.assert_allclose(moved, expected, atol=1e-12)


def test_ties_and_thresholds_are_decided_as_medmnist_does():
    half = np.array([[0.5, 0.5], [0.4, 0.6]])
    assert score_one("accuracy", half, np.array([0, 1])) == 1
    assert score_one("accuracy", half, np.array([1, 0])) == 0
    thirds = np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]])
    assert score_one("accuracy", thirds, np.array([0, 1])) == 1
    assert score_one("auc", np.full((4, 2), 0.5), np.array([0, 1, 0, 1])) == 0.5


def test_balanced_accuracy_averages_over_the_classes_that_are_there():
    p = np.eye(4)[[0, 0, 0, 2]]
    assert score_one("balanced_accuracy", p, np.array([0, 0, 2, 2])) == 0.75


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("one class in test", lambda p, y, w: (p, np.zeros_like(y), w)),
        ("empty split", lambda p, y, w: (p[:0], y[:0], w[:, :0])),
        ("nan", lambda p, y, w: (np.where(np.arange(9)[:, None] == 3, np.nan, p), y, w)),
        ("sum", lambda p, y, w: (p * 0.99, y, w)),
        ("between 0 and 1", lambda p, y, w: (p * 3 - 1, y, w)),
        ("shapes", lambda p, y, w: (p[:-1], y, w)),
        ("shapes", lambda p, y, w: (p[:, 1], y, w)),
        ("shapes", lambda p, y, w: (p, y, w[:, :-1])),
        ("integer targets", lambda p, y, w: (p, y + 1, w)),
        ("integer targets", lambda p, y, w: (p, y.astype(float), w)),
        ("weights", lambda p, y, w: (p, y, -w)),
        ("weights", lambda p, y, w: (p, y, np.full_like(w, np.inf))),
    ],
)
def test_a_fault_is_an_error_and_never_a_score(name, said, fault):
    with pytest.raises(UserError, match=said):
        METRICS.build(name)(*fault(*predictions(9, 3)))


@pytest.mark.parametrize(("name", "said"), [("auc", "AUC"), ("average_precision", "Average pre")])
def test_a_curve_of_a_class_without_cases_is_refused_by_name(name, said):
    p, y, w = predictions(30, 3)
    y[y == 2] = 1
    with pytest.raises(UserError, match=f"{said}.* none came of class 2"):
        METRICS.build(name)(p, y, w)


def test_f1_of_a_class_without_cases_is_0_where_it_is_decided_and_does_not_count_where_not():
    y = np.array([0, 0, 1, 1])
    assert score_one("f1", np.eye(4)[[0, 0, 1, 1]], y) == 1
    wrong = np.eye(4)[[0, 0, 1, 3]]
    assert score_one("f1", wrong, y) == pytest.approx((1 + 2 / 3 + 0) / 3)
    unseen = METRICS.build("f1")(wrong, y, np.array([[1.0, 1, 1, 0]]))
    assert unseen == [1]  # the case that was decided as class 3 was not drawn


def test_kappa_is_0_for_decisions_that_know_nothing_and_below_for_those_that_err():
    y = np.array([0, 1, 0, 1])
    assert score_one("cohen_kappa", np.eye(2)[[0, 0, 0, 0]], y) == 0
    assert score_one("cohen_kappa", np.eye(2)[[1, 0, 1, 0]], y) == -1
    assert score_one("cohen_kappa", np.eye(2)[y], y) == 1
    right = METRICS.build("cohen_kappa")(np.eye(2)[y], y, np.array([[2.0, 0, 1, 0]]))
    assert np.isnan(right).all()  # one class is all there is


def test_brier_reaches_2_where_the_wrong_class_is_certain():
    y = np.array([0, 1, 2])
    assert score_one("brier", np.eye(3)[[1, 2, 0]], y) == 2
    assert score_one("brier", np.eye(3)[y], y) == 0


def test_equal_scores_have_the_share_of_the_class_as_average_precision():
    assert score_one("average_precision", np.full((4, 2), 0.5), np.array([0, 1, 0, 0])) == 0.25


def test_a_class_without_weight_is_not_a_number():
    p, y, w = predictions(30, 3)
    w[0, y == 1] = 0
    for name in ("auc", "average_precision", "balanced_accuracy", "f1"):
        assert np.isnan(METRICS.build(name)(p, y, w)).tolist() == [True] + [False] * 5


def test_shuffled_labels_score_an_auc_whose_interval_holds_one_half():
    p, y, _ = predictions(400, 2)
    y = np.random.default_rng(1).permutation(y)
    auc = METRICS.build("auc")
    found = interval(lambda weight: auc(p, y, weight), 400, strata=y)
    assert found.method == "bca" and found.low < 0.5 < found.high
