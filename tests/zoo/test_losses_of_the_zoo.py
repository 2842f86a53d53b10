"""Losses of the zoo: naive loops of the papers, gradients in float64, lightly's losses."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pixvox_registry import CLUSTERING, LOSSES, UserError
from pixvox_zoo.torchvision_mend import mend

SYMMETRIC = [(0, 1), (1, 0)]  # (target, online)
MANY = [(0, 1), (1, 0), (0, 2), (1, 2)]


def views(count: int = 2, batch: int = 5, width: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, batch, width, generator=generator, dtype=torch.float64)


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def mean(figures: list[float]) -> float:
    return sum(figures) / len(figures)


@pytest.mark.parametrize("pairs", [SYMMETRIC, MANY])
def test_dcl_is_its_formula(pairs: list[tuple[int, int]]) -> None:
    online, target = views(3), views(2, seed=1)
    figures = []
    for g, v in pairs:
        for i in range(5):
            others = [(w, k) for w in range(2) for k in range(5) if k != i]
            negatives = sum(math.exp(cosine(online[v, i], target[w, k]) / 0.3) for w, k in others)
            figures.append(math.log(negatives) - cosine(online[v, i], target[g, i]) / 0.3)
    loss = LOSSES.build("dcl", temperature=0.3)(online, target, pairs)
    assert float(loss) == pytest.approx(mean(figures), rel=1e-12)


@pytest.mark.parametrize("queued", [0, 7])
def test_info_nce_is_its_formula(queued: int) -> None:
    online, target = views(3), views(2, seed=1)
    queue = views(2, queued, seed=2) if queued else None
    figures = []
    for g, v in MANY:
        for i in range(5):
            own = math.exp(cosine(online[v, i], target[g, i]) / 0.2)
            keys = target[g] if queue is None else queue.flatten(0, 1)
            skipped = i if queue is None else -1
            others = [
                math.exp(cosine(online[v, i], k) / 0.2) for n, k in enumerate(keys) if n != skipped
            ]
            figures.append(-math.log(own / (own + sum(others))))
    loss = LOSSES.build("info_nce", temperature=0.2)(online, target, MANY, queue=queue)
    assert float(loss) == pytest.approx(mean(figures), rel=1e-12)


def test_nearest_neighbour_is_its_formula() -> None:
    online, target, queue = views(3), views(2, seed=1), views(2, 9, seed=2)
    support, figures = queue.flatten(0, 1), []
    for g, v in MANY:
        found = [max(support, key=lambda s, z=z: cosine(s, z)) for z in target[g]]
        for i in range(5):
            row = [math.exp(cosine(found[i], online[v, k]) / 0.1) for k in range(5)]
            figures.append(-math.log(row[i] / sum(row)))
    loss = LOSSES.build("nearest_neighbour", temperature=0.1)(online, target, MANY, queue)
    assert float(loss) == pytest.approx(mean(figures), rel=1e-12)


def test_a_queue_never_holds_a_case_against_itself() -> None:
    """The anchor's own rows change nothing, wherever they lie in the queue."""
    online, target, queue = views(2), views(2, seed=1), views(2, 7, seed=2)
    index, queue_index = torch.arange(5), torch.tensor([9, 0, 8, 7, 3, 6, 2])
    strange = queue.clone()
    strange[:, 1] = target[:, 0]  # what case 0 would take for its nearest neighbour
    for name in ("info_nce", "nearest_neighbour"):
        loss = LOSSES.build(name)
        told = loss(online, target, [(0, 1)], index=index, queue=queue, queue_index=queue_index)
        blind = loss(online, target, [(0, 1)], queue=queue)
        assert not torch.allclose(told, blind)
        foreign = loss(
            online, target, [(0, 1)], index=index + 50, queue=queue, queue_index=queue_index
        )
        torch.testing.assert_close(foreign, blind)
        first = (online[:, :1], target[:, :1], [(0, 1)])
        seen = [
            loss(*first, index=index[:1], queue=q, queue_index=queue_index)
            for q in (queue, strange)
        ]
        torch.testing.assert_close(seen[0], seen[1])


def test_negative_cosine_is_its_formula() -> None:
    online, target = views(3), views(2, seed=1)
    figures = [-cosine(online[v, i], target[g, i]) for g, v in MANY for i in range(5)]
    loss = LOSSES.build("negative_cosine")(online, target, MANY)
    assert float(loss) == pytest.approx(mean(figures), rel=1e-12)


def spread_by_loops(z: Tensor) -> tuple[float, float]:
    """Hinge and covariance terms of one view."""
    batch, width = z.shape
    z = z - z.mean(0)
    hinge = covariance = 0.0
    for i in range(width):
        for j in range(width):
            c = sum(float(z[b, i] * z[b, j]) for b in range(batch)) / (batch - 1)
            if i == j:
                hinge += max(0.0, 1 - math.sqrt(c + 1e-4)) / width
            else:
                covariance += c**2 / width
    return hinge, covariance


