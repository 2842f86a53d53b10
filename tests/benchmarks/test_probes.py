"""Probes learn from train, choose on val, and open test once, after all is decided."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from pixvox_benchmarks.folds import stratified
from pixvox_registry import METRICS, PROTOCOLS, UserError
from pixvox_registry.bootstrap import interval
from pixvox_registry.measuring import Split

NAMES = ["knn_probe", "linear_probe"]


@pytest.fixture(autouse=True)
def one_thread():
    """Problems this small only wait for their threads, for seconds where neighbours are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(threads)


def split(cases, *, classes=2, width=12, seed=0, signal=0.7):
    random = torch.Generator().manual_seed(seed)
    target = torch.arange(cases) % classes
    centres = torch.randn(classes, width, generator=torch.Generator().manual_seed(99))
    noise = torch.randn(cases, width, generator=random)
    return Split((noise + signal * centres[target]) * 3 + 1, target)


def nothing(like):
    return Split(like.features[:0], like.target[:0])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_probe_predicts_every_test_case_and_opens_test_once(name, classes):
    train, val, test = (split(n, classes=classes, seed=n) for n in (240, 90, 120))
    opened = []

    def reveal():
        opened.append(True)
        return test

    found = PROTOCOLS.build(name)(train, val, reveal)
    assert len(opened) == 1
    assert found.probability.shape == (120, classes) and found.probability.dtype == torch.float64
    torch.testing.assert_close(found.probability.sum(1), torch.ones(120, dtype=torch.float64))
    assert torch.equal(found.target, test.target)
    scored = METRICS.build("auc")(found.probability.numpy(), test.target.numpy(), np.ones((1, 120)))
    assert scored[0] > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_shuffled_labels_predict_by_chance(name):
    """Labels of all splits: with train's alone, its chance direction may hit the signal.

    An interval of 95 % misses one time in twenty, so sixty shuffles are judged together.
    """
    splits = [split(n, seed=n) for n in (150, 60, 200)]
    auc = METRICS.build("auc")
    held = 0
    for shuffle in range(60):
        random = torch.Generator().manual_seed(shuffle)
        mixed = [s.target[torch.randperm(len(s.target), generator=random)] for s in splits]
        train, val, test = (Split(s.features, y) for s, y in zip(splits, mixed, strict=True))
        found = PROTOCOLS.build(name)(train, val, lambda test=test: test)
        p, y = found.probability.numpy(), test.target.numpy()
        chance = interval(lambda weight, p=p, y=y: auc(p, y, weight), 200, strata=y, resamples=500)
        held += chance.low <= 0.5 <= chance.high
    assert held >= 52  # 57 expected; 51 or fewer come once in a hundred


@pytest.mark.parametrize("name", NAMES)
def test_a_poisoned_test_split_changes_nothing_that_was_fitted(name):
    train, val, test = (split(n, seed=n) for n in (150, 60, 80))
    poisoned = Split(test.features * 1e4 + 7, 1 - test.target)
    honest = PROTOCOLS.build(name)(train, val, lambda: test)
    fooled = PROTOCOLS.build(name)(train, val, lambda: poisoned)
    assert honest.chosen == fooled.chosen  # the sha256 of the coefficients is among it
    one = Split(test.features[:1], test.target[:1])  # no case sees the other test cases
    alone = PROTOCOLS.build(name)(train, val, lambda: one)
    torch.testing.assert_close(alone.probability, honest.probability[:1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("empty split", lambda train, val, test: (nothing(train), val, test)),
        ("empty split", lambda train, val, test: (train, val, nothing(test))),
        ("one class in train", lambda train, val, test: (_one(train), val, test)),
        ("finite features in train", lambda train, val, test: (_nan(train), val, test)),
        ("finite features in test", lambda train, val, test: (train, val, _nan(test))),
        ("in test", lambda train, val, test: (train, val, split(20, width=5))),
        ("as many labels", lambda train, val, test: (_unlabelled(train), val, test)),
    ],
)
def test_a_split_that_teaches_nothing_is_refused(name, said, fault):
    train, val, test = fault(split(60), split(40), split(30))
    with pytest.raises(UserError, match=said):
        PROTOCOLS.build(name)(train, val, lambda: test)


def _one(given):
    return Split(given.features, torch.zeros_like(given.target))


