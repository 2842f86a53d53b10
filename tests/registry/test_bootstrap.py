"""The interval equals scipy's BCa, covers what it promises, and says when BCa is undefined."""

import numpy as np
import pytest
import scipy.stats

from pixvox_registry import UserError, resampling
from pixvox_registry.bootstrap import Interval, interval
from pixvox_registry.draws import key

EDGE = "the score lies at the edge of its resamples, or outside"


def mean_of(x):
    return lambda weight: weight @ x / weight.sum(1)


def auc_of(score, positive):
    """AUC of weighted cases by its definition: a table of all pairs."""
    wins = np.sign(score[positive][:, None] - score[~positive]) / 2 + 0.5

    def auc(weight):
        heavy, light = weight[:, positive], weight[:, ~positive]
        return ((heavy @ wins) * light).sum(1) / heavy.sum(1) / light.sum(1)

    return auc


def two_classes(cases, seed=0, shift=1.2):
    random = np.random.default_rng(seed)
    positive = np.arange(cases) % 3 == 0
    return random.normal(size=cases) + shift * positive, positive


def test_the_mean_of_a_skewed_sample_agrees_with_scipy():
    x = np.random.default_rng(0).exponential(size=40) ** 1.5
    ours = interval(mean_of(x), 40, resamples=40_000)
    theirs = scipy.stats.bootstrap(
        (x,), np.mean, n_resamples=40_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.method == "bca" and ours.note == ""
    assert ours.low == pytest.approx(theirs.low, abs=0.02 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.02 * width)


def test_auc_within_class_agrees_with_scipys_two_samples():
    score, positive = two_classes(90)
    ours = interval(auc_of(score, positive), 90, strata=positive.astype(int), resamples=20_000)

    def auc(p, n, axis):
        wins = np.sign(p[..., :, None] - n[..., None, :]) / 2 + 0.5
        return wins.mean((-1, -2))

    theirs = scipy.stats.bootstrap(
        (score[positive], score[~positive]),
        auc,
        n_resamples=20_000,
        method="BCa",
        batch=500,
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_a_naive_loop_gives_the_same_interval():
    x = np.random.default_rng(3).gamma(2.0, size=25)
    random = np.random.default_rng(key(7, "bootstrap", 0))
    drawn = np.array([x[random.integers(25, size=25)].mean() for _ in range(200)])
    left_out = np.array([np.delete(x, i).mean() for i in range(25)])
    influence = left_out.mean() - left_out
    acceleration = (influence**3).sum() / (6 * (influence**2).sum() ** 1.5)
    bias = scipy.stats.norm.ppf((drawn < x.mean()).mean())
    tails = []
    for tail in (0.05, 0.95):
        normal = bias + scipy.stats.norm.ppf(tail)
        tails.append(scipy.stats.norm.cdf(bias + normal / (1 - acceleration * normal)))
    ours = interval(mean_of(x), 25, resamples=200, level=0.9, seed=7)
    np.testing.assert_allclose([ours.low, ours.high], np.quantile(drawn, tails), rtol=1e-9)


def test_patients_are_drawn_with_all_of_their_cases():
    random = np.random.default_rng(5)
    patients = [f"p{number}" for number in random.permutation(np.repeat(np.arange(12), 3))]
    x = random.gamma(2.0, size=36) + np.array([int(name[1:]) for name in patients])
    rows = {name: np.flatnonzero(np.array(patients) == name) for name in dict.fromkeys(patients)}
    names, stream = list(rows), np.random.default_rng(key(0, "bootstrap", 0))
    drawn = []
    for _ in range(300):
        chosen = [names[i] for i in stream.integers(12, size=12)]
        drawn.append(x[np.concatenate([rows[name] for name in chosen])].mean())
    seen = []

    def watched(weight):
        seen.append(weight)
        return mean_of(x)(weight)

    ours = interval(watched, 36, patients=patients, resamples=300)
    np.testing.assert_allclose(mean_of(x)(seen[1]), drawn, rtol=1e-12)
    left_out = {tuple(np.flatnonzero(row == 0)) for row in seen[2]}
    assert left_out == {tuple(of_one) for of_one in rows.values()}
    by_case = interval(mean_of(x), 36, resamples=300)
    assert ours.high - ours.low > 1.3 * (by_case.high - by_case.low)  # cases of one are alike


def test_a_case_twice_says_no_more_than_once():
    score, positive = two_classes(40)
    once = interval(auc_of(score, positive), 40, strata=positive)
    twice = interval(
        auc_of(np.tile(score, 2), np.tile(positive, 2)),
        80,
        strata=np.tile(positive, 2),
        patients=[*map(str, range(40))] * 2,
    )
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=1e-12)


def test_a_patient_of_both_classes_is_drawn_with_the_rarer_one():
    units = resampling.Units(
        5, strata=np.array([0, 1, 0, 0, 1]), patients=["a", "a", "b", "c", "d"]
    )
    assert [group.tolist() for group in units.groups] == [[1, 2], [0, 3]]


def test_bunches_of_a_large_sample_say_the_same_in_less_time(monkeypatch):
    """Skewed, so that the acceleration matters; each class keeps bunches of its own."""
    score, positive = two_classes(1500, shift=3.0)
    wholes = [
        interval(auc_of(score, positive), 1500, strata=positive.astype(int)),
        interval(mean_of(np.exp(2 * score)), 1500),
    ]
    monkeypatch.setattr(resampling, "BUNCHES", 300)
    rows = []

    def watched(weight):
        rows.append(len(weight))
        return auc_of(score, positive)(weight)

    found = [
        interval(watched, 1500, strata=positive.astype(int)),
        interval(mean_of(np.exp(2 * score)), 1500),
    ]
    assert sum(rows) == 1 + 1000 + 300
    for bunched, whole in zip(found, wholes, strict=True):
        assert bunched.method == whole.method == "bca" and bunched != whole
        width = whole.high - whole.low
        assert bunched.low == pytest.approx(whole.low, abs=0.05 * width)
        assert bunched.high == pytest.approx(whole.high, abs=0.05 * width)
    units = resampling.Units(1500, strata=positive.astype(int)).bunched()
    assert [len(group) for group in units.groups] == [200, 100]
    for group, stratum in zip(units.groups, (False, True), strict=True):
        assert set(units.owner[positive == stratum]) == set(group)


def test_coverage_is_near_its_promise():
    random = np.random.default_rng(0)
    covered = 0
    for trial in range(300):
        x = random.exponential(size=50)
        found = interval(mean_of(x), 50, resamples=300, seed=trial)
        covered += found.low <= 1.0 <= found.high
    assert 0.90 <= covered / 300 <= 0.98  # BCa itself reaches about .93 on 50 exponentials


def test_strata_keep_their_size_and_pieces_change_nothing(monkeypatch):
    score, positive = two_classes(60)
    seen = []

    def watched(weight):
        seen.append(weight[:, positive].sum(1))
        return auc_of(score, positive)(weight)

    whole = interval(watched, 60, strata=positive, resamples=50)
    assert set(np.concatenate(seen)) == {19.0, 20.0}  # 19 only where one is left out
    monkeypatch.setattr(resampling, "WEIGHTS_AT_ONCE", 7 * 60)
    assert interval(auc_of(score, positive), 60, strata=positive, resamples=50) == whole
    assert interval(auc_of(score, positive), 60, strata=positive, resamples=50, seed=1) != whole


def test_a_perfect_score_is_an_interval_of_no_width():
    found = interval(lambda weight: np.ones(len(weight)), 30)
    assert found == Interval(1.0, 1.0, "percentile", "all resamples score alike")


def test_a_constant_jackknife_falls_back_and_says_so():
    x = np.random.default_rng(0).normal(size=31)

    def median_of_distinct_counts(weight):  # changes with multiplicity, never with one case less
        return np.where(weight.max(1) > 1, weight @ x / 31, x.mean() + 0.0)

    found = interval(median_of_distinct_counts, 31)
    assert (found.method, found.note) == ("percentile", "constant jackknife")
    assert found.low < x.mean() < found.high


def test_a_class_of_one_case_has_no_jackknife():
    score, positive = two_classes(30)
    positive = np.arange(30) == 4
    with np.errstate(invalid="ignore"):
        found = interval(auc_of(score, positive), 30, strata=positive)
    assert found.method == "percentile" and "single case" in found.note


def test_a_score_outside_its_resamples_falls_back():
    x = np.arange(20.0)
    repeats = interval(lambda weight: (weight > 1).sum(1) + 0.01 * mean_of(x)(weight), 20)
    assert (repeats.method, repeats.note) == ("percentile", EDGE)


def test_a_biased_score_outside_its_interval_says_why():
    random = np.random.default_rng(0)
    bins = np.eye(30)[random.integers(30, size=600)]  # [N, bins]
    excess = bins * random.normal(0.02, 1, 600)[:, None]

    def distance(weight):  # a calibration error of a forecaster without fault
        return np.abs(weight @ excess).sum(1) / weight.sum(1)

    found = interval(distance, 600)
    observed = distance(np.ones((1, 600)))[0]
    assert found.high < observed
    assert found.method == "bca" and "biased" in found.note


def test_no_case_and_no_number_are_refused():
    with pytest.raises(UserError, match="no cases"):
        interval(mean_of(np.ones(0)), 0)
    with pytest.raises(UserError, match="within class"):
        interval(lambda weight: np.full(len(weight), np.nan), 5)


def test_scores_that_tie_but_for_their_last_bits_tie_on_every_machine():
    hit = (np.arange(60) % 4 == 0).astype(float)  # few values, so many resamples tie

    def shaken(seed):
        noise = np.random.default_rng(seed)
        exact = mean_of(hit)
        return lambda weight: (s := exact(weight)) * (1 + 1e-15 * noise.choice([-1, 1], s.shape))

    found = [interval(shaken(seed), 60) for seed in range(3)]
    plain = interval(mean_of(hit), 60)
    for one in found:
        assert (one.low, one.high) == pytest.approx((plain.low, plain.high), abs=1e-12)


def test_a_score_that_no_resample_falls_short_of_has_an_interval_of_percentiles():
    gap = np.r_[np.zeros(50), 1.0]  # a maximum: most resamples reach it, none exceeds it
    best = lambda weight: np.where(weight[:, -1] > 0, 1.0, 0.0) * gap.max()  # noqa: E731
    found = interval(best, 51)
    assert (found.method, found.note) == ("percentile", EDGE)
    assert (found.low, found.high) == (0.0, 1.0)