def test_vicreg_is_its_formula() -> None:
    online, target = views(3) * 0.7, views(2, seed=1)
    figures = []
    for g, v in MANY:
        (h1, c1), (h2, c2) = spread_by_loops(online[v]), spread_by_loops(target[g])
        distance = mean([float(d) ** 2 for d in (online[v] - target[g]).flatten()])
        figures.append(20 * distance + 10 * (h1 + h2) / 2 + 2 * (c1 + c2))
    loss = LOSSES.build("vicreg", invariance=20, variance=10, covariance=2)(online, target, MANY)
    assert float(loss) == pytest.approx(mean(figures), rel=1e-12)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_swapped_prediction_is_its_formula(groups: int, masked: bool) -> None:
    scores = torch.stack([views(3, 5, 4, seed=h) for h in range(2)])  # [H, V, B, K]
    codes = torch.stack([views(groups, 5, 4, seed=9 + h) for h in range(2)]).softmax(-1)
    codes[0, 0, 3] = 0  # an ignored case
    mask = torch.rand(3, 5, generator=torch.Generator().manual_seed(0)) < 0.5 if masked else None
    figures = []
    for g, v in MANY:
        for h in range(2):
            terms, counted = [], 0.0
            for b in range(5):
                code = codes[h, g if groups > 1 else 0, b]
                if float(code.sum()) == 0 or (mask is not None and not mask[v, b]):
                    continue
                p = (scores[h, v, b] / 0.1).softmax(-1)
                terms.append(
                    -sum(float(q) * math.log(x) for q, x in zip(code, p.tolist(), strict=True))
                )
                counted += 1
            figures.append(sum(terms) / max(counted, 1))
    loss = LOSSES.build("swapped_prediction")(scores, codes, MANY, mask=mask)
    assert float(loss) == pytest.approx(mean(figures), rel=1e-12)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize(("distance", "power"), [("l1", 1), ("l2", 2)])
@pytest.mark.parametrize("per_patch", [False, True])
def test_reconstruction_is_its_formula(
    dims: int, distance: str, power: int, per_patch: bool
) -> None:
    chance = torch.Generator().manual_seed(0)
    shape = (1, 2, 2, *[4] * dims)
    ours, theirs = (torch.randn(shape, generator=chance, dtype=torch.float64) for _ in range(2))
    mask = torch.rand(1, 2, *[2] * dims, generator=chance) < 0.5
    loss = LOSSES.build("reconstruction", distance=distance, per_patch=per_patch)
    whole = [abs(float(d)) ** power for d in (ours - theirs).flatten()]
    if not per_patch:
        assert float(loss(ours, theirs)) == pytest.approx(mean(whole), rel=1e-12)
    cases = []
    for b in range(2):
        figures = []
        for cell in mask[0, b].nonzero().tolist():
            box = (slice(None), *[slice(2 * c, 2 * c + 2) for c in cell])
            mine, goal = ours[0, b][box].flatten(), theirs[0, b][box].flatten()
            if per_patch:
                goal = (goal - goal.mean()) / (goal.var() + 1e-6).sqrt()
            figures.append(mean([abs(float(d)) ** power for d in mine - goal]))
        cases.append(mean(figures))
    assert float(loss(ours, theirs, mask)) == pytest.approx(mean(cases), rel=1e-12)


def test_reconstruction_says_what_is_wrong() -> None:
    with pytest.raises(UserError, match="l1, l2"):
        LOSSES.build("reconstruction", distance="l3")


def test_position_contrast_is_its_formula() -> None:
    online, target = views(2), views(3, seed=1)
    labels = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wrong = [
        -math.log(1 - abs(float(labels[v, b, g]) - max(0.0, cosine(online[v, b], target[g, b]))))
        for v in range(2)
        for b in range(5)
        for g in range(3)
    ]
    between = [
        abs(cosine(target[g, b], target[h, b]))
        for b in range(5)
        for g in range(3)
        for h in range(3)
        if g != h
    ]
    loss = LOSSES.build("position_contrast", regularisation=0.5)(online, target, labels)
    assert float(loss) == pytest.approx(mean(wrong) + 0.5 * mean(between), rel=1e-9)


def test_a_crop_that_is_wrong_altogether_has_a_finite_gradient() -> None:
    z = torch.ones(1, 1, 4, requires_grad=True)
    target, labels = torch.ones(2, 1, 4), torch.zeros(1, 1, 2)
    loss = LOSSES.build("position_contrast")(z, target, labels)
    loss.backward()
    assert loss.isfinite() and z.grad is not None and z.grad.isfinite().all()


