"""Scores of structures: their mean, which cases count, and what a resample without them scores."""

import numpy as np
import pytest

from pixvox_benchmarks.case_scores import applied
from pixvox_registry import METRICS, UserError
from pixvox_registry.bootstrap import interval

NAMES = ["dice", "iou", "hd95_mm", "surface_dice"]


def naive_mean(column, weight):
    """The mean over structures of their weighted mean, case by case."""
    means = []
    for structure in column.T:
        rows = [i for i in range(len(structure)) if not np.isnan(structure[i])]
        if rows:
            heavy = [weight[i] for i in rows]
            heavy = heavy if sum(heavy) else [1.0] * len(rows)
            means.append(
                sum(h * structure[i] for h, i in zip(heavy, rows, strict=True)) / sum(heavy)
            )
    return np.mean(means)


def scores_of(cases, structures, *, seed=0):
    random = np.random.default_rng(seed)
    column = random.random((cases, structures))
    column[random.random(column.shape) < 0.4] = np.nan
    column[0, 0] = 0.5
    return column, random.integers(0, 3, size=(40, cases)).astype(float)


@pytest.mark.parametrize("name", NAMES)
def test_a_score_is_the_mean_over_structures_of_their_means_over_cases(name):
    for seed in range(20):
        column, weight = scores_of(5, 4, seed=seed)  # few, so that draws miss a structure
        found = METRICS.build(name)(**{name: column}, weight=weight)
        expected = [naive_mean(column, row) for row in weight]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_resample_without_a_case_of_a_structure_keeps_that_structure_in_the_mean():
    column = np.array([[0.9, 0.1], [0.7, np.nan]])
    drawn = METRICS.build("dice")(dice=column, weight=np.array([[1.0, 1], [0, 2]]))
    np.testing.assert_allclose(drawn, [(0.8 + 0.1) / 2, (0.7 + 0.1) / 2])


def test_a_structure_that_is_in_no_case_is_left_out_and_none_at_all_is_refused():
    column, weight = scores_of(6, 2)
    absent = np.full((6, 1), np.nan)
    metric = METRICS.build("dice")
    with_it = metric(dice=np.hstack([column, absent]), weight=weight)
    np.testing.assert_array_equal(with_it, metric(dice=column, weight=weight))
    with pytest.raises(UserError, match="a structure in at least one case"):
        metric(dice=absent, weight=weight)


def test_one_structure_may_come_as_a_plain_column():
    column, weight = scores_of(6, 1)
    metric = METRICS.build("iou")
    np.testing.assert_array_equal(
        metric(iou=column[:, 0], weight=weight), metric(iou=column, weight=weight)
    )


def test_every_resample_of_a_rare_structure_has_a_score():
    column, _ = scores_of(30, 3)
    column[1:, 2], column[0, 2] = np.nan, 0.2  # one case of it
    metric = METRICS.build("dice")
    found = interval(lambda weight: applied(metric, {"dice": column}, weight), 30)
    assert found.method == "bca" and found.low < found.high


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("from 0", lambda column, weight: (column - 1, weight)),
        ("finite", lambda column, weight: (np.where(np.isnan(column), np.inf, column), weight)),
        ("shape", lambda column, weight: (column[None], weight)),
        ("shape", lambda column, weight: (column[1:], weight)),
        ("weights", lambda column, weight: (column, -weight - 1)),
        ("weights", lambda column, weight: (column, weight * np.nan)),
    ],
)
def test_scores_that_can_be_none_are_refused(name, said, fault):
    column, weight = fault(*scores_of(6, 2))
    with pytest.raises(UserError, match=said):
        METRICS.build(name)(**{name: column}, weight=weight)
