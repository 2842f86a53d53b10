"""Comparisons of methods: paired, corrected for their number, and honest in simulations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pixvox_leaderboards import permutation
from pixvox_leaderboards.comparison import CANNOT_REACH, NO_TEST, Comparison, compared, corrected
from pixvox_leaderboards.holm import holm
from pixvox_leaderboards.permutation import contributions, permutation_p
from pixvox_leaderboards.reading import read_all
from pixvox_leaderboards.seed_mean import SeedMean, seed_means
from pixvox_leaderboards.wording import chance_text, gain_text
from pixvox_registry import METRICS, UserError
from pixvox_registry.bootstrap import interval

Publish = Callable[..., Path]


def scorer(target: np.ndarray, logit: np.ndarray, metric: str = "auc") -> SeedMean:
    """Logits ``[S, N]`` of class 1 of two, by S seeds."""
    p = 1 / (1 + np.exp(-logit))
    seeds = [{"target": target, "probability": np.stack([1 - q, q], 1)} for q in p]
    return SeedMean(metric=METRICS.build(metric), seeds=seeds)


def equal_methods(count: int, cases: int, seed: int, gain: float = 0.0) -> list[SeedMean]:
    """Methods of two seeds that err alike on hard cases; the last is better by ``gain``."""
    random = np.random.default_rng([seed, cases])
    target = (np.arange(cases) % 3 == 0).astype(np.int64)
    world = target + 0.8 * random.normal(size=cases)
    own = 0.6 * random.normal(size=(count, 1, cases))
    logit = world + own + 0.4 * random.normal(size=(count, 2, cases))
    logit[-1] += gain * (2 * target - 1)
    return [scorer(target, one) for one in logit]


def made(p: float | None, difference: float = 0.1, *, higher_is_better: bool = True) -> Comparison:
    return Comparison(
        difference=difference,
        low=difference - 0.1,
        high=difference + 0.1,
        p=p,
        holm=None,
        cases=60,
        note="" if p is not None else NO_TEST,
        higher_is_better=higher_is_better,
    )


def test_the_interval_draws_cases_once_for_both_methods() -> None:
    """The naive loop: for each resample both methods score the same cases."""
    ours, theirs = equal_methods(2, 45, seed=3, gain=0.3)
    target = ours.seeds[0]["target"]

    def naive(weight: np.ndarray) -> np.ndarray:
        found = []
        for counts in weight:
            rows = np.repeat(np.arange(45), counts.astype(int))
            means = [
                np.mean(
                    [
                        m.metric(s["probability"][rows], target[rows], np.ones((1, len(rows))))[0]
                        for s in m.seeds
                    ]
                )
                for m in (ours, theirs)
            ]
            found.append(means[0] - means[1])
        return np.array(found)

    (one,) = compared([(ours, theirs)])
    wanted = interval(naive, 45, strata=target)
    assert (one.low, one.high) == (round(wanted.low, 3), round(wanted.high, 3))
    assert one.difference == round(float(naive(np.ones((1, 45)))[0]), 3)
    assert one.cases == 45


def test_order_of_cases_in_files_does_not_matter(publish: Publish, tmp_path: Path) -> None:
    publish("simclr", skill=1.0)
    publish("byol", skill=0.6)
    one, two = (reading.cases for reading in read_all(tmp_path / "results"))
    order = np.random.default_rng(0).permutation(len(two.ids))
    mixed = type(two)(
        ids=tuple(two.ids[i] for i in order),
        target=tuple(two.target[i] for i in order),
        probability=tuple(two.probability[i] for i in order),
    )
    metric = METRICS.build("auc")
    pairs = [seed_means(metric, rows) for rows in ([[one], [two]], [[mixed], [one]])]
    straight, crossed = (compared([(a, b)])[0] for a, b in pairs)
    assert (crossed.difference, crossed.p) == (-straight.difference, straight.p)
    assert straight.difference != 0


def test_methods_on_other_cases_are_refused(publish: Publish, tmp_path: Path) -> None:
    publish("simclr")
    (one,) = (reading.cases for reading in read_all(tmp_path / "results"))
    other = type(one)(
        ids=("elsewhere", *one.ids[1:]), target=one.target, probability=one.probability
    )
    with pytest.raises(UserError, match="same cases with the same labels"):
        seed_means(METRICS.build("auc"), [[one], [other]])


def test_direction_and_family_decide_who_is_told() -> None:
    alone = corrected([made(0.03)])[0]
    assert alone.is_better and not alone.is_worse
    in_company = corrected([made(0.03), made(0.5)])[0]
    assert in_company.holm == 0.06
    assert not in_company.is_better
    (less,) = corrected([made(0.001, -0.1)])
    assert less.is_worse
    (small,) = corrected([made(0.001, -0.1, higher_is_better=False)])
    assert small.is_better
    (equal,) = corrected([made(0.001, 0.0)])
    assert not (equal.is_better or equal.is_worse), "the figures shown are equal"
    untested, tested = corrected([made(None), made(0.04)])
    assert untested.holm is None and not untested.is_told
    assert tested.is_better


def test_five_cases_are_said_to_be_too_few() -> None:
    """All five agree: p is 0.0625, and no five could give less."""
    target = np.array([0, 1, 0, 1, 1])
    right = np.where(target == 1, 2.0, -2.0)
    pair = [scorer(target, logit[None], "accuracy") for logit in (right, -right)]
    (one,) = corrected(compared([(pair[0], pair[1])]))
    assert (one.p, one.note) == (0.0625, CANNOT_REACH)
    assert chance_text(one) == "cannot reach significance"
    assert gain_text(one) == "+1.000 [1.000, 1.000]"


def test_a_class_of_one_case_is_said_to_have_no_test() -> None:
    target = (np.arange(30) == 7).astype(np.int64)
    random = np.random.default_rng(0)
    ours, theirs = (scorer(target, random.normal(size=(1, 30))) for _ in range(2))
    (one,) = corrected(compared([(ours, theirs)]))
    assert (one.p, one.holm, one.note) == (None, None, NO_TEST)
    assert chance_text(one) == NO_TEST


def told_boards(boards: int, gain: float, monkeypatch: pytest.MonkeyPatch) -> float:
    """Share of boards of ten methods on which any is told from random init, after Holm."""
    monkeypatch.setattr(permutation, "SWAPS", 1_999)
    told = 0
    for seed in range(boards):
        floor, *methods = equal_methods(11, 60, seed, gain)
        shares = [contributions(m, m.units) for m in (floor, *methods)]
        p = permutation_p(np.stack([mine - shares[0] for mine in shares[1:]], 1))
        told += bool((holm(p) <= 0.05).any())
    return told / boards


def test_ten_equal_methods_have_no_winner(monkeypatch: pytest.MonkeyPatch) -> None:
    boards = 150
    false_winners = told_boards(boards, 0.0, monkeypatch)
    assert false_winners <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / boards)
    assert told_boards(40, 1.5, monkeypatch) >= 0.9, "a true winner is found"


@pytest.mark.slow
def test_ten_equal_methods_have_no_winner_over_many_boards(monkeypatch: pytest.MonkeyPatch) -> None:
    boards = 2_000
    false_winners = told_boards(boards, 0.0, monkeypatch)
    assert false_winners <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / boards)


def clustered(trial: int, patients: int = 40, slices: int = 15) -> np.ndarray:
    """``[patients, slices]`` differences of two methods with true mean .1: slices are alike."""
    random = np.random.default_rng([trial, patients])
    return (
        0.1
        + 0.25 * random.normal(size=(patients, 1))
        + 0.2 * random.normal(size=(patients, slices))
    )


def covers(values: np.ndarray, seed: int, patients: tuple[str, ...] = ()) -> bool:
    found = interval(
        lambda weight: weight @ values / weight.sum(1),
        len(values),
        patients=patients,
        resamples=400,
        seed=seed,
    )
    return found.low <= 0.1 <= found.high


def test_intervals_over_cases_cover_and_over_slices_do_not() -> None:
    over_cases = np.mean([covers(clustered(t).mean(1), t) for t in range(1_000)])
    over_slices = np.mean([covers(clustered(t).ravel(), t) for t in range(100)])
    whose = tuple(np.repeat(np.arange(40), 15).astype(str))
    told = np.mean([covers(clustered(t).ravel(), t, whose) for t in range(1_000)])
    assert 0.92 <= over_cases <= 0.97
    assert over_slices <= 0.6
    assert 0.92 <= told <= 0.97, "slices whose patients are told are drawn by patient"


def test_paired_intervals_of_auc_cover() -> None:
    """The true difference of two equal methods is zero, seeds averaged."""
    pairs = [equal_methods(2, 100, seed=seed) for seed in range(200)]
    found = compared([(a, b) for a, b in pairs])
    assert 0.92 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.98