def test_kl_normal_is_torchs() -> None:
    z = views(2, 5, 6)
    normal = torch.distributions.Normal
    m, v = z.chunk(2, -1)
    theirs = torch.distributions.kl_divergence(normal(m, (v / 2).exp()), normal(0.0, 1.0))
    torch.testing.assert_close(LOSSES.build("kl_normal")(z), theirs.sum(-1).mean())


def agree(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs.squeeze(), rtol=1e-5, atol=0)


def test_lightly_agrees_on_pairs() -> None:
    mend()
    from lightly.loss import DCLLoss, NegativeCosineSimilarity, NTXentLoss, VICRegLoss

    z = views(2, 32, 16).float()
    agree(LOSSES.build("dcl")(z, z, SYMMETRIC), DCLLoss(temperature=0.1)(z[0], z[1]))
    for name, theirs in (("vicreg", VICRegLoss()), ("negative_cosine", NegativeCosineSimilarity())):
        agree(LOSSES.build(name)(z, z, [(0, 1)]), theirs(z[1], z[0]))
    theirs = NTXentLoss(temperature=0.2, memory_bank_size=(64, 16))
    keys = F.normalize(views(1, 64, 16, seed=5).float(), dim=-1)
    theirs.memory_bank.bank = keys[0]
    ours = LOSSES.build("info_nce", temperature=0.2)(z[:1], z[1:], [(0, 0)], queue=keys)
    agree(ours, theirs(z[0], z[1].requires_grad_(False)))


def test_lightly_finds_the_same_neighbours() -> None:
    mend()
    from lightly.models.modules import NNMemoryBankModule

    z, queue = views(2, 32, 16).float(), F.normalize(views(1, 64, 16, seed=5).float(), dim=-1)
    bank = NNMemoryBankModule(size=(64, 16))
    bank.bank = queue[0]
    found = F.normalize(bank(z[0], update=False), dim=-1)
    rows = found @ F.normalize(z[1], dim=-1).T / 0.1
    theirs = F.cross_entropy(rows, torch.arange(32))
    agree(LOSSES.build("nearest_neighbour")(z[1:], z[:1], [(0, 0)], queue), theirs)


def test_lightly_agrees_on_clusters() -> None:
    mend()
    from lightly.loss import DINOLoss, SwaVLoss

    z = views(3, 32, 16).float()
    head = CLUSTERING.build("sinkhorn_prototypes", num_features=16, prototypes=8)
    loss = LOSSES.build("swapped_prediction", temperature=0.1)
    with torch.no_grad():
        scores, codes = head.scores(z), head.assign(z[:2], torch.arange(32), None)
        theirs = SwaVLoss(sinkhorn_iterations=3, sinkhorn_epsilon=0.05)
        agree(loss(scores, codes, MANY), theirs(list(scores[0, :2]), list(scores[0, 2:])))

        dino = CLUSTERING.build("centering", num_features=16, prototypes=8)
        taught = dino.scores(z[:2])[0]
        scores, codes = dino.scores(z), dino.assign(z[:2], torch.arange(32), None)
        theirs = DINOLoss(8)
        agree(loss(scores, codes, MANY), theirs(list(taught), list(scores[0])))
        dino.update(z[:2])
        torch.testing.assert_close(dino.centre, theirs.center.squeeze())


def test_gradients_of_dense_and_clustered_losses_are_right() -> None:
    scores = views(2).unsqueeze(0).requires_grad_()
    codes = views(2, seed=1).softmax(-1).unsqueeze(0)
    swapped = LOSSES.build("swapped_prediction")
    assert torch.autograd.gradcheck(lambda s: swapped(s, codes, SYMMETRIC), scores)
    prior = LOSSES.build("kl_normal")
    assert torch.autograd.gradcheck(prior, views().requires_grad_())
    pictures = views(2, 16, 2).view(1, 2, 2, 4, 4).requires_grad_()
    mask = torch.eye(2, dtype=torch.bool).expand(1, 2, 2, 2)
    restore = LOSSES.build("reconstruction", per_patch=True)
    assert torch.autograd.gradcheck(lambda x: restore(x, pictures.detach() + 1, mask), pictures)
    labels = torch.rand(2, 5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    position = LOSSES.build("position_contrast")
    online, target = views().requires_grad_(), views(seed=1)
    assert torch.autograd.gradcheck(lambda a: position(a, target, labels), online)
    target.requires_grad_()  # base crops learn from the second term alone
    whole, first = (LOSSES.build("position_contrast", regularisation=r) for r in (1.0, 0.0))
    assert not torch.autograd.grad(first(online, target, labels), target)[0].any()
    slope = torch.autograd.grad(whole(online, target, labels), target)[0]
    assert slope.isfinite().all() and slope.any()
