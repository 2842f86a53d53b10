"""Agglomerative clustering: Ward against SciPy and scikit-learn, levels, and large banks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score
from torch import Tensor

from pixvox_registry import CLUSTERING, UserError

WIDTH = 6


def bank_of(cases: int, groups: int = 6, spread: float = 0.3) -> tuple[Tensor, Tensor]:
    """Cases about as many directions as there are groups: ``[1, R, E]`` and the groups ``[R]``."""
    generator = torch.Generator().manual_seed(0)
    directions = F.normalize(torch.randn(groups, WIDTH, generator=generator), dim=1)
    group = torch.arange(cases) % groups
    x = directions[group] + spread * torch.randn(cases, WIDTH, generator=generator)
    return x[None], group


def fitted(bank: Tensor, filled: Tensor | None = None, **settings: Any) -> Any:
    made: Any = CLUSTERING.build(
        "agglomerative", num_features=WIDTH, rows={"pooled": bank.shape[1]}, **settings
    )
    torch.manual_seed(0)
    made.refit(bank, torch.ones(bank.shape[1], dtype=torch.bool) if filled is None else filled)
    return made


def test_it_is_scipys_dendrogram_and_scikit_learns_clusters() -> None:
    bank, _ = bank_of(60)
    made = fitted(bank, levels=[3, 9])
    x = F.normalize(bank[0], dim=1).double().numpy()
    joined = linkage(x, "ward")
    torch.testing.assert_close(made.linkage, torch.from_numpy(joined), rtol=1e-5, atol=1e-6)
    for level, labels in zip((3, 9), made.labels, strict=True):
        theirs = AgglomerativeClustering(level, linkage="ward").fit_predict(x)
        assert adjusted_rand_score(theirs, labels.numpy()) == 1.0
        assert adjusted_rand_score(fcluster(joined, level, "maxclust"), labels.numpy()) == 1.0


def test_levels_are_nested_and_codes_are_of_the_finest() -> None:
    made = fitted(bank_of(60)[0], levels=[2, 5, 12])
    coarse, middle, fine = made.groups(torch.arange(60))
    for outer, inner in ((coarse, middle), (middle, fine)):
        assert all(len(outer[inner == group].unique()) == 1 for group in inner.unique())
    codes = made.assign(torch.zeros(2, 60, WIDTH), torch.arange(60), None)
    assert torch.equal(codes[0, 0].argmax(1), fine) and made.num_clusters == 12


def test_scores_are_cosines_to_the_means_of_groups() -> None:
    bank, _ = bank_of(24)
    made = fitted(bank, levels=[4])
    z = torch.randn(2, 3, WIDTH, generator=torch.Generator().manual_seed(1))
    for group in range(4):
        mine = F.normalize(bank[0], dim=1)[made.labels[0] == group].mean(0)
        wanted = F.cosine_similarity(z, mine, dim=-1)
        torch.testing.assert_close(made.scores(z)[0, ..., group], wanted)


def test_what_the_bank_lacks_has_no_group() -> None:
    filled = torch.arange(40) % 4 > 0
    made = fitted(bank_of(40)[0], filled, levels=[2, 4])
    assert torch.equal(made.labels[0] >= 0, filled)
    assert not made.assign(torch.zeros(1, 40, WIDTH), torch.arange(40), None)[0, 0, ~filled].any()


def test_beyond_the_most_cases_centroids_stand_for_them() -> None:
    bank, group = bank_of(600, spread=0.05)
    made = fitted(bank, levels=[6], most=500, centroids=40)
    assert made.linkage.shape == (39, 4)
    assert adjusted_rand_score(group.numpy(), made.labels[0].numpy()) == 1.0
    again = fitted(bank, levels=[6], most=500, centroids=40)
    assert torch.equal(made.labels, again.labels)


def test_pca_keeps_what_differs() -> None:
    bank, group = bank_of(90, spread=0.05)
    noisy = F.normalize(bank, dim=-1)
    assert adjusted_rand_score(group, fitted(noisy, levels=[6], components=5).labels[0]) == 1.0


@pytest.mark.parametrize("levels", [[], [0, 3], [4, 4], [8, 2]])
def test_levels_ascend(levels: list[int]) -> None:
    with pytest.raises(UserError, match="ascend"):
        fitted(bank_of(20)[0], levels=levels)


def test_more_clusters_than_cases_are_refused() -> None:
    with pytest.raises(UserError, match="30 clusters of 20 cases"):
        fitted(bank_of(20)[0], levels=[30])
