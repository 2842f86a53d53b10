"""To swap two methods in a case turns the sign of what the case contributes: exact, and honest."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from pixvox_leaderboards import permutation
from pixvox_leaderboards.permutation import ALPHA, contributions, least_p, permutation_p
from pixvox_leaderboards.seed_mean import SeedMean
from pixvox_registry import METRICS, resampling


def told(target: np.ndarray, logit: np.ndarray, metric: str = "auc") -> SeedMean:
    """Logits ``[S, N]`` of class 1 of two, by S seeds."""
    p = 1 / (1 + np.exp(-logit))
    seeds = [{"target": target, "probability": np.stack([1 - q, q], 1)} for q in p]
    return SeedMean(metric=METRICS.build(metric), seeds=seeds)


def share(score: SeedMean) -> np.ndarray:
    return contributions(score, score.units)


def two(cases: int, seed: int = 0, skill: float = 0.0) -> tuple[SeedMean, SeedMean]:
    """Two methods of three seeds that see the same cases; the first is better by ``skill``."""
    random = np.random.default_rng([seed, cases])
    target = (np.arange(cases) % 3 == 0).astype(np.int64)
    world = target + random.normal(size=cases)
    ours, theirs = (world + 0.6 * random.normal(size=(3, cases)) for _ in range(2))
    return told(target, ours + skill * (2 * target - 1)), told(target, theirs)


def naive_swaps(ours: SeedMean, theirs: SeedMean) -> float:
    """p by its definition: the two methods change places in every set of cases."""

    def swapped(cases: tuple[bool, ...]) -> float:
        at = np.array(cases)
        one, two = (
            [
                {"target": a["target"], "probability": np.where(at[:, None] == flip, a_, b_)}
                for a, b in zip(ours.seeds, theirs.seeds, strict=True)
                for a_, b_ in [(a["probability"], b["probability"])]
            ]
            for flip in (False, True)
        )
        weight = np.ones((1, len(at)))
        means = [SeedMean(metric=ours.metric, seeds=s)(weight)[0] for s in (one, two)]
        return float(means[0] - means[1])

    observed = abs(swapped((False,) * ours.cases))
    every = [abs(swapped(s)) for s in itertools.product((False, True), repeat=ours.cases)]
    return sum(found >= observed - 1e-12 for found in every) / len(every)


@pytest.mark.parametrize("seed", range(3))
def test_of_a_mean_it_is_the_swap_of_methods_within_cases(seed: int) -> None:
    ours, theirs = two(9, seed, skill=0.7)
    ours, theirs = (
        SeedMean(metric=METRICS.build("accuracy"), seeds=m.seeds) for m in (ours, theirs)
    )
    (p,) = permutation_p((share(ours) - share(theirs))[:, None])
    assert p == pytest.approx(naive_swaps(ours, theirs), abs=1e-12)


def test_a_patient_is_swapped_with_all_of_their_cases() -> None:
    ours, theirs = two(9, skill=0.7)

    def doubled(score: SeedMean) -> SeedMean:
        seeds = [{name: np.concatenate([c, c]) for name, c in s.items()} for s in score.seeds]
        patients = tuple(map(str, range(9))) * 2
        return SeedMean(metric=METRICS.build("accuracy"), seeds=seeds, patients=patients)

    (once,) = permutation_p(np.stack([share(doubled(ours)) - share(doubled(theirs))], 1))
    ours, theirs = (
        SeedMean(metric=METRICS.build("accuracy"), seeds=m.seeds) for m in (ours, theirs)
    )
    assert once == pytest.approx(naive_swaps(ours, theirs), abs=1e-12)


def test_bunches_of_many_patients_are_told_apart_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = two(600, skill=0.06)
    (whole,) = permutation_p((share(ours) - share(theirs))[:, None])
    monkeypatch.setattr(resampling, "BUNCHES", 150)
    ours_bunched, theirs_bunched = share(ours), share(theirs)
    assert len(ours_bunched) == 150
    assert ours_bunched.sum() == pytest.approx(share(ours).sum())
    (bunched,) = permutation_p((ours_bunched - theirs_bunched)[:, None])
    assert 0.001 < whole < 0.2 and bunched == pytest.approx(whole, abs=0.03)


@pytest.mark.parametrize("metric", ["auc", "accuracy", "balanced_accuracy"])
def test_contributions_sum_to_the_score(metric: str) -> None:
    ours, _ = two(40)
    score = SeedMean(metric=METRICS.build(metric), seeds=ours.seeds)
    assert share(score).sum() == pytest.approx(score(np.ones((1, 40)))[0], abs=1e-12)


def test_contributions_to_auc_are_delongs_components() -> None:
    """Equation 7 of DeLong et al., 1988: how often a case is beyond those of the other class."""
    score, _ = two(30)
    target = score.seeds[0]["target"]
    found = np.zeros(30)
    for columns in score.seeds:
        p = columns["probability"][:, 1]
        for i in range(30):
            others = [p[j] for j in range(30) if target[j] != target[i]]
            wins = [np.sign(p[i] - q) / 2 + 0.5 for q in others]
            right = np.mean(wins) if target[i] else 1 - np.mean(wins)
            found[i] += right / len(score.seeds)
    whole = score(np.ones((1, 30)))[0]
    naive = [whole / 30 + (found[i] - whole) / (target == target[i]).sum() for i in range(30)]
    np.testing.assert_allclose(share(score), naive, atol=1e-12)


def test_drawn_swaps_agree_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [two(12, seed, skill=0.6) for seed in range(6)]
    table = np.stack([share(a) - share(b) for a, b in pairs], 1)
    exact = permutation_p(table)
    monkeypatch.setattr(permutation, "ENUMERATED", 0)
    drawn = permutation_p(table)
    assert not np.array_equal(drawn, exact)
    np.testing.assert_allclose(drawn, exact, atol=4 * np.sqrt(0.25 / permutation.SWAPS))


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = two(50, skill=0.2)
    table = (share(ours) - share(theirs))[:, None]
    whole = permutation_p(table)
    monkeypatch.setattr("pixvox_registry.resampling.WEIGHTS_AT_ONCE", 7 * 50)
    assert permutation_p(table) == whole


def test_who_is_on_another_scale_is_tested_alike() -> None:
    """AUC knows order alone; swapped probabilities would be torn between two scales."""
    ours, theirs = two(60, skill=0.4)
    sure = [
        {**s, "probability": (q := s["probability"] ** 8) / q.sum(1, keepdims=True)}
        for s in theirs.seeds
    ]
    other = SeedMean(metric=theirs.metric, seeds=sure)
    assert other.seeds[0]["probability"].std() > 1.3 * theirs.seeds[0]["probability"].std()
    tables = [(share(ours) - share(them))[:, None] for them in (theirs, other)]
    assert permutation_p(tables[0]) == pytest.approx(permutation_p(tables[1]), abs=1e-12)


@pytest.mark.parametrize(("cases", "p"), [(1, 1.0), (5, 0.0625), (6, 0.03125), (8, 2 / 2**8)])
def test_five_cases_cannot_reach_significance_and_six_can(cases: int, p: float) -> None:
    agreed = np.linspace(0.1, 1, cases)
    assert permutation_p(agreed[:, None])[0] == least_p(agreed) == p
    assert (least_p(agreed) <= ALPHA) == (cases >= 6)


def test_cases_that_tell_nothing_do_not_count() -> None:
    few = np.zeros(500)
    few[:5] = 0.002
    assert permutation_p(few[:, None])[0] == least_p(few) == 0.0625


def test_equal_methods_have_p_1_and_no_p_is_zero() -> None:
    ours, _ = two(60)
    table = np.stack([share(ours) - share(ours), np.linspace(0.01, 0.02, 60)], 1)
    same, far = permutation_p(table)
    assert same == 1.0
    assert far == 1 / (1 + permutation.SWAPS)


def test_a_class_of_one_case_cannot_be_tested() -> None:
    target = (np.arange(20) == 3).astype(np.int64)
    random = np.random.default_rng(0)
    ours, theirs = (told(target, random.normal(size=(1, 20))) for _ in range(2))
    table = np.stack([share(ours) - share(theirs), np.full(20, 0.01)], 1)
    p: Any = permutation_p(table)
    assert np.isnan(p[0])
    assert p[1] == 1 / (1 + permutation.SWAPS), "its neighbour is tested"


@pytest.mark.parametrize("cases", [30, 90])
def test_false_alarms_keep_to_the_level_and_true_ones_come(cases: int) -> None:
    """200 pairs of equal methods, and of one that is better; the same swaps serve all."""
    for skill, low, high in ((0.0, 0.01, 0.05 + 2 * 0.0154), (1.0, 0.8, 1.0)):
        pairs = [two(cases, seed, skill) for seed in range(200)]
        table = np.stack([share(a) - share(b) for a, b in pairs], 1)
        assert low <= (permutation_p(table) <= ALPHA).mean() <= high