def _nan(given):
    features = given.features.clone()
    features[3, 2] = torch.nan
    return Split(features, given.target)


def _unlabelled(given):
    return Split(given.features, given.target[:-1])


def test_neighbours_vote_as_the_naive_loop_does():
    train, test = split(50, classes=3), split(20, classes=3, seed=5)
    found = PROTOCOLS.build("knn_probe", neighbours=7)(train, nothing(train), lambda: test)
    scaler = StandardScaler().fit(train.features.double().numpy())
    stored, asked = (scaler.transform(s.features.double().numpy()) for s in (train, test))
    for x, votes in zip(asked, found.probability, strict=True):
        closeness = [x @ t / (np.linalg.norm(x) * np.linalg.norm(t)) for t in stored]
        nearest = np.argsort(closeness)[::-1][:7]
        ballot = np.zeros(3)
        for i in nearest:
            ballot[train.target[i]] += np.exp(closeness[i] / 0.07)
        np.testing.assert_allclose(votes, ballot / ballot.sum(), atol=1e-12)


def test_few_cases_are_all_neighbours():
    train = split(6)
    found = PROTOCOLS.build("knn_probe")(train, nothing(train), lambda: split(4, seed=1))
    assert found.chosen["neighbours"] == 6


def test_the_penalty_is_the_one_scikit_learn_would_choose_on_val():
    train, val, test = (split(n, seed=n, signal=0.3) for n in (160, 120, 50))
    found = PROTOCOLS.build("linear_probe")(train, val, lambda: test)
    scaler = StandardScaler().fit(train.features.double().numpy())
    x, v, t = (scaler.transform(s.features.double().numpy()) for s in (train, val, test))
    areas, models = [], []
    for c in np.logspace(-6, 5, 45):
        model = LogisticRegression(C=c, tol=1e-8, max_iter=10_000).fit(x, train.target.numpy())
        areas.append(roc_auc_score(val.target.numpy(), model.decision_function(v)))
        models.append(model)
    assert found.chosen["auc"] == pytest.approx(max(areas), abs=1e-3)
    mine = int(np.abs(np.log10(np.logspace(-6, 5, 45) / found.chosen["C"])).argmin())
    assert areas[mine] == pytest.approx(max(areas), abs=1e-3)
    np.testing.assert_allclose(found.probability, models[mine].predict_proba(t), atol=2e-3)
    assert found.chosen["chosen_on"] == "val" and found.chosen["converged"]


def test_of_equal_penalties_the_strongest_is_chosen():
    easy = split(80, signal=50.0)
    found = PROTOCOLS.build("linear_probe")(easy, easy, lambda: easy)
    assert found.chosen["auc"] == 1 and found.chosen["C"] == pytest.approx(1e-6)


@pytest.mark.parametrize("cases", [0, 4])
def test_without_enough_val_the_choice_falls_on_folds_of_train(cases):
    train, test = split(100), split(60, seed=4)
    val = Split(*(part[:cases] for part in (train.features, train.target)))
    found = PROTOCOLS.build("linear_probe")(train, val, lambda: test)
    assert found.chosen["chosen_on"] == "15 folds of train"
    again = PROTOCOLS.build("linear_probe")(train, val, lambda: test)
    assert torch.equal(found.probability, again.probability)


def test_folds_hold_out_each_case_once_and_every_class_in_each():
    target = torch.tensor([0] * 23 + [1] * 7)
    held_out = stratified(target, 5, seeds=2)
    assert held_out.shape == (10, 30)
    assert (held_out[:5].sum(0) == 1).all() and (held_out[5:].sum(0) == 1).all()
    assert not torch.equal(held_out[:5], held_out[5:])
    for fold in held_out:
        assert set(target[fold].tolist()) == {0, 1}
        assert fold.sum() in (5, 6, 7)


def test_a_class_of_one_case_cannot_be_folded():
    train = split(40)
    lonely = Split(train.features, torch.tensor([1] + [0] * 39))
    with pytest.raises(UserError, match="single case"):
        PROTOCOLS.build("linear_probe")(lonely, nothing(train), lambda: train)


def test_a_class_that_only_val_knows_gets_no_probability():
    train, val = split(60, classes=2), split(60, classes=3, seed=1)
    found = PROTOCOLS.build("linear_probe")(train, val, lambda: val)
    assert found.probability.shape == (60, 3) and (found.probability[:, 2] == 0).all()
