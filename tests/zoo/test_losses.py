"""Losses: naive loops of the papers, gradients, maintained libraries, mixed precision."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch import Tensor

from pixvox_registry import LOSSES, Batch, UserError
from pixvox_registry.draws import Draws
from pixvox_zoo.border import parse
from pixvox_zoo.composition import Facts
from pixvox_zoo.torchvision_mend import mend
from pixvox_zoo.wiring import Wiring

SYMMETRIC = [(0, 1), (1, 0)]  # (target, online)


def views(count: int = 2, batch: int = 5, width: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, batch, width, generator=generator, dtype=torch.float64)


def cosine(a: Tensor, b: Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def nt_xent_by_loops(
    online: Tensor,
    target: Tensor,
    pairs: list[tuple[int, int]],
    *,
    tau: float,
    coarse: list[int] | None = None,
    fine: list[int] | None = None,
    queue: Tensor | None = None,
    queue_coarse: list[int] | None = None,
) -> float:
    """For each pair and anchor: mean over positives of -log(exp(s/tau) / denominator)."""
    batch = online.shape[1]
    total = 0.0
    for g, v in pairs:
        for i in range(batch):
            anchor = online[v, i]
            positive = math.exp(cosine(anchor, target[g, i]) / tau)
            denominator, positives = positive, [positive]
            for view in target:
                for k in range(batch):
                    if k == i:
                        continue
                    p = math.exp(cosine(anchor, view[k]) / tau)
                    if coarse is None or coarse[k] != coarse[i] or coarse[i] < 0:
                        denominator += p
                    if fine is not None and fine[k] == fine[i] and fine[i] >= 0:
                        positives.append(p)
            for view in () if queue is None else queue:
                for k, old in enumerate(view):
                    if queue_coarse is None or coarse is None or queue_coarse[k] != coarse[i]:
                        denominator += math.exp(cosine(anchor, old) / tau)
            total += sum(-math.log(p / denominator) for p in positives) / len(positives)
    return total / (len(pairs) * batch)


@pytest.mark.parametrize("pairs", [SYMMETRIC, [(0, 1)], [(0, 1), (1, 0), (0, 2), (1, 2)]])
@pytest.mark.parametrize("queued", [0, 3])
def test_nt_xent_is_its_formula(pairs: list[tuple[int, int]], queued: int) -> None:
    online, target = views(3), views(2, seed=1)
    queue = views(2, queued, seed=2) if queued else None
    loss = LOSSES.build("nt_xent", temperature=0.3)(online, target, pairs, queue=queue)
    expected = nt_xent_by_loops(online, target, pairs, tau=0.3, queue=queue)
    assert float(loss) == pytest.approx(expected, rel=1e-12)


def test_nt_xent_heeds_groups() -> None:
    z, queue = views(batch=6), views(2, 3, seed=2)
    coarse, fine, old = [0, 0, 0, 1, 1, -1], [0, 0, 1, 2, 2, -1], [0, 1, 2]
    groups, queue_groups = torch.tensor([coarse, fine]), torch.tensor([old, [9, 9, 9]])
    spare = LOSSES.build("nt_xent", temperature=0.5, negatives="exclude_group")
    assert float(spare(z, z, SYMMETRIC, groups)) == pytest.approx(
        nt_xent_by_loops(z, z, SYMMETRIC, tau=0.5, coarse=coarse), rel=1e-12
    )
    assert float(spare(z, z, SYMMETRIC, groups, queue, queue_groups)) == pytest.approx(
        nt_xent_by_loops(z, z, SYMMETRIC, tau=0.5, coarse=coarse, queue=queue, queue_coarse=old),
        rel=1e-12,
    )
    both = LOSSES.build(
        "nt_xent", temperature=0.5, negatives="exclude_group", positives="view_and_group"
    )
    assert float(both(z, z, SYMMETRIC, groups)) == pytest.approx(
        nt_xent_by_loops(z, z, SYMMETRIC, tau=0.5, coarse=coarse, fine=fine), rel=1e-12
    )


def test_one_group_per_case_is_simclr() -> None:
    z = views()
    both = LOSSES.build("nt_xent", negatives="exclude_group", positives="view_and_group")
    plain = LOSSES.build("nt_xent")(z, z, SYMMETRIC)
    torch.testing.assert_close(both(z, z, SYMMETRIC, torch.arange(5)[None]), plain)


def test_one_group_in_the_batch_falls_back_to_all_negatives() -> None:
    z = views().requires_grad_()
    spare = LOSSES.build("nt_xent", negatives="exclude_group")
    with pytest.warns(UserWarning, match="no negatives"):
        loss = spare(z, z, SYMMETRIC, torch.zeros(1, 5, dtype=torch.long))
    torch.testing.assert_close(loss, LOSSES.build("nt_xent")(z, z, SYMMETRIC))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        queue, other = views(2, 3, seed=2), torch.ones(1, 3, dtype=torch.long)
        spare(z, z, SYMMETRIC, torch.zeros(1, 5, dtype=torch.long), queue, other)


def test_nt_xent_says_what_is_wrong() -> None:
    with pytest.raises(UserError, match="Did you mean 'exclude_group'"):
        LOSSES.build("nt_xent", negatives="exclude_groups")
    z = views()
    with pytest.raises(UserError, match="clustering head"):
        LOSSES.build("nt_xent", negatives="exclude_group")(z, z, SYMMETRIC)


def test_a_lone_case_has_no_gradient_and_no_nan() -> None:
    z = views(batch=1).requires_grad_()
    loss = LOSSES.build("nt_xent")(z, z, SYMMETRIC)
    loss.backward()
    assert float(loss.detach()) == 0 and z.grad is not None and not z.grad.any()


def barlow_twins_by_loops(za: Tensor, zb: Tensor, off_diagonal: float) -> float:
    batch, width = za.shape
    za, zb = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt() for z in (za, zb))
    loss = 0.0
    for i in range(width):
        for j in range(width):
            c = sum(float(za[b, i] * zb[b, j]) for b in range(batch)) / batch
            loss += (1 - c) ** 2 if i == j else off_diagonal * c**2
    return loss


def test_barlow_twins_is_its_formula() -> None:
    online, target = views(3), views(2, seed=1)
    pairs = [(0, 1), (1, 0), (1, 2)]
    loss = LOSSES.build("barlow_twins", off_diagonal=0.1, scale=0.5)
    expected = [barlow_twins_by_loops(online[v], target[g], 0.1) for g, v in pairs]
    assert float(loss(online, target, pairs)) == pytest.approx(0.5 * sum(expected) / 3, rel=1e-12)


def test_mirrored_pairs_of_one_branch_cost_nothing_and_change_nothing() -> None:
    loss = LOSSES.build("barlow_twins")
    once, twice = views().requires_grad_(), views().requires_grad_()
    loss(once, once, SYMMETRIC).backward()
    loss(twice, twice.clone(), SYMMETRIC).backward()  # another tensor, so no shortcut
    torch.testing.assert_close(once.grad, twice.grad)


def test_cross_entropy_is_its_formula() -> None:
    logits, labels = views(2, 5, 3), torch.tensor([[0, 1, 2, 1, 0]] * 2)
    p = logits.softmax(-1)
    nll = [-math.log(p[v, b, int(labels[v, b])]) for v in range(2) for b in range(5)]
    assert float(LOSSES.build("cross_entropy")(logits, labels)) == pytest.approx(sum(nll) / 10)
    smooth = LOSSES.build("cross_entropy", label_smoothing=0.3)(logits, labels)
    expected = 0.7 * sum(nll) / 10 - 0.3 * float(p.log().mean())
    assert float(smooth) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("nt_xent", {}),
        ("nt_xent", {"negatives": "exclude_group", "positives": "view_and_group"}),
        ("barlow_twins", {}),
    ],
)
def test_gradients_are_right(name: str, settings: dict[str, str]) -> None:
    loss = LOSSES.build(name, **settings)
    online, target = views().requires_grad_(), views(seed=1).requires_grad_()
    more = {"groups": torch.tensor([[0, 0, 1, 1, 2]])} if settings else {}
    assert torch.autograd.gradcheck(
        lambda a, b: loss(online=a, target=b, pairs=SYMMETRIC, **more), (online, target)
    )
    assert torch.autograd.gradcheck(
        lambda a: loss(online=a, target=a, pairs=SYMMETRIC, **more), (online,)
    )


def test_lightly_agrees() -> None:
    mend()
    from lightly.loss import BarlowTwinsLoss, NTXentLoss

    z = views(2, 32, 16).float()
    theirs = NTXentLoss(temperature=0.2)(z[0], z[1])
    torch.testing.assert_close(LOSSES.build("nt_xent")(z, z, SYMMETRIC), theirs, rtol=1e-5, atol=0)
    theirs = BarlowTwinsLoss()(z[0], z[1])
    ours = LOSSES.build("barlow_twins")(z, z, SYMMETRIC)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=0)


@pytest.mark.parametrize("loss", ["nt_xent", "barlow_twins"])
def test_losses_keep_32_bits_under_autocast(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    objective = {"projector": {"name": "mlp"}, "loss": {"name": loss}}
    recipe = parse(
        "mixed",
        {"views": {"name": "toy"}, "backbone": {"name": "toy"}, "objectives": {"o": objective}},
    )
    wiring = Wiring(recipe, Facts(dims=2, in_channels=1, image_size=8))
    wiring.begin_stage(recipe.stages[0])
    part, seen = wiring.part("o", "loss"), []

    def spied(online: Tensor, target: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
        seen.append((online.dtype, target.dtype, (online[0] @ target[0].T).dtype))
        return type(part).forward(part, online, target, pairs)

    monkeypatch.setattr(part, "forward", spied)
    images = torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    batch = Batch(images=images, index=torch.arange(16))
    with torch.autocast("cpu", torch.bfloat16):
        value = wiring(batch, Draws(seed=0, step=0, batch=16))
    value.backward()
    assert seen == [(torch.float32,) * 3] and bool(value.detach().isfinite())
