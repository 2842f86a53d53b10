"""Clustering heads: marginals, reference libraries, and what the contract promises of each."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pixvox_registry import CLUSTERING, UserError
from pixvox_zoo.kmeans import multiplied, nearest, scattered, spherical_kmeans
from pixvox_zoo.sinkhorn import sinkhorn


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def head(name: str, width: int = 6) -> torch.nn.Module:
    torch.manual_seed(0)
    rows = {"rows": {"pooled": 40}}
    settings = {
        "kmeans_bank": {**rows, "clusters": 4, "heads": 2},
        "agglomerative": {**rows, "levels": [2, 5]},
        "elbow_prototypes": {"most": 5, "clusters": 5, "otherwise": 5},
    }
    return CLUSTERING.build(name, num_features=width, **settings.get(name, {"prototypes": 5}))


@pytest.mark.parametrize("name", CLUSTERING)
def test_every_head_keeps_its_promises(name: str) -> None:
    made, z, index = head(name), noise(2, 7, 6), torch.arange(7)
    bank = noise(2, 40, 6, seed=1)
    with torch.no_grad():
        torch.manual_seed(1)
        made.refit(bank, torch.ones(40, dtype=torch.bool))
        scores = made.scores(z)
        codes = made.assign(z, index, None)
        heads = len(scores)
        assert scores.shape == (heads, 2, 7, made.num_clusters)
        assert codes.shape in [(heads, g, 7, made.num_clusters) for g in (1, 2)]
        sums = codes.sum(-1)
        assert bool((((sums - 1).abs() < 1e-5) | (sums == 0)).all())
        groups = made.groups(index)
        assert groups is None or groups.shape[1:] == (7,)
        made.update(z)
    assert made.scores(z).isfinite().all()


def test_sinkhorn_fills_every_cluster_alike() -> None:
    q = sinkhorn(noise(2, 60, 5), epsilon=0.5, iterations=200)
    torch.testing.assert_close(q.sum(-1), torch.ones(2, 60))
    torch.testing.assert_close(q.sum(-2), torch.full((2, 5), 12.0), rtol=1e-4, atol=0)


def test_sinkhorn_is_its_loop() -> None:
    s = noise(7, 3).double()
    q = (s / 0.3).exp()
    for _ in range(3):
        for k in range(3):
            q[:, k] /= q[:, k].sum() * 3
        for b in range(7):
            q[b] /= q[b].sum() * 7
    torch.testing.assert_close(sinkhorn(s, epsilon=0.3, iterations=3), q * 7)


def test_a_cluster_far_from_all_rows_makes_no_nan() -> None:
    s = torch.zeros(8, 3)
    s[:, 2] = -1e4
    assert sinkhorn(s, epsilon=0.05, iterations=3).isfinite().all()


def test_too_few_rows_for_the_prototypes_are_warned_of_and_a_queue_helps() -> None:
    made = CLUSTERING.build("sinkhorn_prototypes", num_features=6, prototypes=20)
    z = noise(2, 7, 6)
    with pytest.warns(UserWarning, match="7 rows of batch and queue cannot fill 20 prototypes"):
        made.assign(z, torch.arange(7), None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert made.assign(z, torch.arange(7), noise(2, 13, 6)).shape == (1, 2, 7, 20)


def test_the_centre_is_the_running_mean_of_scores() -> None:
    made, z = head("centering"), noise(2, 7, 6)
    with torch.no_grad():
        made.update(z)
        expected = 0.1 * made.scores(z).mean((0, 1, 2))
        torch.testing.assert_close(made.centre, expected)
        codes = made.assign(z, torch.arange(7), None)
        torch.testing.assert_close(codes, ((made.scores(z) - expected) / 0.04).softmax(-1))


def blobs(rows: int = 300, seed: int = 0, *, spread: float = 0.1) -> Tensor:
    centres = F.normalize(noise(6, 8, seed=seed), dim=-1)
    return F.normalize(
        centres[torch.arange(rows) % 6] + spread * noise(rows, 8, seed=seed + 1), dim=-1
    )


def test_sums_of_clusters_are_the_same_on_every_device() -> None:
    x, labels = noise(2, 50, 3), torch.randint(0, 4, (2, 50))  # cluster 4 stays empty
    wanted = torch.zeros(2, 5, 3)
    for head in range(2):
        for row in range(50):
            wanted[head, labels[head, row]] += x[head, row]
    for way in (scattered, multiplied):
        torch.testing.assert_close(way(x, labels, 5), wanted)


def test_kmeans_finds_what_scikit_learn_finds() -> None:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    x = blobs()
    first = torch.arange(6)[None]  # one row of each blob
    centroids, labels = spherical_kmeans(x[None], 6, iterations=10, start=first)
    theirs = KMeans(6, init=x[:6].numpy(), n_init=1).fit(x.numpy())
    assert adjusted_rand_score(theirs.labels_, labels[0].numpy()) == 1.0
    directions = F.normalize(torch.tensor(theirs.cluster_centers_), dim=-1)
    torch.testing.assert_close(centroids[0], directions, rtol=1e-4, atol=1e-5)


def test_kmeans_is_its_loop() -> None:
    """From a poor start, where every iteration counts, and with two heads."""
    x = torch.stack([blobs(90, seed, spread=0.4) for seed in (0, 5)])
    start = torch.tensor([[0, 6, 12, 1], [3, 2, 9, 8]])
    found, labels = spherical_kmeans(x, 4, iterations=4, start=start)
    for head in range(2):
        rows = [row.double() for row in x[head]]
        centroids = [rows[int(first)] for first in start[head]]
        for _ in range(4):
            own = [max(range(4), key=lambda k, r=r: float(r @ centroids[k])) for r in rows]
            for k in range(4):
                total = torch.stack([r for r, mine in zip(rows, own, strict=True) if mine == k])
                centroids[k] = F.normalize(total.sum(0), dim=0)
        torch.testing.assert_close(
            found[head], torch.stack(centroids).float(), rtol=1e-5, atol=1e-6
        )
    assert not torch.equal(labels, spherical_kmeans(x, 4, iterations=1, start=start)[1])


def test_an_empty_cluster_keeps_its_centroid() -> None:
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    start = torch.tensor([[0, 1, 2]])  # the first two are the same row, so one stays empty
    centroids, labels = spherical_kmeans(x[None], 3, iterations=5, start=start)
    assert centroids.isfinite().all() and sorted(set(labels[0].tolist())) == [0, 2]
    torch.testing.assert_close(centroids[0, 1], x[1])


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, centroids = noise(2, 50, 4), noise(2, 7, 4, seed=1)
    whole = nearest(x, centroids)
    monkeypatch.setattr("pixvox_zoo.kmeans.IN_CACHE", 7 * 3)
    assert torch.equal(nearest(x, centroids), whole)


def test_kmeans_bank_labels_the_filled_and_ignores_the_rest() -> None:
    made, bank = head("kmeans_bank", 8), blobs(40)[None].repeat(2, 1, 1)
    filled = torch.arange(40) < 30
    made.refit(bank, filled)
    labels = made.groups(torch.arange(40))
    assert bool((labels[:, :30] >= 0).all()) and bool((labels[:, 30:] == -1).all())
    codes = made.assign(noise(2, 40, 8), torch.arange(40), None)
    assert bool((codes.sum(-1)[:, 0] == filled.float()).all())
    own = made.scores(bank[:1, :30])[:, 0].argmax(-1)
    assert torch.equal(own, labels[:, :30])
    np.testing.assert_allclose(made.centroids.norm(dim=-1).numpy(), 1, rtol=1e-5)


def test_fewer_cases_than_clusters_are_refused() -> None:
    with pytest.raises(UserError, match="4 clusters of 3 cases"):
        head("kmeans_bank").refit(noise(2, 40, 6), torch.arange(40) < 3)
