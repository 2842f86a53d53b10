"""Metrics of labels of which several may hold: scikit-learn's, label by label, and what is due."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    roc_auc_score,
)

from pixvox_registry import METRICS, UserError
from pixvox_registry.bootstrap import interval

OF_LABELS = [name for name in METRICS if hasattr(METRICS.get(name), "of_labels")]


def predictions(cases=60, labels=3, *, seed=0, ties=False):
    """Probabilities that know something, labels of .15, .3, ... of cases, integer weightings."""
    random = np.random.default_rng(seed)
    target = (random.random((cases, labels)) < 0.15 * np.arange(1, labels + 1)).astype(np.int64)
    target[0], target[1] = 0, 1  # each label is there, and is not
    p = 1 / (1 + np.exp(-random.normal(size=target.shape) - 2 * target + 1))
    weight = random.integers(0, 4, size=(5, cases)).astype(float)
    weight[:, :2] = 1
    return np.round(p, 1) if ties else p, target, weight


def of_each(score, decide=False):
    """The plain mean over labels of a score of scikit-learn's."""

    def mean(p, y, w):
        told = p > 0.5 if decide else p
        columns = zip(y.T, told.T, strict=True)
        return np.mean([score(holds, said, sample_weight=w) for holds, said in columns])

    return mean


def at_once(score, decide=False):
    def found(p, y, w):
        return score(y, (p > 0.5) if decide else p, sample_weight=w, average="macro")

    return found


def naive_calibration(p, y, w, bins=15):
    errors = []
    for label in range(y.shape[1]):
        gaps = np.zeros(bins)
        for i in range(len(y)):
            confidence = max(p[i, label], 1 - p[i, label])
            place = next(b for b in range(bins) if confidence <= (b + 1) / bins or b == bins - 1)
            gaps[place] += w[i] * (((p[i, label] > 0.5) == y[i, label]) - confidence)
        errors.append(np.abs(gaps).sum() / w.sum())
    return np.mean(errors)


REFERENCES = [
    ("auc", at_once(roc_auc_score)),
    ("auc", of_each(roc_auc_score)),
    ("average_precision", at_once(average_precision_score)),
    ("accuracy", of_each(accuracy_score, decide=True)),
    ("balanced_accuracy", of_each(balanced_accuracy_score, decide=True)),
    ("f1", at_once(f1_score, decide=True)),
    ("brier", of_each(brier_score_loss)),
    ("expected_calibration_error", naive_calibration),
]


def test_every_metric_of_labels_has_a_reference():
    assert {name for name, _ in REFERENCES} == set(OF_LABELS)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("name", "reference"), REFERENCES)
def test_each_weighting_scores_as_the_reference_does(name, reference, ties):
    p, y, w = predictions(ties=ties)
    w = np.concatenate([np.ones((1, len(y))), w])
    expected = [reference(p, y, row) for row in w]
    np.testing.assert_allclose(METRICS.build(name)(p, y, w), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", sorted(set(OF_LABELS) - {"f1", "brier"}))
def test_one_label_scores_as_one_of_two_classes(name):
    p, y, w = predictions(labels=1)
    alone = METRICS.build(name)(p, y, w)
    classes = METRICS.build(name)(np.concatenate([1 - p, p], 1), y[:, 0], w)
    np.testing.assert_array_equal(alone, classes)


@pytest.mark.parametrize("name", ["auc", "average_precision", "balanced_accuracy", "f1"])
def test_a_weighting_without_a_label_keeps_that_labels_score_over_all_cases(name):
    p, y, w = predictions()
    metric = METRICS.build(name)
    w[2, y[:, 0] == 1] = 0
    of_label = [
        metric(p[:, [n]], y[:, [n]], np.concatenate([w, np.ones((1, 60))])) for n in (0, 1, 2)
    ]
    expected = (of_label[0][-1] + of_label[1][2] + of_label[2][2]) / 3
    assert metric(p, y, w)[2] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rare", [1, 3])
def test_an_interval_is_there_though_most_resamples_lack_a_label(rare):
    p, y, _ = predictions(cases=40)
    y[:, 0] = np.arange(40) < rare
    auc = METRICS.build("auc")
    found = interval(lambda weight: auc(p, y, weight), 40)
    assert 0 <= found.low < auc(p, y, np.ones((1, 40)))[0] < found.high <= 1


@pytest.mark.parametrize(("name", "said"), [("auc", "AUC"), ("average_precision", "Average pre")])
@pytest.mark.parametrize("everyone", [0, 1])
def test_a_label_that_all_have_or_none_has_no_curve(name, said, everyone):
    p, y, w = predictions()
    y[:, 1] = everyone
    with pytest.raises(UserError, match=f"{said}.* of 3 labels; all cases are alike in label 1"):
        METRICS.build(name)(p, y, w)


def test_a_label_that_no_case_has_counts_as_its_convention_says():
    y = np.array([[1, 0], [0, 0], [1, 0], [0, 0]])
    sure = y.astype(float)
    once = np.ones((1, 4))
    wrong = sure.copy()
    wrong[0, 1] = 1
    f1 = METRICS.build("f1")
    assert f1(sure, y, once) == 1  # neither there nor decided: it does not count
    assert f1(wrong, y, once) == 0.5  # decided once: 0
    assert METRICS.build("accuracy")(wrong, y, once) == (1 + 3 / 4) / 2
    assert METRICS.build("balanced_accuracy")(wrong, y, once) == (1 + 3 / 4) / 2  # specificity


@pytest.mark.parametrize("name", OF_LABELS)
@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("empty split", lambda p, y, w: (p[:0], y[:0], w[:, :0])),
        ("nan", lambda p, y, w: (np.where(np.arange(3) == 1, np.nan, p), y, w)),
        ("between 0 and 1", lambda p, y, w: (p * 3, y, w)),
        ("shapes", lambda p, y, w: (p[:, :2], y, w)),
        ("shapes", lambda p, y, w: (p[:-1], y, w)),
        ("shapes", lambda p, y, w: (p, y, w[:, :-1])),
        ("labels of 0 and 1", lambda p, y, w: (p, 2 * y, w)),
        ("labels of 0 and 1", lambda p, y, w: (p, y - 1, w)),
        ("labels of 0 and 1", lambda p, y, w: (p, y.astype(float), w)),
        ("tells the test cases apart", lambda p, y, w: (p, np.zeros_like(y), w)),
        ("weights", lambda p, y, w: (p, y, -w)),
    ],
)
def test_a_fault_is_an_error_and_never_a_score(name, said, fault):
    with pytest.raises(UserError, match=said):
        METRICS.build(name)(*fault(*predictions(9)))


def test_kappa_and_metrics_of_clusters_refuse_labels():
    p, y, w = predictions(9)
    with pytest.raises(UserError, match="one class for each case; labels of which several"):
        METRICS.build("cohen_kappa")(p, y, w)
    for name in ("nmi", "ari", "hungarian_accuracy"):
        with pytest.raises(UserError, match="clusters"):
            METRICS.build(name)(np.zeros(9), y, w)
