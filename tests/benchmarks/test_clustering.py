"""Clusters of frozen features: their metrics, and a mapping that never sees test labels."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    adjusted_rand_score,
    davies_bouldin_score,
    normalized_mutual_info_score,
    silhouette_score,
)

from pixvox_benchmarks.case_scores import CaseScores, applied
from pixvox_benchmarks.scoring import score
from pixvox_registry import METRICS, PROTOCOLS, UserError
from pixvox_registry.elbow import elbow
from pixvox_registry.measuring import Split

PROTOCOL = ["clustering", "clustering_by_classes"]


def blobs(cases, *, blobs=3, classes=3, seed=0, apart=6.0):
    """Cases in blobs; blob b is of class b modulo the number of classes."""
    random = torch.Generator().manual_seed(seed)
    blob = torch.arange(cases) % blobs
    centres = apart * torch.randn(blobs, 8, generator=torch.Generator().manual_seed(7))
    return Split(centres[blob] + torch.randn(cases, 8, generator=random), blob % classes)


def labelled(cases, clusters, classes, *, seed=0):
    random = np.random.default_rng(seed)
    target = random.integers(classes, size=cases)
    cluster = (target + random.integers(2, size=cases) * random.integers(9, size=cases)) % clusters
    weight = random.integers(0, 4, size=(5, cases)).astype(float)
    return cluster.astype(float), target, weight


def one(name, cluster, target):
    return METRICS.build(name)(cluster, target, np.ones((1, len(target))))[0]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("nmi", normalized_mutual_info_score), ("ari", adjusted_rand_score)],
)
@pytest.mark.parametrize(("clusters", "classes"), [(2, 2), (7, 3), (3, 7)])
def test_a_metric_of_clusters_equals_scikit_learns(name, theirs, clusters, classes):
    """A weight counts a case so many times, which scikit-learn is told by repeating it."""
    k, y, w = labelled(90, clusters, classes)
    found = METRICS.build(name)(k, y, w)
    for row, value in zip(w.astype(int), found, strict=True):
        assert value == pytest.approx(theirs(np.repeat(y, row), np.repeat(k, row)), abs=1e-12)


@pytest.mark.parametrize(("clusters", "classes"), [(2, 2), (4, 3), (3, 4)])
def test_hungarian_accuracy_is_the_best_of_all_matchings(clusters, classes):
    k, y, w = labelled(60, clusters, classes, seed=1)
    found = METRICS.build("hungarian_accuracy")(k, y, w)
    for row, value in zip(w, found, strict=True):
        right = [
            sum(row[i] for i in range(60) if k[i] < len(named) and named[int(k[i])] == y[i])
            for named in itertools.permutations([*range(classes), *[-1] * clusters], clusters)
        ]
        assert value == pytest.approx(max(right) / row.sum(), abs=1e-12)


def test_metrics_of_clusters_do_not_care_how_clusters_are_numbered():
    k, y, _ = labelled(80, 4, 3)
    for name in ("hungarian_accuracy", "nmi", "ari"):
        assert one(name, 3 - k, y) == pytest.approx(one(name, k, y), abs=1e-12)
        assert one(name, y, y) == pytest.approx(1)


def test_one_cluster_says_nothing():
    y = np.array([0, 1, 1, 1])
    assert one("nmi", np.zeros(4), y) == one("ari", np.zeros(4), y) == 0
    assert one("hungarian_accuracy", np.zeros(4), y) == 0.75


@pytest.mark.parametrize("fault", [np.array([0.5, 1, 0, 1]), np.array([0, 1, np.nan, 1])])
def test_what_is_no_cluster_is_refused(fault):
    with pytest.raises(UserError, match="whole numbers"):
        one("nmi", fault, np.array([0, 1, 0, 1]))


@pytest.mark.parametrize("name", PROTOCOL)
def test_clusters_that_are_classes_are_found_and_named(name):
    splits = [blobs(n, seed=n, apart=20.0) for n in (150, 30, 90)]
    found = PROTOCOLS.build(name)(*splits[:2], lambda: splits[2])
    assert found.chosen["clusters"] == 3
    assert torch.equal(found.probability.argmax(1), splits[2].target)
    columns = {name: column.numpy() for name, column in found.columns.items()}
    assert one("hungarian_accuracy", columns["cluster"], splits[2].target.numpy()) == 1


def test_silhouette_and_davies_bouldin_are_scikit_learns_on_test():
    splits = [blobs(n, seed=n, apart=2.0) for n in (150, 30, 90)]
    found = PROTOCOLS.build("clustering")(*splits[:2], lambda: splits[2])
    train = splits[0].features.double()
    x = ((splits[2].features.double() - train.mean(0)) / train.std(0, correction=0)).numpy()
    cluster = found.columns["cluster"].numpy()
    mean = applied(
        METRICS.build("silhouette"),
        {"silhouette": found.columns["silhouette"].numpy(), "target": splits[2].target.numpy()},
        np.ones((1, 90)),
    )
    assert mean[0] == pytest.approx(silhouette_score(x, cluster), abs=1e-9)
    assert found.chosen["davies_bouldin"] == pytest.approx(davies_bouldin_score(x, cluster))


@pytest.mark.parametrize("name", PROTOCOL)
def test_the_mapping_never_sees_test_labels(name):
    train, val, test = (blobs(n, seed=n, apart=2.0) for n in (150, 30, 90))
    opened = []

    def reveal(labels):
        opened.append(True)
        return Split(test.features, labels)

    first = PROTOCOLS.build(name)(train, val, lambda: reveal(test.target))
    other = PROTOCOLS.build(name)(train, val, lambda: reveal((test.target + 1) % 3))
    assert len(opened) == 2
    assert torch.equal(first.probability, other.probability)
    assert torch.equal(first.columns["cluster"], other.columns["cluster"])
    assert first.chosen == other.chosen


@pytest.mark.parametrize("name", PROTOCOL)
def test_features_that_say_nothing_predict_the_majority_of_train(name):
    """The constant prediction, the floor of every mapped accuracy."""
    target = torch.tensor([0, 1, 1, 1, 0, 1])
    flat = Split(torch.zeros(6, 4), target)
    found = PROTOCOLS.build(name)(flat, flat, lambda: Split(flat.features, 1 - target))
    assert found.chosen["clusters"] == 1
    torch.testing.assert_close(
        found.probability, torch.tensor([[2 / 6, 4 / 6]] * 6, dtype=torch.float64)
    )
    assert one("accuracy", found.probability.numpy(), 1 - target.numpy()) == pytest.approx(2 / 6)


def test_more_blobs_than_classes_share_their_label():
    splits = [blobs(n, blobs=6, classes=2, seed=n, apart=8.0) for n in (240, 30, 120)]
    found = PROTOCOLS.build("clustering")(*splits[:2], lambda: splits[2])
    assert found.chosen["clusters"] == 6
    assert torch.equal(found.probability.argmax(1), splits[2].target)
    cluster, y = found.columns["cluster"].numpy(), splits[2].target.numpy()
    assert one("hungarian_accuracy", cluster, y) == pytest.approx(2 / 6)


def test_columns_come_back_from_the_file_and_are_scored():
    k, y, _ = labelled(40, 3, 2)
    table = np.eye(2)[y]
    cases = CaseScores.rounded(
        [f"case-{i}" for i in range(40)], y.tolist(), table.tolist(), {"cluster": k.tolist()}
    )
    assert CaseScores.parse(cases.content()) == cases
    scores, intervals = score(cases, ("accuracy", "nmi"))
    assert scores["nmi"] == pytest.approx(normalized_mutual_info_score(y, k))
    assert intervals["nmi"]["low"] <= scores["nmi"] <= intervals["nmi"]["high"]


def test_a_metric_without_its_column_says_which_it_wants():
    cases = CaseScores.rounded(["a", "b"], [0, 1], [[1, 0], [0, 1]])
    with pytest.raises(UserError, match=r"Nmi wants cluster of every case; .* probability, target"):
        score(cases, ("nmi",))


@pytest.mark.parametrize(
    ("falling", "place"),
    [
        ([10, 4, 3, 2.5, 2], 1),
        ([9, 8, 7, 2, 1, 0.5], 3),
        ([4, 3, 2, 1], None),  # a line
        ([1, 1, 1], None),
        ([1, 2, 3], None),
        ([9, 8.9, 8, 5, 0], None),  # bent the other way
    ],
)
def test_the_elbow_lies_deepest_below_the_chord(falling, place):
    assert elbow(falling) == place
