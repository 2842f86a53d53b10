"""Probes of labels of which several may hold: naive votes, one penalty, scikit-learn's fits."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from pixvox_registry import PROTOCOLS, UserError
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


def split(cases, *, labels=3, width=10, seed=0, signal=1.0):
    """Label l holds for a share of 1 / (l + 2) of the cases, whatever the others do."""
    random = torch.Generator().manual_seed(seed)
    share = 1 / (torch.arange(labels) + 2)
    target = (torch.rand(cases, labels, generator=random) < share).long()
    marks = torch.randn(labels, width, generator=torch.Generator().manual_seed(99))
    noise = torch.randn(cases, width, generator=random)
    return Split((noise + signal * target.float() @ marks) * 3 + 1, target)


def scaled(*splits):
    scaler = StandardScaler().fit(splits[0].features.double().numpy())
    return [scaler.transform(s.features.double().numpy()) for s in splits]


@pytest.mark.parametrize("name", NAMES)
def test_a_probe_gives_each_label_a_probability_and_opens_test_once(name):
    train, val, test = split(300, seed=1), split(120, seed=2), split(150, seed=3)
    opened = []

    def reveal():
        opened.append(True)
        return test

    found = PROTOCOLS.build(name)(train, val, reveal)
    assert len(opened) == 1 and torch.equal(found.target, test.target)
    assert found.probability.shape == (150, 3) and found.probability.dtype == torch.float64
    assert (found.probability >= 0).all() and (found.probability <= 1 + 1e-12).all()
    assert (found.probability.sum(1) > 1.2).any()  # several at once
    for label in range(3):
        assert roc_auc_score(test.target[:, label], found.probability[:, label]) > 0.75


@pytest.mark.parametrize("name", NAMES)
def test_a_poisoned_test_split_changes_nothing_that_was_fitted(name):
    train, val, test = split(150, seed=1), split(60, seed=2), split(80, seed=3)
    poisoned = Split(test.features * 1e4 + 7, 1 - test.target)
    honest = PROTOCOLS.build(name)(train, val, lambda: test)
    fooled = PROTOCOLS.build(name)(train, val, lambda: poisoned)
    assert honest.chosen == fooled.chosen  # the sha256 of the coefficients is among it


def test_neighbours_vote_on_each_label_as_the_naive_loop_does():
    train, test = split(50), split(20, seed=5)
    found = PROTOCOLS.build("knn_probe", neighbours=7)(train, split(0), lambda: test)
    stored, asked = scaled(train, test)
    for x, votes in zip(asked, found.probability, strict=True):
        closeness = [x @ t / (np.linalg.norm(x) * np.linalg.norm(t)) for t in stored]
        nearest = np.argsort(closeness)[::-1][:7]
        weight = {i: np.exp(closeness[i] / 0.07) for i in nearest}
        for label in range(3):
            holding = sum(w for i, w in weight.items() if train.target[i, label])
            assert votes[label] == pytest.approx(holding / sum(weight.values()), abs=1e-12)


def test_one_penalty_is_chosen_by_the_mean_auc_and_each_label_is_scikit_learns_fit():
    train, val, test = split(160, seed=1, signal=0.4), split(120, seed=2, signal=0.4), split(50)
    found = PROTOCOLS.build("linear_probe", penalties=12)(train, val, lambda: test)
    x, v, t = scaled(train, val, test)
    grid = np.logspace(-6, 5, 12)
    means, told = [], []
    for c in grid:
        areas, columns = [], []
        for label in range(3):
            model = LogisticRegression(C=c, tol=1e-8, max_iter=10_000)
            model.fit(x, train.target[:, label].numpy())
            areas.append(roc_auc_score(val.target[:, label], model.decision_function(v)))
            columns.append(model.predict_proba(t)[:, 1])
        means.append(np.mean(areas))
        told.append(np.stack(columns, 1))
    mine = int(np.abs(np.log10(grid / found.chosen["C"])).argmin())
    assert found.chosen["auc"] == pytest.approx(max(means), abs=1e-3)
    assert means[mine] == pytest.approx(max(means), abs=1e-3)
    np.testing.assert_allclose(found.probability, told[mine], atol=2e-3)
    assert found.chosen["chosen_on"] == "val" and found.chosen["converged"]


def test_labels_of_very_unlike_shares_all_converge():
    train, val = split(900, labels=3, width=40, seed=1, signal=0.3), split(300, width=40, seed=2)
    rare = train.target.clone()
    rare[:, 2] = 0
    rare[:3, 2] = 1
    found = PROTOCOLS.build("linear_probe")(Split(train.features, rare), val, lambda: val)
    assert found.chosen["converged"]


def test_one_label_is_fitted_as_two_classes_are():
    train, val, test = (split(n, labels=1, seed=n) for n in (200, 80, 60))
    ours = PROTOCOLS.build("linear_probe")(train, val, lambda: test)
    flat = [Split(s.features, s.target[:, 0]) for s in (train, val, test)]
    theirs = PROTOCOLS.build("linear_probe")(*flat[:2], lambda: flat[2])
    assert ours.chosen == theirs.chosen
    assert torch.equal(ours.probability[:, 0], theirs.probability[:, 1])


def test_a_label_that_val_hardly_knows_is_judged_by_folds_of_train():
    train, val, test = split(200, seed=1), split(100, seed=2), split(60, seed=3)
    val.target[:, 1] = 0
    val.target[:4, 1] = 1
    found = PROTOCOLS.build("linear_probe")(train, val, lambda: test)
    assert found.chosen["chosen_on"] == "val, and folds of train for 1 of 3 labels"
    without = PROTOCOLS.build("linear_probe")(train, split(0), lambda: test)
    assert without.chosen["chosen_on"] == "folds of train"


@pytest.mark.parametrize("everyone", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_a_label_that_all_of_train_has_or_none_is_said_of_all(name, everyone):
    train, val, test = split(150, seed=1), split(80, seed=2), split(60, seed=3)
    train.target[:, 1] = everyone
    found = PROTOCOLS.build(name)(train, val, lambda: test)
    np.testing.assert_allclose(found.probability[:, 1], everyone, atol=1e-12)
    assert roc_auc_score(test.target[:, 0], found.probability[:, 0]) > 0.75


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("empty split", lambda train, val: (split(0), val)),
        ("tells cases of train apart", lambda train, val: (_alike(train), val)),
        ("3 labels in val", lambda train, val: (train, split(40, labels=2))),
        ("3 labels in val", lambda train, val: (train, Split(val.features, val.target[:, 0]))),
    ],
)
def test_labels_that_teach_nothing_are_refused(name, said, fault):
    with pytest.raises(UserError, match=said):
        PROTOCOLS.build(name)(*fault(split(60), split(40)), lambda: split(30))


def _alike(given):
    return Split(given.features, torch.ones_like(given.target))


@pytest.mark.parametrize("name", ["clustering", "clustering_by_classes"])
def test_protocols_of_one_class_refuse_labels_in_a_sentence(name):
    with pytest.raises(UserError, match=r"one class for each case; labels .* \(60, 3\), came"):
        PROTOCOLS.build(name)(split(60), split(40), lambda: split(30))
