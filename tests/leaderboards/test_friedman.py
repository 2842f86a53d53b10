"""Friedman and Nemenyi give the published figures of Demšar's fourteen data sets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats

from pixvox_leaderboards.friedman import (
    can_tell,
    cliques,
    critical_difference,
    friedman_p,
    friedman_statistic,
)

# JMLR 7 (2006), table 6: ranks of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf
RANKS = np.array(
    [
        [4, 3, 2, 1],
        [1, 2, 3, 4],
        [4, 1, 2, 3],
        [4, 1, 3, 2],
        [4, 2, 3, 1],
        [1, 2.5, 4, 2.5],
        [3, 2, 4, 1],
        [2.5, 2.5, 4, 1],
        [4, 3, 2, 1],
        [2.5, 2.5, 2.5, 2.5],
        [4, 2.5, 1, 2.5],
        [3, 2, 4, 1],
        [4, 1, 2, 3],
        [3, 1, 4, 2],
    ]
)


def test_as_published() -> None:
    np.testing.assert_allclose(RANKS.mean(0), [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    chi_square = friedman_statistic(RANKS)
    assert round(chi_square, 2) == 9.28
    f = 13 * chi_square / (14 * 3 - chi_square)  # Iman and Davenport's
    assert round(f, 2) == 3.69
    assert friedman_p(RANKS) == pytest.approx(scipy.stats.f.sf(f, 3, 39), abs=0.008)
    assert round(critical_difference(14, 4), 2) == 1.25
    assert round(critical_difference(14, 4, alpha=0.1), 2) == 1.12


@pytest.mark.parametrize(
    ("alpha", "published"),
    [
        (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
        (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
    ],
)
def test_critical_values_of_table_5a(alpha: float, published: list[float]) -> None:
    for methods, q in enumerate(published, start=2):
        found = critical_difference(1, methods, alpha) / np.sqrt(methods * (methods + 1) / 6)
        assert found == pytest.approx(q, abs=1.1e-3)


def test_without_ties_it_is_scipys() -> None:
    scores = np.random.default_rng(0).normal(size=(9, 5))
    ranks = scipy.stats.rankdata(scores, axis=1)
    assert friedman_statistic(ranks) == pytest.approx(
        scipy.stats.friedmanchisquare(*scores.T).statistic
    )


def test_p_agrees_with_all_orders() -> None:
    ranks = np.array([[1, 2, 3], [1, 2, 3], [1, 3, 2.0]])
    every = [
        friedman_statistic(np.array(orders))
        for orders in itertools.product(itertools.permutations((1, 2, 3)), repeat=3)
    ]
    exact = np.mean([found >= friedman_statistic(ranks) - 1e-9 for found in every])
    assert friedman_p(ranks) == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 9_999))


def test_so_few_tasks_can_tell_nothing() -> None:
    assert not can_tell(1, 20)
    assert not can_tell(5, 2), "two methods, five tasks: perfect agreement has p 0.0625"
    assert can_tell(6, 2)
    assert not can_tell(2, 13), "the critical difference is wider than the ranks"
    assert can_tell(3, 4) and can_tell(14, 4)


def test_cliques_of_demsars_figure_1a() -> None:
    """C4.5+m+cf and C4.5+m, C4.5+cf; then C4.5+m, C4.5+cf and C4.5: two bars."""
    assert cliques([1.964, 2.000, 2.893, 3.143], 1.25) == [(0, 3)]
    assert cliques([1.964, 2.000, 2.893, 3.143], 1.12) == [(0, 2), (2, 3)]
    assert cliques([1.0, 1.0, 3.0, 3.0], float("inf")) == [(0, 3)]
    assert cliques([1.0, 3.0], 1.0) == []
