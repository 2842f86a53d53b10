"""Features of cases: the backbone's own size and scale, whatever units the cases are in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixvox_benchmarks.embedding import embed
from pixvox_registry.cases import Cases
from pixvox_registry.contracts import Features, Pretrained
from pixvox_registry.intensity import Intensity


class Corners(nn.Module):
    """What the backbone is given, as it is."""

    def forward(self, images: Tensor) -> Features:
        return Features(pooled=images.flatten(1))


def cases_of(images: Tensor, value_range: tuple[float, float] = (0.0, 255.0)) -> Cases:
    return Cases(
        images=images,
        ids=tuple(map(str, range(len(images)))),
        labels={"class": torch.arange(len(images)) % 2},
        value_range=value_range,
    )


def test_a_backbone_of_scores_sees_grey_levels_on_its_own_scale() -> None:
    greys = torch.randint(0, 256, (6, 1, 3, 3, 3), dtype=torch.uint8)
    scores = cases_of(greys / 255 * 6 - 3, (-3.0, 3.0))
    pretrained = Pretrained(
        backbone=Corners(), intensity=Intensity.of(scores), image_size=3, sha256="", card={}
    )
    own = embed(pretrained, scores, scores.labels["class"])
    other = embed(pretrained, cases_of(greys), scores.labels["class"])
    torch.testing.assert_close(other.features, own.features, atol=1e-5, rtol=0)
    assert torch.equal(own.target, scores.labels["class"])
    assert own.features.std() < 2  # 0 to 255 in units of a score would be eighty times this
