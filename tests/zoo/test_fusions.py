"""Fusions of slices and the backbones around them: shapes, places, and the traps of METHODS A."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from pixvox_registry import BACKBONES, FUSIONS, UserError
from pixvox_zoo.assembly import assemble

WIDTH = 32


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def fusion(name: str, **settings: Any) -> Any:
    torch.manual_seed(0)
    return assemble(FUSIONS, name, settings, {"num_features": WIDTH}).eval()


def over_places(**settings: Any) -> Any:
    return fusion("deformable_attention", layers=1, **settings).layers[0].attention


def volume_backbone(**settings: Any) -> Any:
    torch.manual_seed(0)
    facts = {"dims": 3, "in_channels": 1, "image_size": 32, "width": 0.125}
    return assemble(BACKBONES, "slice_fusion", {"features": WIDTH, **settings}, facts).eval()


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("slices", [1, 3, 16, 35, 64, 70])
def test_a_fusion_takes_any_number_of_slices(name: str, slices: int) -> None:
    x = noise(2, slices, WIDTH).requires_grad_()
    fused = fusion(name)(x)
    assert fused.shape == x.shape and bool(fused.isfinite().all())
    fused.square().sum().backward()
    assert x.grad is not None and bool(x.grad.isfinite().all())


@pytest.mark.parametrize("name", [name for name in FUSIONS if name != "mean"])
def test_attention_runs_over_slices(name: str) -> None:
    """The released code attends over the coordinates; there a slice would hear of itself alone."""
    x = noise(1, 16, WIDTH).requires_grad_()
    (fusion(name)(x)[0, 3] @ noise(WIDTH, seed=1)).backward()  # a plain sum is 0 after a norm
    assert x.grad is not None
    heard = x.grad[0].abs().sum(1) > 0
    assert int(heard.sum()) > 8


def test_attention_does_not_mix_cases() -> None:
    x = noise(3, 16, WIDTH)
    for name in FUSIONS:
        together = fusion(name)(x)
        alone = torch.cat([fusion(name)(case[None]) for case in x])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_keys_have_full_rank() -> None:
    """The version that the authors pinned samples one point only: keys of rank 1."""
    attention = over_places()
    x = noise(1, 64, WIDTH)
    sampled = attention.sample(x, attention.places(attention.query(x)))
    assert sampled.shape == (1, 8, 16, WIDTH // 8)
    for weight in (attention.key, attention.value):
        of_all_groups = (sampled @ weight)[0].transpose(0, 1).flatten(1)  # [16, heads * width]
        assert int(torch.linalg.matrix_rank(of_all_groups)) == 16


def test_places_begin_in_the_middle_of_their_slices_and_stay_on_the_stack() -> None:
    attention = over_places(reach=0.0)
    middles = attention.places(attention.query(noise(1, 18, WIDTH)))
    torch.testing.assert_close(middles[0, 0], torch.tensor([1.5, 5.5, 9.5, 13.5, 17.0]))
    attention = over_places(reach=50.0)
    places = attention.places(attention.query(noise(4, 18, WIDTH))).detach()
    assert float(places.min()) >= 0.0 and float(places.max()) == 17.0


def test_a_place_between_two_slices_is_their_mixture() -> None:
    attention = over_places(groups=4)
    x, places = noise(2, 9, WIDTH), torch.rand(2, 4, 3, generator=torch.Generator().manual_seed(1))
    places = places * 8
    sampled = attention.sample(x, places)
    for case in range(2):
        for feature in range(WIDTH):
            for key in range(3):
                group = feature // 8
                at = float(places[case, group, key])
                low, share = min(int(at), 7), at - min(int(at), 7)
                wanted = (1 - share) * x[case, low, feature] + share * x[case, low + 1, feature]
                assert abs(float(sampled[case, group, key, feature % 8] - wanted)) < 1e-5


def test_the_bias_knows_distance_and_side() -> None:
    attention = over_places()
    bias = attention.bias_of(torch.full((1, 8, 1), 5.0), 11).detach()[0, 0, :, 0]
    assert len({round(float(worth), 6) for worth in bias}) == 11  # of 11 slices about one place


def test_the_gradient_reaches_slice_encoder_offsets_and_token() -> None:
    backbone = volume_backbone().train()
    mask = torch.zeros(2, 16, dtype=torch.bool)
    mask[:, ::5] = True
    features = backbone(noise(2, 1, 16, 32, 32), mask)
    (features.pooled.sum() + features.tokens.square().sum()).backward()
    still = [n for n, p in backbone.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still


def test_an_image_is_a_stack_of_one_slice_without_a_volume() -> None:
    backbone, images = volume_backbone(), noise(3, 1, 32, 32)
    features = backbone(images)
    assert features.pooled is None and features.slices.shape == (3, 1, WIDTH)
    stacked = backbone(images[:, :, None]).slices
    torch.testing.assert_close(features.slices, stacked)


def test_the_slice_encoder_alone_says_what_the_stack_says() -> None:
    backbone = volume_backbone()
    facts = {"dims": 2, "in_channels": 1, "image_size": 32, "width": 0.125}
    alone = assemble(BACKBONES, "slice_encoder", {"features": WIDTH}, facts).eval()
    alone.load_state_dict(backbone.slices.state_dict())
    volumes = noise(2, 1, 16, 32, 32)
    of_stack = backbone(volumes).slices[:, 5]
    torch.testing.assert_close(alone(volumes[:, :, 5]).pooled, of_stack, atol=1e-5, rtol=1e-5)


def test_masked_slices_are_told_from_the_others() -> None:
    backbone = volume_backbone()
    volumes, mask = noise(1, 1, 16, 32, 32), torch.zeros(1, 16, dtype=torch.bool)
    mask[0, 5] = True
    changed = volumes.clone()
    changed[0, 0, 5] = noise(32, 32, seed=2)
    before, after = backbone(volumes, mask), backbone(changed, mask)
    torch.testing.assert_close(before.tokens, after.tokens)  # nothing of what was hidden
    assert not torch.allclose(before.slices[0, 5], after.slices[0, 5])
    with pytest.raises(UserError, match="cannot hide"):
        backbone(volumes, mask[:, :3])
