"""Masked slices: which are hidden, and what their prediction costs."""

from __future__ import annotations

import pytest
import torch

from pixvox_registry import LOSSES, VIEWS, UserError
from pixvox_registry.draws import Draws


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("everything", [False, True])
def test_masked_prediction_is_its_formula(everything: bool) -> None:
    online, target, pairs = noise(2, 5, 3), noise(2, 5, 3, seed=1), [(0, 0), (1, 1)]
    mask = torch.tensor([[True, False, True, False, False], [False, False, False, True, False]])
    wanted = 0.0
    for g, v in pairs:
        rows = [b for b in range(5) if everything or mask[v, b]]
        errors = [float(((online[v, b] - target[g, b]) ** 2).mean()) for b in rows]
        wanted += sum(errors) / len(errors) / len(pairs)
    loss = LOSSES.build("masked_prediction", everything=everything)
    assert float(loss(online, target, pairs, mask)) == pytest.approx(wanted, abs=1e-12)
    everywhere = LOSSES.build("masked_prediction", everything=True)(online, target, pairs)
    assert float(loss(online, target, pairs)) == float(everywhere)


def test_its_gradient_is_right() -> None:
    loss, mask = LOSSES.build("masked_prediction"), torch.eye(2, 4, dtype=torch.bool)
    given = noise(2, 4, 3).requires_grad_(), noise(2, 4, 3, seed=1)
    assert torch.autograd.gradcheck(lambda x: loss(x, given[1], [(0, 0), (1, 1)], mask), given[:1])


@pytest.mark.parametrize(("share", "slices", "hidden"), [(0.1, 40, 4), (0.1, 4, 1), (0.5, 9, 4)])
def test_a_share_of_the_slices_is_hidden_and_at_least_one(
    share: float, slices: int, hidden: int
) -> None:
    views = VIEWS.build("slice_mask", dims=3, share=share)
    volumes = torch.zeros(6, 1, slices, 4, 4)
    (view,) = views(volumes, Draws(seed=0, step=3, batch=6))
    assert view.mask is not None and view.mask.shape == (6, slices)
    assert view.mask.sum(1).tolist() == [hidden] * 6
    assert len({tuple(row) for row in view.mask.tolist()}) > 1


def test_views_of_one_case_share_the_mask_and_steps_do_not() -> None:
    views, volumes = VIEWS.build("slice_mask", dims=3), torch.zeros(4, 1, 20, 4, 4)

    def mask(step: int, scope: str) -> torch.Tensor:
        (view,) = views(volumes, Draws(seed=0, step=step, batch=4).under(scope))
        assert view.mask is not None
        return view.mask

    assert torch.equal(mask(0, "1/0"), mask(0, "1/1"))
    assert not torch.equal(mask(0, "1/0"), mask(1, "1/0"))


def test_an_image_has_no_mask_and_not_everything_is_hidden() -> None:
    (view,) = VIEWS.build("slice_mask", dims=2)(
        torch.zeros(2, 1, 4, 4), Draws(seed=0, step=0, batch=2)
    )
    assert view.mask is None
    with pytest.raises(UserError, match="below 1"):
        VIEWS.build("slice_mask", dims=3, share=1.0)
